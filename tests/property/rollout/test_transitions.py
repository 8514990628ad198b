"""Whatever happens in whatever order: never wider without a PASS or a person, never anything after the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.errors import IllegalTransition
from interlock.core.judge.verdict import NotEnoughData, Passed, Stopped, Untrusted
from interlock.core.rollout import asked, transition
from interlock.core.rollout.act import Calibrate, Pass, RunStep, Settle, SetWeight, Wait, Watch, next_act
from interlock.core.rollout.judged import Seen, observed
from interlock.core.rollout.plan import Plan, PluginPlan, StagePlan, StepPlan
from interlock.core.rollout.record import Harm, RolloutRecord, RolloutState

NOW = datetime(2026, 3, 5, 9, tzinfo=UTC)
STEP = StepPlan(name="s", kind="other", run=("s",), verify=("v",))
PERCENTS = (1.0, 25.0, 100.0)
VERDICTS = {
    "pass": Passed(ruled_out={"orders": 0.1}),
    "stop": Stopped(metric="orders", log_e=9, log_e_metric=9, estimate=0.1, at_least=0.8),
    "more": NotEnoughData(ruled_out={"orders": None}, eta=30.0),
    "never": NotEnoughData(ruled_out={"orders": None}, eta=None),
    "lies": Untrusted(code="router-lies", why=""),
    "lost": Untrusted(code="lost-weight", why=""),
}
HARM = Harm(metric="orders", estimate=0.1, at_least=0.8, log_e=9, lost=9)
people = st.sampled_from(["pause", "resume", "extend", "abort", "roll back"])
events = st.lists(
    st.one_of(st.just(("act", True)), st.just(("act", False)), st.tuples(st.just("ask"), people)), max_size=60
)
plans = st.builds(
    lambda untrusted, promote, bake: Plan(
        path="rollouts/a.yaml",
        service="a",
        environment="production",
        router=PluginPlan(kind="fake", settings={}),
        meters=(),
        judge={},
        stages=tuple(StagePlan(percent=each, bake=bake, margin=0.5, limit=60.0) for each in PERCENTS),
        untrusted=untrusted,
        apply=(STEP,),
        promote=(STEP,) * promote,
        rollback=(STEP,),
    ),
    st.sampled_from(["hold", "return"]),
    st.integers(0, 1),
    st.sampled_from([0.0, 5.0]),
)


def begun() -> RolloutRecord:
    names = ("id", "service", "environment", "change", "digest", "ticket", "plan", "rules", "started_by")
    return RolloutRecord(**dict.fromkeys(names, "x"), started_at=NOW)


def acted(record: RolloutRecord, plan: Plan, *, good: bool, verdict: str) -> transition.Move:
    """What a worker does next, going well or badly."""
    act = next_act(record, plan)
    if isinstance(act, Calibrate):
        return transition.calibrated(record, plan, None, "", NOW)
    if isinstance(act, SetWeight):
        if good:
            return transition.weighed(record, plan, act.percent, NOW)
        return transition.unconfirmed(record, plan, "not served", NOW)
    if isinstance(act, RunStep):
        return transition.stepped(record, NOW, done=good, said="")
    if isinstance(act, Pass):
        return transition.set_through(record, plan, NOW)
    if isinstance(act, Settle):
        return transition.settled(record)
    if isinstance(act, Watch):
        seen = Seen(verdict=VERDICTS[verdict], worked=2.0, judged=2.0, good=9, harm=HARM)
        return observed(record, plan, seen, NOW)
    assert isinstance(act, Wait)
    return transition.stays(record)


def answered(record: RolloutRecord, what: str) -> transition.Move:
    later = NOW + timedelta(days=2)
    if what == "pause":
        return asked.pause(record, "", NOW)
    if what == "resume":
        return asked.resume(record)
    if what == "extend":
        return asked.extend(record, 60.0)
    if what == "abort":
        return asked.abort(record, "")
    return asked.roll_back(record, "", later)


@given(plans, events, st.lists(st.sampled_from(sorted(VERDICTS)), min_size=60, max_size=60))
def test_any_history_is_a_lawful_one(plan, history, verdicts):
    record, ended = begun(), None
    for (kind, what), verdict in zip(history, verdicts, strict=False):
        if kind == "act":
            if next_act(record, plan) is None:
                continue
            move = acted(record, plan, good=bool(what), verdict=verdict)
        else:
            try:
                move = answered(record, str(what))
            except IllegalTransition:
                continue
        lawful(record, move, kind, verdict)
        back_again = record.state is RolloutState.FAILED and move.kind == "rollout.rolled-back"
        assert ended is None or move.record == record or back_again
        record = move.record
        ended = record if record.phase == "over" else None


def lawful(before: RolloutRecord, move: transition.Move, kind: str, verdict: str) -> None:
    """What must hold of every single move."""
    after = move.record
    wider = after.granted > before.granted
    assert not wider or before.state is not RolloutState.RETURNING
    assert not wider or after.granted == (0.0, *PERCENTS)[(0.0, *PERCENTS).index(before.granted) + 1]
    if wider and before.granted:
        assert kind == "act"
        assert verdict == "pass"
        assert move.widens
    assert after.wanted <= after.granted or after.wanted == 0.0
    if before.cause is not None:
        assert after.wanted == after.granted == 0.0
    if after != before and move.kind == "":
        assert after.phase == before.phase
    if after.phase in {"settle", "undo"}:
        assert after.served == 0.0
    assert (after.phase == "over") == after.ended
