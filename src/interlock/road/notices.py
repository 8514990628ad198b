"""What people are told of a rollout, and when: each notice from the record before and after a transition.

Rules:
1. Told are: started, widened, held, stopped (the judge found harm), stuck (traffic does not go where it must),
   returned, failed, completed. Nothing else: whoever is told everything reads nothing.
2. The answer comes first, then what it cost, then what to type. Nothing of a change's content is in it.
3. ``key`` names the happening, so that it is told once: a stage that is held twice is two of them.
4. A record shows by itself what must have been told of it until now: whoever takes over tells what was not. What a
   later happening has made old (an earlier stage, a hold that is over) is left out, but never a STOP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from interlock.core.judge.told import harm_told, rose
from interlock.core.rollout.phrases import amount, because, percent, reached
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import Harm, RolloutRecord, RolloutState
from interlock.core.rollout.transition import FULL
from interlock.ports.notifier import Notice

What = Literal["started", "widened", "held", "stopped", "stuck", "returned", "failed", "completed"]
EVERY: tuple[What, ...] = ("started", "widened", "held", "stopped", "stuck", "returned", "failed", "completed")

_LEVELS: dict[What, Literal["info", "success", "warning", "failure"]] = {
    "started": "info",
    "widened": "info",
    "held": "warning",
    "stopped": "failure",
    "stuck": "failure",
    "returned": "warning",
    "failed": "failure",
    "completed": "success",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something worth telling, its key and the notice."""

    what: What
    key: str
    notice: Notice


def happening(
    before: RolloutRecord | None, after: RolloutRecord, plan: Plan, *, link: str = ""
) -> Happening | None:
    """What this transition means to people, None where it means nothing to them."""
    what = _what(before, after)
    if what is None:
        return None
    title, *lines = _WORDS[what](after, plan)
    notice = Notice(title=title, text="\n".join(line for line in lines if line), level=_LEVELS[what], link=link)
    return Happening(what=what, key=_key(what, after), notice=notice)


def happenings(record: RolloutRecord, plan: Plan, *, link: str = "") -> tuple[Happening, ...]:
    """What people must have been told of ``record`` by now, in order."""
    forms: list[tuple[RolloutRecord | None, RolloutRecord]] = [(None, record)]
    if record.stage and record.state in {RolloutState.RUNNING, RolloutState.HELD}:
        widened = replace(record, state=RolloutState.RUNNING)
        forms.append((replace(widened, stage=record.stage - 1, granted=record.granted / 2), widened))
    running = replace(record, state=RolloutState.RUNNING)
    if record.cause == "harm":
        forms.append((running, replace(record, state=RolloutState.RETURNING)))
    if record.state is not RolloutState.RETURNING and record.hold != "paused":
        forms.append((running, record))
    found = (happening(before, after, plan, link=link) for before, after in forms)
    return tuple(one for one in found if one is not None)


def _what(before: RolloutRecord | None, after: RolloutRecord) -> What | None:
    if before is None:
        return "started"
    if after.state != before.state:
        return _by_state(after)
    if after.granted > before.granted > 0 and after.stage > before.stage:
        return "widened"
    if after.state is RolloutState.RETURNING and (after.phase, after.version) == (before.phase, before.version):
        return "stuck" if after.why != before.why else None
    return None


def _by_state(after: RolloutRecord) -> What | None:
    if after.state is RolloutState.RETURNING:
        return "stopped" if after.cause == "harm" else None
    told: dict[RolloutState, What] = {
        RolloutState.HELD: "held",
        RolloutState.RETURNED: "returned",
        RolloutState.FAILED: "failed",
        RolloutState.COMPLETED: "completed",
    }
    return told.get(after.state)


def _key(what: What, after: RolloutRecord) -> str:
    if what == "widened":
        return f"widened/{after.stage}"
    if what == "held":
        return f"held/{after.stage}/{after.held_since.isoformat() if after.held_since else after.version}"
    # A rollout that completed can be rolled back, and has then ended twice, in different ways.
    return f"{what}/{after.cause}" if after.cause else what


