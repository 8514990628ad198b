"""How a service goes back: interlock's own command, the steps in force, and what each driver says of its kind.

Rules:
1. What a rehearsal measured counts where a trusted runner signed it, about this very digest and by the plan in
   force. Nobody else's word becomes a command that somebody types.
2. Members of a set go back in the order that was checked. What nobody can take back is among them by name.
3. A driver that is not here, breaks, or does not say how its kind goes back, is named with the plan it stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from interlock.core.audit.way_back import OneWay, Part, Rehearsed, WayBack, part, saved
from interlock.core.change.errors import InterlockError
from interlock.core.evidence.model import Evidence
from interlock.core.policy.rules import Rules
from interlock.core.policy.shown import REHEARSAL, SNAPSHOT
from interlock.core.rehearsal.going_back import ENVIRONMENT, Before, by_steps
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.step_doubts import BASE
from interlock.ports.rehearsal import MakesRehearsal, SaysGoingBack
from interlock.ports.store import Tx
from interlock.road.decide import Judgement

PRODUCTION = "production"


def way_back(
    tx: Tx, rules: Rules, judged: Judgement, drivers: Mapping[str, MakesRehearsal], service: str
) -> WayBack:
    """All that is known of it; ``drivers`` are those of rehearsals, by name."""
    environment = judged.environment
    plan = rules.plans.get((service, environment))
    done = tx.records(RolloutRecord).find(
        service=service, environment=environment, state=RolloutState.COMPLETED.value
    )
    before = [one for one in done if one.digest != judged.change.digest]
    previous = before[-1].digest if before else ""
    where = () if environment == PRODUCTION else ("--environment", environment)
    known = rules.catalog.services.get(service)
    names = _names(judged, service, previous) | {ENVIRONMENT: environment}
    kept = rules.snapshots.get((service, environment))
    return WayBack(
        service=service,
        command=("interlock", "rollback", service, *where) if plan else (),
        previous=previous,
        declared=(known.rollback or "") if known else "",
        path=plan.path if plan else "",
        plan=part(by_steps(plan.rollback, names), driver="rollout") if plan else None,
        rehearsed=tuple(
            _rehearsed(judged, drivers, each)
            for (name, _), each in sorted(rules.rehearsals.items())
            if name == service
        ),
        snapshot=saved(kept, _about(judged, SNAPSHOT, service, environment)) if kept else None,
    )


def _rehearsed(judged: Judgement, drivers: Mapping[str, MakesRehearsal], plan: RehearsalPlan) -> Rehearsed:
    found = [
        one
        for one in _about(judged, REHEARSAL, plan.service, plan.environment)
        if one.standing == "trusted" and one.summary.get("plan") == plan.digest
    ]
    newest = max(found, key=lambda one: (one.issued_at, one.id), default=None)
    measured = newest.summary.get("measured") if newest else None
    here = plan.environment if plan.environment == judged.environment else ""
    before = Before(
        base=judged.change.submission.base,
        names=_names(judged, plan.service, "") | {ENVIRONMENT: here},
        measured=measured if isinstance(measured, dict) else {},
        shown_by=newest.id if newest else "",
    )
    if not plan.members:
        parts = [_part(drivers, plan, before, "")]
    else:
        known = {each.name: each for each in plan.members}
        parts = []
        for name in plan.back:
            member, mine = known[name], before.measured.get(name)
            if member.driver is not None:
                alone = replace(
                    plan, driver=member.driver, apply=member.apply, rollback=member.rollback, members=(), back=()
                )
                its = replace(before, measured=mine if isinstance(mine, dict) else {})
                parts.append(_part(drivers, alone, its, name))
    return Rehearsed(
        path=plan.path,
        environment=plan.environment,
        parts=tuple(parts),
        one_way=tuple(
            OneWay(member=each.name, because=each.because) for each in plan.members if not each.reversible
        ),
    )


def _part(drivers: Mapping[str, MakesRehearsal], plan: RehearsalPlan, before: Before, member: str) -> Part:
    kind = plan.driver.kind
    driver = drivers.get(kind)
    told = f"the driver {kind} does not say by which commands it goes back: see {plan.path}"
    if driver is None:
        told = f"the driver {kind} is not installed here, so its commands are not known: see {plan.path}"
    elif isinstance(driver, SaysGoingBack):
        try:
            return part(driver.going_back(plan, before), driver=kind, member=member)
        except InterlockError as error:
            told = f"the settings of the driver {kind} in {plan.path} cannot be used: {error.message}"
        except Exception as error:  # noqa: BLE001  # a driver that breaks must not take the whole page with it
            told = (
                f"the driver {kind} broke ({type(error).__name__}), so its commands are not known: see {plan.path}"
            )
    return Part(driver=kind, member=member, told=(told,))


def _about(judged: Judgement, kind: str, service: str, environment: str) -> list[Evidence]:
    return [
        one
        for one in judged.evidence
        if one.predicate_type == kind
        and (one.summary.get("service"), one.summary.get("environment")) == (service, environment)
    ]


def _names(judged: Judgement, service: str, previous: str) -> dict[str, str]:
    """What interlock tells a step, but for the ids of a run and where it is."""
    return {
        "ROLLOUT_CHANGE": judged.change.id,
        "ROLLOUT_DIGEST": judged.change.digest,
        "ROLLOUT_PREVIOUS": previous,
        BASE: judged.change.submission.base,
        "ROLLOUT_SERVICE": service,
    }
