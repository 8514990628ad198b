"""What is not weighed at every tick is never what matters: at each of them it is weighed here."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlock.core.judge.judge import LONGEST, Judge
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.reach import Reach
from interlock.core.judge.series import layout
from interlock.core.judge.settings import MetricSettings
from interlock.core.judge.tick import Counts, Observed, Tick

NEAR = math.log(10.0)
NOISY = PhiTable(windows=(5.0, 60.0, 600.0), values=(1.1, 2.0, 6.0))
METRICS = {
    "orders": MetricSettings(kind="good"),
    "errors": MetricSettings(kind="bad"),
    "latency": MetricSettings(kind="bad", edges=("0.1", "0.5")),
}


def tick(chance, number, factor):
    """Traffic that lurches: rates, shares and harm change from tick to tick."""
    share = float(chance.choice([0.003, 0.01, 0.012, 0.05, 0.5]))

    def counts(mean, times):
        return Counts(
            canary=int(chance.poisson(mean * share * times)), control=(int(chance.poisson(mean * (1 - share))),)
        )

    level = float(chance.choice([0.2, 1.0, 3.0]))
    metrics = {
        "orders": Observed(kind="good", counts=counts(60 * level, 1 / factor)),
        "errors": Observed(kind="bad", counts=counts(0.6 * level, factor)),
        "latency": Observed(kind="bad", buckets={"0.1": counts(90, factor), "0.5": counts(2, factor)}),
    }
    return Tick(t=float(number + 1), share=share, metrics=metrics)


@pytest.mark.parametrize("phi", [PhiTable.flat(1.0), NOISY], ids=["independent", "noisy"])
@pytest.mark.parametrize("seed", range(12))
def test_evidence_that_was_not_weighed_is_far_from_doubt(settings, phi, seed):
    chance = np.random.default_rng(seed)
    judge = Judge(settings(metrics=METRICS, phi=dict.fromkeys(METRICS, phi), alpha=1e-9))
    stale = longest = 0
    for number in range(400):
        factor = 1.0 if number % 90 < 60 else float(chance.choice([0.7, 1.2, 1.5]))
        judge.step(tick(chance, number, factor))
        now = judge.standing().log_e
        if judge.log_e != now:
            stale, longest = stale + 1, max(longest, stale)
            assert max(now, judge.log_e) < NEAR
        else:
            stale = 0
    assert 3 < longest < 2 * LONGEST, "weighed now and then, whatever comes"


def test_whoever_looks_in_between_moves_no_digit(settings):
    plain, watched = Judge(settings(metrics=METRICS)), Judge(settings(metrics=METRICS))
    one, other = np.random.default_rng(5), np.random.default_rng(5)
    for number in range(300):
        said = plain.step(tick(one, number, 1.0))
        assert watched.step(tick(other, number, 1.0)) == said
        watched.standing()
        assert watched.log_e == plain.log_e
    assert watched.standing() == plain.standing()


@pytest.mark.parametrize("kind", ["good", "bad"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("inverse", [1.0, 0.1])
def test_one_series_is_near_where_its_bound_is(settings, kind, share, inverse):
    """n·KL is the most that any θ may have gained: no shortcut may say less, and none much more."""
    plan = layout(settings(metrics={"m": MetricSettings(kind=kind)}))
    edge = 0
    for due in (3.0, 40.0, 900.0):
        for seen in range(int(3 * due) + 40):
            rest = due * (1 - share) / share
            total = round(due + rest)
            others = total - seen
            if others <= 0 or (seen > due) == (kind == "good"):
                continue
            reach = Reach(plan, NEAR)
            reach.begin([1.0], [inverse])
            reach.add([seen], [total], share)
            most = (seen * math.log(seen / (total * share)) if seen else 0.0) + others * math.log(
                others / (total * (1 - share))
            )
            gained = (
                min(most, seen * math.log(float(plan.thetas[0, : plan.harmful].max()))) if kind == "bad" else most
            )
            grown = math.log(2.0) + gained * inverse
            if abs(grown - NEAR) > 0.03:
                assert reach.touched == (grown > NEAR), (due, seen)
                edge += 1
    assert edge > 5
