"""Whatever counts come: evidence is a number, a record is recomputed exactly, and nothing missing passes."""

from __future__ import annotations

import math

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.record import Said, read, replay, word, write
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick
from interlock.core.judge.verdict import Passed

PLAN = JudgeSettings(
    metrics={
        "orders": MetricSettings(kind="good"),
        "errors": MetricSettings(kind="bad"),
        "latency": MetricSettings(kind="bad", edges=("0.1", "1"), warm_up=3.0),
    },
    phi={"orders": PhiTable.flat(1.0), "errors": PhiTable.flat(3.0), "latency": PhiTable.flat(1.5)},
    tick_seconds=30.0,
)
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
counts = st.one_of(st.integers(0, 5), st.integers(0, 10**6), st.integers(0, 2**53))
arms = st.builds(Counts, canary=counts, control=st.lists(counts, max_size=6).map(tuple))
shares = st.one_of(st.sampled_from([0.0, 1.0, 1e-9, 1 - 1e-9, 0.05]), st.floats(0.0, 1.0))


@st.composite
def ticks(draw):
    t, found = 0.0, []
    for _ in range(draw(st.integers(1, 12))):
        t += draw(st.sampled_from([1.0, 30.0, 61.0, 80.0]))
        metrics = {
            "orders": Observed(kind="good", counts=draw(arms)),
            "errors": Observed(kind="bad", counts=draw(arms)),
            "latency": Observed(kind="bad", buckets={"0.1": draw(arms), "1": draw(arms)}),
        }
        assigned = draw(st.none() | st.builds(Assigned, canary=counts, control=counts))
        discard = draw(st.sampled_from(["", "", "", "late"]))
        found.append(Tick(t=t, share=draw(shares), metrics=metrics, assigned=assigned, discard=discard))
    return found


@settings(max_examples=25, deadline=None, phases=UNSHRUNK)
@given(ticks())
def test_evidence_is_a_number_and_the_record_is_recomputed_exactly(seen):
    judge, lines = Judge(PLAN), []
    judge.expect_share(0.05)
    lines.append('{"expect_share":0.05}')
    for tick in seen:
        verdict = judge.step(tick)
        assert math.isfinite(judge.log_e)
        assert not (tick.discard and isinstance(verdict, Passed))
        standing = judge.standing()
        assert all(math.isfinite(one.log_e) for one in standing.metrics.values())
        lines.append(write(Said(tick=tick, verdict=word(verdict), log_e=judge.log_e)))
    assert len(replay(PLAN, lines)) == len(seen)


@settings(max_examples=25, deadline=None, phases=UNSHRUNK)
@given(ticks())
def test_a_tick_that_is_written_is_read_as_it_was(seen):
    for tick in seen:
        assert read(write(Said(tick=tick))).tick == tick


@settings(max_examples=15, deadline=None, phases=UNSHRUNK)
@given(ticks(), st.sampled_from(sorted(PLAN.metrics)))
def test_without_one_metric_nothing_passes(seen, gone):
    judge = Judge(PLAN)
    judge.begin_stage(0.99, 0.0)
    for tick in seen:
        rest = {name: one for name, one in tick.metrics.items() if name != gone}
        partial = Tick(t=tick.t, share=tick.share, metrics=rest, assigned=tick.assigned, discard=tick.discard)
        assert not isinstance(judge.step(partial), Passed)
