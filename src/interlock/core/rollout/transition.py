"""What becomes of a rollout after an act. Pure: record, plan and outcome in, the next record and its entry out.

Rules:
1. A rollout widens in one place, ``widened``, and only for a PASS or a person's signature; it never widens on its
   way back, or over.
2. Going back begins with the weight: ``returning`` wants 0 first, and nothing else is done outside before the data
   plane serves 0. The ticket is void from the decision on.
3. A rollout that is over is not taken up again, with two exceptions: a completed one whose previous version is
   still kept, and a failed one, may be taken back. What a failed one had gone back for stays its cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from interlock.core.change.canonical import Json
from interlock.core.change.errors import IllegalTransition
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import Cause, Harm, RolloutRecord, RolloutState

FULL = 100.0
"""Percent."""
_DOING: Mapping[str, str] = {
    "weigh": "its weight is being set, and it is judged again from then on",
    "promote": "it is being made the usual version",
    "retire": "it is being made the usual version",
}
"""What runs where nothing may be asked meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The record as it is to be kept, and what the ledger is told. ``kind`` is empty where nothing changed.

    ``widens`` says that more weight was granted, which the ticket's place in the ledger is told too.
    """

    record: RolloutRecord
    kind: str = ""
    body: Mapping[str, Json] = field(default_factory=dict)
    widens: bool = False


def later(moment: datetime, seconds: float) -> datetime:
    """So many seconds later, in the milliseconds that a record holds."""
    return moment + timedelta(milliseconds=round(seconds * 1000))


def stays(record: RolloutRecord) -> Move:
    """Nothing to write down."""
    return Move(record=record)


def calibrated(record: RolloutRecord, plan: Plan, noise: str | None, told: str, now: datetime) -> Move:
    """The control's own noise is known, or it is known that it is not: traffic may move."""
    first = replace(_stage(record, plan, 0, now), calibration=noise, told=told)
    body: dict[str, Json] = {"noise": noise, "told": told, "stage": 0, "weight": first.granted}
    return Move(record=first, kind="rollout.calibrated", body=body)


def set_through(record: RolloutRecord, plan: Plan, now: datetime) -> Move:
    """A set of steps is through."""
    if record.phase == "apply":
        after = _next(record, phase="calibrate", step=0)
        return Move(record=after, kind="rollout.applied", body={"steps": [one.name for one in plan.apply]})
    if record.phase == "promote":
        if not plan.promote:
            return completed(record, plan, now)
        after = _next(record, phase="retire", wanted=0.0, step=0)
        return Move(record=after, kind="rollout.promoted", body={"steps": [one.name for one in plan.promote]})
    return returned(record, now)


def weighed(record: RolloutRecord, plan: Plan, weight: float, now: datetime) -> Move:
    """The data plane serves what was wanted."""
    seen = _next(record, weight=weight, served=record.wanted)
    body: dict[str, Json] = {"weight": weight, "wanted": record.wanted, "stage": record.stage}
    if record.phase == "withdraw":
        return Move(record=_withdrawn(seen, now), kind="rollout.weighed", body=body)
    if record.phase == "retire":
        return completed(seen, plan, now)
    if record.phase != "weigh":
        return Move(record=seen, kind="rollout.weighed", body=body)
    stage = plan.stages[record.stage]
    after = replace(
        seen,
        phase="watch",
        state=RolloutState.RUNNING if record.state is RolloutState.STARTING else record.state,
        stage_since=now,
        bake_until=later(now, stage.bake),
        alone=record.wanted >= FULL,
    )
    return Move(record=after, kind="rollout.weighed", body=body | {"alone": after.alone})


def _withdrawn(record: RolloutRecord, now: datetime) -> RolloutRecord:
    """What the weight 0 leads to. Harm whose end is known was told of when it first went back."""
    harm = record.harm
    if harm is not None and harm.seconds is not None:
        return replace(record, phase="undo")
    if harm is not None and record.exposed_at is not None:
        harm = replace(harm, seconds=round((now - record.exposed_at).total_seconds(), 3))
    return replace(record, phase="settle", harm=harm)


def unconfirmed(record: RolloutRecord, plan: Plan, why: str, now: datetime) -> Move:
    """A weight was set and is not served: as with anything that cannot be believed, and watched meanwhile."""
    if record.phase != "weigh":
        return stays(record)
    if plan.untrusted == "return":
        return returning(record, "untrusted", why)
    after = _next(record, phase="watch", state=RolloutState.HELD, hold="untrusted", held_since=now, why=why)
    return Move(record=after, kind="rollout.held", body={"hold": "untrusted", "why": why})


def stepped(record: RolloutRecord, now: datetime, *, done: bool, said: str) -> Move:
    """One step was run and verified, or could not be after all its tries."""
    if done:
        return stays(_next(record, step=record.step + 1))
    if record.phase == "undo":
        after = _next(record, state=RolloutState.FAILED, phase="over", ended_at=now, why=said)
        return Move(record=after, kind="rollout.failed", body={"why": said, "weight": record.weight})
    if record.phase == "promote":
        after = _next(record, state=RolloutState.HELD, hold="promote-failed", held_since=now, why=said)
        return Move(record=after, kind="rollout.held", body={"hold": "promote-failed", "why": said})
    return returning(record, "apply-failed", said)


