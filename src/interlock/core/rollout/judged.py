"""What becomes of a rollout after a tick was judged. Pure.

Rules:
1. STOP goes back at once, in whatever state a rollout is judged: held and paused ones too.
2. A stage ends when its bake is over *and* the judge says PASS. At 100 % there is no control to pass against: it
   ends with its bake, whatever the judge says, under the backstop alone or, where there is none, under nothing;
   the record says which, and that nothing was ruled out.
3. A stage that cannot pass before its limit is held, and asked about; not before its bake is over, since that long
   it waits anyway. Should a PASS come while it is held for that, it is as good as before.
4. While nothing can be believed nothing bakes. What was held for distrust goes on by itself after enough ticks
   that can be believed; what a person paused does not.
5. Traffic that somebody else took away is never pushed up again: the rollout goes back. So does a canary that does
   not stay up, whatever the plan says of distrust: nothing can be counted of it, and customers are hurt.
6. Harm is harm while something else is being done: the version made the usual one, or the next weight set.
   Distrust does nothing then, since promoting replaces the very processes that are counted, until that is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from interlock.core.change.canonical import Json
from interlock.core.judge.record import word
from interlock.core.judge.told import stop_told
from interlock.core.judge.verdict import NotEnoughData, Passed, Stopped, Untrusted, Verdict
from interlock.core.rollout.phrases import span
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import Harm, RolloutRecord, RolloutState
from interlock.core.rollout.restarts import CRASH_LOOP
from interlock.core.rollout.transition import FULL, Move, returning, stays, widened

LOST_WEIGHT = "lost-weight"
"""The code of the distrust that says: the data plane serves less than was set."""

GOOD_TICKS = 5
"""Ticks that can be believed, one after another, until distrust is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One tick, judged. ``worked`` are the seconds since the tick before, ``judged`` those of them that count.

    ``good`` counts the ticks that could be believed since the last that could not. ``harm`` comes with a STOP.
    ``exposed_at`` is when the canary had its first request, as near as two rounds say. ``weight`` is what the data
    plane was seen to serve, None where it did not say. ``backed`` says that a backstop holds the total to a
    forecast. ``evidence`` is what the ledger is told beside a decision. ``refused`` are addresses of the canary at
    which nobody listens: what was counted is then that there is no process.
    """

    verdict: Verdict
    log_e: float = 0.0
    worked: float = 0.0
    judged: float = 0.0
    good: int = 0
    weight: float | None = None
    exposed_at: datetime | None = None
    harm: Harm | None = None
    backed: bool = False
    evidence: Mapping[str, Json] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


def observed(record: RolloutRecord, plan: Plan, seen: Seen, now: datetime) -> Move:
    """The record after one or more ticks; ``kind`` is empty when only its counters moved."""
    if record.phase != "watch" or record.ended:
        return _meanwhile(record, plan, seen, now)
    counted = _counted(record, plan, seen, now)
    verdict = seen.verdict
    if isinstance(verdict, Stopped):
        return returning(counted, "harm", _harm_told(verdict, seen), seen.harm)
    if isinstance(verdict, Untrusted):
        return _distrust(counted, plan, verdict, now)
    if counted.hold == "untrusted" and seen.good >= GOOD_TICKS:
        after = replace(counted, state=RolloutState.RUNNING, hold="", held_since=None, why="")
        return Move(record=after, kind="rollout.resumed", body={"by": "itself", "good": seen.good})
    if _may_end(counted):
        return _end_of_stage(counted, plan, seen, now)
    return stays(counted)


def _meanwhile(record: RolloutRecord, plan: Plan, seen: Seen, now: datetime) -> Move:
    """While something else is being done: nothing bakes, and nothing passes."""
    verdict = seen.verdict
    if record.phase not in {"weigh", "promote"}:
        return stays(record)
    judged = _judged(record, seen)
    if isinstance(verdict, Stopped):
        return returning(judged, "harm", _harm_told(verdict, seen), seen.harm)
    if record.phase == "weigh":
        return stays(record)
    if isinstance(verdict, Untrusted) and (record.hold or verdict.code == CRASH_LOOP):
        return _distrust(judged, plan, verdict, now)
    return stays(judged)


def _harm_told(verdict: Stopped, seen: Seen) -> str:
    """The verdict, and where nobody listens at the canary: it crashed, or was never there."""
    refused = f"; connection refused at {', '.join(seen.refused)}" if seen.refused else ""
    return stop_told(verdict) + refused


def limit_of(record: RolloutRecord, plan: Plan) -> float:
    """Seconds that the present stage may take, with what a person added."""
    return plan.stages[record.stage].limit + record.extended


def advice(record: RolloutRecord, plan: Plan) -> str:
    """What can be done about a stage that cannot pass in its time."""
    return (
        f"wait longer: interlock rollout extend {record.id} --by 30m; or answer for what is not ruled out: "
        f'interlock rollout widen {record.id} --why "…"; '
        "or go back, and start with a larger first stage or cohorts by flag "
        f"({plan.path})"
    )


def _counted(record: RolloutRecord, plan: Plan, seen: Seen, now: datetime) -> RolloutRecord:
    believed = not isinstance(seen.verdict, Untrusted)
    baked = record.baked + (seen.judged if believed else 0.0)
    running = record.state is RolloutState.RUNNING
    left = max(plan.stages[record.stage].bake - baked, 0.0)
    return replace(
        _judged(record, seen),
        baked=baked,
        spent=record.spent + (seen.worked if running else 0.0),
        bake_until=now + timedelta(milliseconds=round(left * 1000)),
    )


def _judged(record: RolloutRecord, seen: Seen) -> RolloutRecord:
    return replace(
        record,
        version=record.version + 1,
        weight=record.weight if seen.weight is None else seen.weight,
        log_e=seen.log_e,
        verdict=word(seen.verdict),
        told=told(seen.verdict),
        exposed_at=record.exposed_at or seen.exposed_at,
    )


def _may_end(record: RolloutRecord) -> bool:
    return record.state is RolloutState.RUNNING or record.hold in {"no-pass", "frozen"}


def _end_of_stage(record: RolloutRecord, plan: Plan, seen: Seen, now: datetime) -> Move:
    stage, verdict = plan.stages[record.stage], seen.verdict
    if record.baked < stage.bake:
        return stays(record)
    if stage.percent >= FULL:
        by = "backstop alone" if seen.backed else "no control and no backstop"
        # What was judged last is of another weight: it says nothing here, and is not told.
        return widened(record, plan, record.ruled_out, now, body={"by": by, "ruled_out": {}})
    if isinstance(verdict, Passed):
        return widened(record, plan, verdict.ruled_out, now, body={**seen.evidence, "by": "pass"})
    if record.hold:
        return stays(record)
    limit = limit_of(record, plan)
    eta = verdict.eta if isinstance(verdict, NotEnoughData) else None
    if record.spent >= limit:
        return _hold(record, plan, f"stage {record.stage + 1} did not pass in {span(limit)}", now)
    if eta is not None and record.spent + eta > limit:
        return _hold(record, plan, f"a pass is expected in {span(eta)}, beyond the limit of {span(limit)}", now)
    return stays(record)


def _hold(record: RolloutRecord, plan: Plan, why: str, now: datetime) -> Move:
    after = replace(record, state=RolloutState.HELD, hold="no-pass", held_since=now, why=why)
    body: dict[str, Json] = {"hold": "no-pass", "why": why, "advice": advice(record, plan)}
    return Move(record=after, kind="rollout.held", body=body)


def _distrust(record: RolloutRecord, plan: Plan, verdict: Untrusted, now: datetime) -> Move:
    why = f"{verdict.code}: {verdict.why}"
    if verdict.code == LOST_WEIGHT:
        return returning(record, "lost-weight", verdict.why)
    if plan.untrusted == "return" or verdict.code == CRASH_LOOP:
        return returning(record, "untrusted", why)
    if record.state is not RolloutState.RUNNING:
        return stays(record)
    after = replace(record, state=RolloutState.HELD, hold="untrusted", held_since=now, why=why)
    return Move(record=after, kind="rollout.held", body={"hold": "untrusted", "why": why})


def told(verdict: Verdict) -> str:
    """The verdict for people, in one line."""
    if isinstance(verdict, Stopped):
        return stop_told(verdict)
    if isinstance(verdict, Untrusted):
        return f"{verdict.code}: {verdict.why}"
    if isinstance(verdict, NotEnoughData) and verdict.eta is not None:
        return f"a pass is expected in {span(verdict.eta)}"
    return ""
