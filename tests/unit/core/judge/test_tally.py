"""How things stood at every start is what had been counted until then, however many opened at once."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.core.judge.arithmetic import exact_log
from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.series import layout, normalisers
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.tally import MOST_WAITING, Tally
from interlock.core.judge.tick import Counts, Observed, Tick
from interlock.core.judge.verdict import Stopped

SETTINGS = JudgeSettings(
    metrics={"orders": MetricSettings(kind="good"), "errors": MetricSettings(kind="bad")},
    phi=dict.fromkeys(("orders", "errors"), PhiTable.flat(1.0)),
)
PLAN = layout(SETTINGS)
KEPT = 9


def counted(chance: np.random.Generator) -> tuple[list[int], list[int]]:
    canary = chance.poisson([5.0, 0.3]).tolist()
    return canary, [one + more for one, more in zip(canary, chance.poisson([90.0, 4.0]).tolist(), strict=True)]


def profile(ticks, row: int) -> np.ndarray:
    """The log-likelihood of every θ of the profile, tick by tick."""
    found = np.zeros(PLAN.thetas.shape[1] - PLAN.harmful)
    for canary, total, share in ticks:
        for place, theta in enumerate(PLAN.thetas[row, PLAN.harmful :].tolist()):
            found[place] += canary[row] * exact_log(theta) - total[row] * exact_log(1.0 + share * (theta - 1.0))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shares", [[0.05], [0.05, 0.01, 0.5]], ids=["one share", "shares that change"])
def test_every_start_stands_where_it_opened(seed, shares):
    chance = np.random.default_rng(seed)
    tally, ticks, newest, at = Tally(PLAN, normalisers(PLAN)), [], 0, {0: 0}
    for _ in range(4 * MOST_WAITING):
        if chance.random() < 0.2:
            newest += int(chance.choice([1, 1, 1, 4]))
            at |= {number: len(ticks) for number in range(newest, max(at), -1)}
            tally.keep(range(newest, max(-1, newest - KEPT), -1))
        if chance.random() < 0.1:
            tally.settle()
        if chance.random() < 0.9:
            ticks.append((*counted(chance), float(chance.choice(shares))))
            tally.add(*ticks[-1])
            tally.now()
    for number in range(newest, max(-1, newest - KEPT), -1):
        before, mark = ticks[: at[number]], tally.at(number)
        assert mark.canary == tuple(sum(one[0][row] for one in before) for row in range(2))
        assert mark.control == tuple(sum(one[1][row] - one[0][row] for one in before) for row in range(2))
        due = [sum((one[1][row] - one[0][row]) * one[2] / (1 - one[2]) for one in before) for row in range(2)]
        assert mark.expected == pytest.approx(due)
        np.testing.assert_allclose(mark.profile[0], profile(before, 0), atol=1e-9)
    for gone in range(max(0, newest - KEPT)):
        with pytest.raises(KeyError):
            tally.at(gone)


@pytest.mark.parametrize(
    ("every", "gap"), [(60.0, 0.0), (60.0, 130.0), (60.0, 1800.0), (7.3, 0.0), (2.0, 0.0), (2.5, 40.0)]
)
@pytest.mark.parametrize("kind", ["good", "bad"])
def test_what_a_stop_tells_of_its_harm_is_true(every, gap, kind):
    """Several starts open in one tick after a gap, and where ticks are longer than what lies between two."""
    factor = 0.9 if kind == "good" else 1.1
    chance = np.random.default_rng(1)
    judge = Judge(
        JudgeSettings(
            metrics={"one": MetricSettings(kind=kind)},
            phi={"one": PhiTable.flat(1.0)},
            starts_every=every,
            tick_seconds=5.0,
        )
    )
    judge.expect_share(0.05)
    t, verdict = 0.0, None
    while not isinstance(verdict, Stopped) and t < 6000:
        t += 5.0
        lost = "stale" if 600 < t <= 600 + gap else ""
        happens = factor if t > 600 + gap else 1.0
        counts = Counts(canary=int(chance.poisson(750 * happens)), control=(int(chance.poisson(14_250)),))
        verdict = judge.step(
            Tick(t=t, share=0.05, metrics={"one": Observed(kind=kind, counts=counts)}, discard=lost)
        )
    assert isinstance(verdict, Stopped)
    assert verdict.estimate == pytest.approx(factor, abs=0.08)
    proven = 1.0 - verdict.at_least if kind == "good" else verdict.at_least
    assert abs(proven - 1.0) <= 0.12