def widened(
    record: RolloutRecord, plan: Plan, ruled_out: Mapping[str, float], now: datetime, *, body: Mapping[str, Json]
) -> Move:
    """One stage further; after the last one on to what makes the version the usual one.

    Raises:
        IllegalTransition: ``rollout-state`` for a rollout that is going back or over.
    """
    _require(record, record.phase == "watch" and not record.ended, "a rollout that is being judged")
    following = record.stage + 1
    told: dict[str, Json] = {"ruled_out": dict(ruled_out), "from": record.granted, **body}
    if following >= len(plan.stages):
        after = _going(_next(record, phase="promote", step=0, ruled_out=ruled_out, told=""))
        return Move(record=after, kind="rollout.passed", body=told | {"stage": record.stage})
    after = _going(replace(_stage(record, plan, following, now), ruled_out=ruled_out))
    told |= {"stage": following, "weight": after.granted, "change": record.change, "digest": record.digest}
    return Move(record=after, kind="rollout.widened", body=told, widens=True)


def _going(record: RolloutRecord) -> RolloutRecord:
    return replace(record, state=RolloutState.RUNNING, hold="", held_since=None, why="")


def returning(record: RolloutRecord, cause: Cause, why: str, harm: Harm | None = None) -> Move:
    """Traffic goes back, whatever was being done."""
    if record.state is RolloutState.RETURNING or record.ended:
        return stays(record)
    after = _back(record, cause, why, harm)
    body: dict[str, Json] = {"cause": cause, "why": why, "weight": record.weight, "stage": record.stage}
    return Move(record=after, kind="rollout.returning", body=body)


def counted(record: RolloutRecord, lost: float) -> Move:
    """What the harm came to in the end, those included whom it met until the weight was 0."""
    if record.harm is None or record.phase != "undo" or lost <= record.harm.lost:
        return stays(record)
    after = _next(record, harm=replace(record.harm, lost=lost))
    return Move(record=after, kind="rollout.counted", body={"metric": record.harm.metric, "lost": lost})


def settled(record: RolloutRecord) -> Move:
    """The ticket is surely void: what follows is to undo. The entry says what was found, where harm was."""
    harm, after = record.harm, _next(record, phase="undo", step=0)
    body: dict[str, Json] = {"cause": record.cause, "why": record.why, "change": record.change}
    if harm is None:
        return Move(record=after, kind="rollout.withdrawn", body=body)
    found: dict[str, Json] = {
        "metric": harm.metric,
        "canary": harm.canary,
        "expected": harm.expected,
        "estimate": harm.estimate,
        "at_least": harm.at_least,
        "log_e": harm.log_e,
        "lost": harm.lost,
        "seconds": harm.seconds,
    }
    return Move(record=after, kind="rollout.stopped", body=body | found)


def returned(record: RolloutRecord, now: datetime) -> Move:
    """Everything is as it was before."""
    after = _next(record, state=RolloutState.RETURNED, phase="over", ended_at=now, kept_until=None)
    harm = record.harm
    body: dict[str, Json] = {
        "cause": record.cause,
        "change": record.change,
        "digest": record.digest,
        "previous": record.previous,
        "metric": harm.metric if harm else None,
        "lost": harm.lost if harm else None,
        "seconds": round((now - record.started_at).total_seconds(), 3),
    }
    return Move(record=after, kind="rollout.returned", body=body)


def completed(record: RolloutRecord, plan: Plan, now: datetime) -> Move:
    """The version is the usual one, and the one before stays a command away."""
    until = later(now, plan.keep)
    after = _next(
        record,
        state=RolloutState.COMPLETED,
        phase="over",
        hold="",
        held_since=None,
        ended_at=now,
        kept_until=until,
    )
    body: dict[str, Json] = {
        "change": record.change,
        "digest": record.digest,
        "previous": record.previous,
        "alone": record.alone,
        "ruled_out": dict(record.ruled_out),
    }
    return Move(record=after, kind="rollout.completed", body=body)


def _stage(record: RolloutRecord, plan: Plan, number: int, now: datetime) -> RolloutRecord:
    stage = plan.stages[number]
    return _next(
        record,
        phase="weigh",
        stage=number,
        step=0,
        granted=stage.percent,
        wanted=stage.percent,
        baked=0.0,
        spent=0.0,
        extended=0.0,
        told="",
        stage_since=now,
        bake_until=later(now, stage.bake),
    )


def _back(record: RolloutRecord, cause: Cause, why: str, harm: Harm | None) -> RolloutRecord:
    return _next(
        record,
        state=RolloutState.RETURNING,
        phase="withdraw",
        hold="",
        held_since=None,
        step=0,
        wanted=0.0,
        granted=0.0,
        bake_until=None,
        kept_until=None,
        told="",
        cause=cause,
        why=why,
        harm=harm,
    )


def taken_back(record: RolloutRecord, why: str) -> Move:
    """A person goes back from a rollout under way, or completed, or one whose way back had failed."""
    failed = record.state is RolloutState.FAILED
    cause: Cause = record.cause if failed and record.cause is not None else "rollback"
    after = _back(replace(record, ended_at=None), cause, why, record.harm if failed else None)
    body: dict[str, Json] = {"why": why, "weight": record.weight, "previous": record.previous}
    return Move(record=after, kind="rollout.rolled-back", body=body)


def _next(record: RolloutRecord, **changes: object) -> RolloutRecord:
    return replace(record, version=record.version + 1, **changes)  # type: ignore[arg-type]  # fields by name


def _require(record: RolloutRecord, holds: bool, expected: str) -> None:  # noqa: FBT001  # the condition
    if not holds:
        raise not_now(record, expected)


def not_now(record: RolloutRecord, expected: str, hint: str = "") -> IllegalTransition:
    """The error for a step that the rollout's state does not permit; ``hint`` where more can be said."""
    held = f", {record.hold}" if record.hold else ""
    if record.state is RolloutState.RUNNING and record.phase in _DOING:
        held += f": {_DOING[record.phase]}"
    return IllegalTransition(
        f"expected {expected}, got `{record.id}` which is {record.state}{held}",
        code="rollout-state",
        hint=hint or f"look at it: interlock rollout show {record.id}",
    )
