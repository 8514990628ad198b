"""The plans of producers in the rules in force, with their bytes: whoever rehearses or proves goes by these.

Rules:
1. They come from where the rules are kept and never from the checkout that is looked at: a change cannot edit what
   it is looked at with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interlock.core.alerts.plan import AlertPlan
from interlock.core.approval.actor import Actor, Scope
from interlock.core.bite.plan import TestPlan
from interlock.core.policy.rules import Rules
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.scan.plan import ScanFile
from interlock.core.snapshot.plan import SnapshotPlan
from interlock.ports.store import Tx
from interlock.road.station import InForce, Station

ProducerPlan = RehearsalPlan | AlertPlan | SnapshotPlan | TestPlan | ScanFile

_PLANS: Mapping[str, Callable[[Rules], list[ProducerPlan]]] = {
    "alerts": lambda rules: [plan for _, plan in sorted(rules.alert_plans.items())],
    "rehearsal": lambda rules: [plan for _, plan in sorted(rules.rehearsals.items())],
    "scan": lambda rules: [file for _, file in sorted(rules.scan_files.items())],
    "snapshot": lambda rules: [plan for _, plan in sorted(rules.snapshots.items())],
    "tests": lambda rules: [plan for _, plan in sorted(rules.test_plans.items())],
}
PRODUCERS = tuple(_PLANS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInForce:
    """A plan's file. ``environment`` is empty where a plan has none; ``rules`` is the digest of the rules."""

    producer: str
    service: str
    environment: str
    path: str
    digest: str
    content: bytes
    rules: str


def in_force(station: Station, actor: Actor, producer: str, service: str | None = None) -> tuple[PlanInForce, ...]:
    """All plans for a producer in the rules in force, or those of one service, by service and environment."""
    actor.require(Scope.READ)
    return station.store.read(lambda tx: _in_force(station, tx, producer, service))


def _in_force(station: Station, tx: Tx, producer: str, service: str | None) -> tuple[PlanInForce, ...]:
    found = station.rules_or_provisional(tx)
    plans = [plan for plan in _PLANS[producer](found.rules) if service in {None, plan.service}]
    provisional = station.fallback.files() if plans and found.provisional and station.fallback else {}
    return tuple(
        PlanInForce(
            producer=producer,
            service=plan.service,
            environment=plan.environment if isinstance(plan, RehearsalPlan | SnapshotPlan) else "",
            path=plan.path,
            digest=plan.digest,
            content=provisional[plan.path] if provisional else _kept(tx, found, plan.path),
            rules=found.rules.digest,
        )
        for plan in plans
    )


def _kept(tx: Tx, found: InForce, path: str) -> bytes:
    assert found.activation is not None  # noqa: S101  # they are not provisional
    return tx.blob(found.activation.files[path])