def _started(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    stages = ", ".join(f"{stage.percent:g}" for stage in plan.stages)
    return (
        f"started: {_where(after)}",
        f"{after.change} by {after.started_by}, stages {stages} %",
        f"watch it: interlock rollout watch {after.id}",
    )


def _widened(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    ruled = _ruled_out(after)
    return (
        f"widened to {after.granted:g} %: {_where(after)}",
        f"stage {after.stage + 1} of {len(plan.stages)}; ruled out before: {ruled} or worse" if ruled else "",
        _at_full(plan) if after.granted >= FULL else "",
    )


def _ruled_out(after: RolloutRecord) -> str:
    return ", ".join(f"{name} {percent(value)}" for name, value in sorted(after.ruled_out.items()))


def _at_full(plan: Plan) -> str:
    """What is so where all traffic has it; whether a forecast could be made the plan does not know."""
    named = plan.judge.get("backstop")
    metric = named.get("metric") if isinstance(named, Mapping) else None
    named_on = f"a backstop on {metric}" if metric else "no backstop, so nothing watches"
    return f"nothing is compared any more, since no traffic is left to compare with; the plan names {named_on}"


def _held(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    del plan
    return (
        f"HOLD at {after.weight:g} %: {_where(after)}",
        f"it waits for a person: {after.why or after.hold or 'nobody said why'}",
        f"go on: interlock rollout resume {after.id}",
        f"give it time: interlock rollout extend {after.id} --by 30m",
        f"take it back: interlock rollout abort {after.id}",
    )


def _stopped(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    del plan
    return (
        f"STOP: {_where(after)}",
        _harm(after.harm, after.why),
        "traffic goes back to 0 % now; nobody has to do anything yet",
        f"look on: interlock rollout watch {after.id}",
    )


def _stuck(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    del plan
    return (
        f"NOT BACK YET: {_where(after)}",
        f"a person is needed now: {after.why}",
        f"it is tried on; by hand: interlock rollback {after.service}{_option(after)}",
    )


def _returned(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    del plan
    cost = ""
    if after.harm is not None:
        seconds = f" within {after.harm.seconds:.1f} s" if after.harm.seconds is not None else ""
        more = rose(after.harm.at_least)
        cost = f"lost by the judge's estimate: {amount(after.harm.lost, after.harm.metric, more=more)}{seconds}"
    return (
        f"back at {after.weight:g} %: {_where(after)}",
        because(after.cause, after.why) or "it went back",
        cost,
        f"nothing more to do; what changed: interlock suspects {after.service} --since 2h",
    )


def _failed(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    del plan
    return (
        f"FAILED, a person is needed now: {_where(after)}",
        after.why or "it could not be brought back and verified",
        f"last seen at {after.weight:g} %; try again: interlock rollback {after.service}{_option(after)}",
    )


def _completed(after: RolloutRecord, plan: Plan) -> tuple[str, ...]:
    del plan
    ruled = _ruled_out(after)
    until = f" until {after.kept_until:%Y-%m-%d %H:%M} UTC" if after.kept_until else ""
    return (
        f"done, {reached(after.served)}: {_where(after)}",
        f"ruled out{' before 100 %' if after.alone else ''}: {ruled} or worse" if ruled else "",
        f"the version before is one command away{until}: interlock rollback {after.service}{_option(after)}",
    )


_WORDS: dict[What, Callable[[RolloutRecord, Plan], tuple[str, ...]]] = {
    "started": _started,
    "widened": _widened,
    "held": _held,
    "stopped": _stopped,
    "stuck": _stuck,
    "returned": _returned,
    "failed": _failed,
    "completed": _completed,
}


def _where(record: RolloutRecord) -> str:
    digits = record.digest.removeprefix("sha256:")
    return f"{record.service} {digits[:4]}…{digits[-2:]} → {record.environment}"


def _harm(harm: Harm | None, why: str) -> str:
    return why or (harm_told(harm.metric, estimate=harm.estimate, at_least=harm.at_least) if harm else "")


def _option(record: RolloutRecord) -> str:
    return "" if record.environment == "production" else f" --environment {record.environment}"
