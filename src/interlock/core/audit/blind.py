"""What nobody sees any more once a change is out: metrics that its new version does not expose, and their alerts.

Rules:
1. A trusted alert proof says so, the newest of each service; who watches is told beside the very name.
2. An alert that was proven all the same sees less and is not blind. A metric is gone for its own service alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.evidence.model import Evidence
from interlock.core.policy.shown import ALERTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """One metric of a service that the new version does not expose; ``alerts`` look at it, ``proof`` says so."""

    metric: str
    service: str
    alerts: frozenset[str]
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """All of it. ``seeing`` are alerts that were proven without what is gone."""

    gone: tuple[Gone, ...] = ()
    seeing: frozenset[str] = frozenset()

    def alert(self, name: str) -> str:
        """What is to be said of an alert; empty where it sees all that it looks at."""
        found = [one for one in self.gone if name in one.alerts]
        if not found:
            return ""
        metrics = ", ".join(dict.fromkeys(one.metric for one in found))
        says = "sees less" if name in self.seeing else "is blind"
        why = f"it looks at {metrics}, which the new version does not expose"
        return f"{says} once this change is out: {why}, by {found[0].proof}"

    def metric(self, name: str, services: Sequence[str]) -> str:
        """What is to be said of a metric of these services."""
        found = next((one for one in self.gone if one.metric == name and one.service in services), None)
        if found is None:
            return ""
        return f"is not there once this change is out: the new version does not expose it, by {found.proof}"


def blind(evidence: Sequence[Evidence]) -> Blind:
    """By the alert proofs among these, oldest first."""
    newest = {
        str(one.summary.get("service", "")): one
        for one in evidence
        if one.predicate_type == ALERTS and one.standing == "trusted"
    }
    gone = [each for service, one in newest.items() for each in _gone(one, service)]
    answers = (
        each for one in newest.values() for row in _rows(one, "modes") for each in _listed(row.get("answers"))
    )
    seeing = {str(each.get("alert")) for each in answers if isinstance(each, dict)}
    return Blind(gone=tuple(gone), seeing=frozenset(seeing))


def _gone(one: Evidence, service: str) -> Iterator[Gone]:
    for row in _rows(one, "gone"):
        # Each stands there with its place: `OrdersDown (monitoring/orders.yaml:4)`.
        alerts = frozenset(str(each).partition(" (")[0] for each in _listed(row.get("alerts")))
        yield Gone(metric=str(row.get("metric", "")), service=service, alerts=alerts, proof=one.id)


def _rows(one: Evidence, key: str) -> list[dict[str, Json]]:
    return [row for row in _listed(one.summary.get(key)) if isinstance(row, dict)]


def _listed(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()
