"""What a rollout needs done now. Pure: the record and the plan in, one act out.

Rules:
1. The act follows from the record alone, so whoever takes over does the same as whoever began it.
2. While it is held no step is run, whatever it is held for. Traffic that is out is judged all the same.
3. Every act may be repeated: a weight is set again to the same, a step is verified before it is run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interlock.core.rollout.plan import Plan, StepPlan
from interlock.core.rollout.record import Phase, RolloutRecord, RolloutState

OUT: frozenset[Phase] = frozenset({"watch", "promote"})
"""While the canary has traffic that stays where it is: judged all the time, whatever else is being done."""

StepSet = Literal["apply", "promote", "rollback"]

_SETS: dict[Phase, StepSet] = {"apply": "apply", "promote": "promote", "undo": "rollback"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrate:
    """Watch the control alone for so many seconds, before any traffic moves."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWeight:
    """Have the data plane serve this, and see that it does."""

    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """Run one step of a set, then its verification."""

    name: StepSet
    number: int
    step: StepPlan

    @property
    def target(self) -> str:
        """How an effect names it."""
        return f"{self.name}/{self.step.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A set of steps is through: go on to what follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Read both arms, judge, and do what the verdict says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Void the ticket and, after harm, bar the digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing until a person says something."""


Act = Calibrate | SetWeight | RunStep | Pass | Watch | Settle | Wait


def next_act(record: RolloutRecord, plan: Plan, *, baseline: float = 0.0) -> Act | None:
    """The act; None when the rollout is over."""
    if record.phase == "over":
        return None
    if record.phase == "calibrate":
        return Calibrate(seconds=baseline)
    if record.phase in {"weigh", "retire", "withdraw"}:
        return SetWeight(percent=record.wanted)
    if record.phase == "watch":
        return Watch()
    if record.phase == "settle":
        return Settle()
    if record.state is RolloutState.HELD:
        return Watch() if record.phase in OUT else Wait()
    return _step(record, plan)


def _step(record: RolloutRecord, plan: Plan) -> Act:
    name = _SETS[record.phase]
    steps = steps_of(plan, name)
    if record.step >= len(steps):
        return Pass()
    return RunStep(name=name, number=record.step, step=steps[record.step])


def steps_of(plan: Plan, name: StepSet) -> tuple[StepPlan, ...]:
    """The steps of one set."""
    return {"apply": plan.apply, "promote": plan.promote, "rollback": plan.rollback}[name]
