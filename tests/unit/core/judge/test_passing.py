from __future__ import annotations

import math

import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.passing import tolerated
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.settings import MetricSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick
from interlock.core.judge.verdict import NotEnough, Passed


def fed(settings, kind, canary, control, *, share=0.05, assigned=None, margin=0.9, floor=0.0, phi=1.0, ticks=60):
    plan = settings(
        metrics={"m": MetricSettings(kind=kind, floor=floor)}, phi={"m": PhiTable.flat(phi)}, alpha=1e-12
    )
    judge = Judge(plan)
    judge.begin_stage(margin, 0.0)
    verdict = None
    for number in range(ticks):
        counts = Counts(canary=canary, control=(control,))
        arms = None if assigned is None else Assigned(canary=assigned, control=assigned * 19)
        metrics = {"m": Observed(kind=kind, counts=counts)}
        verdict = judge.step(Tick(t=number + 1.0, share=share, metrics=metrics, assigned=arms))
    return verdict


def gained(theta, x, n, rho):
    return x * math.log(theta) - n * math.log1p(rho * (theta - 1))


@pytest.mark.parametrize("phi", [1.0, 4.0])
def test_what_is_ruled_out_is_the_likelihood_ratio_inverted(settings, phi):
    ruled = fed(settings, "good", 5, 95, phi=phi).ruled_out["m"]
    assert gained(1 - ruled, 300, 6000, 0.05) / phi <= math.log(0.01)
    assert gained(1 - ruled + 0.05, 300, 6000, 0.05) / phi > math.log(0.01)


def test_a_rise_is_told_as_a_factor(settings):
    ruled = fed(settings, "bad", 5, 95).ruled_out["m"]
    assert gained(1 + ruled, 300, 6000, 0.05) <= math.log(0.01)
    assert 0.1 < ruled < 0.5


def test_noise_makes_it_weaker(settings):
    calm, noisy = (fed(settings, "good", 5, 95, phi=phi).ruled_out["m"] for phi in (1.0, 4.0))
    assert calm < noisy


def test_margins_of_bad_metrics_are_the_same_factor_the_other_way():
    assert tolerated("good", 0.5) == 0.5
    assert tolerated("bad", 0.5) == 1.0
    assert tolerated("bad", 0.9) == pytest.approx(9.0)


def test_orders_pass_at_their_margin_and_not_before(settings):
    assert isinstance(fed(settings, "good", 1, 19, margin=0.9, ticks=3), NotEnough)
    assert isinstance(fed(settings, "good", 1, 19, margin=0.9, ticks=5), Passed)
    assert isinstance(fed(settings, "good", 1, 19, margin=0.5, ticks=5), NotEnough)
    assert isinstance(fed(settings, "good", 1, 19, margin=0.5, ticks=40), Passed)


def test_the_time_left_is_about_right(settings):
    waiting = fed(settings, "good", 1, 19, margin=0.25, ticks=60)
    assert isinstance(waiting, NotEnough)
    left = round(waiting.eta)
    assert isinstance(fed(settings, "good", 1, 19, margin=0.25, ticks=60 + left - 3), NotEnough)
    assert isinstance(fed(settings, "good", 1, 19, margin=0.25, ticks=60 + left + 3), Passed)


def test_nothing_at_all_rules_out_nothing(settings):
    waiting = fed(settings, "good", 0, 0)
    assert isinstance(waiting, NotEnough)
    assert waiting.ruled_out == {"m": None}
    assert waiting.eta is None


def test_errors_that_never_happen_are_ruled_out_against_the_floor(settings):
    """0 errors of either arm say nothing of their ratio: such a rollout was never to pass."""
    assert isinstance(fed(settings, "bad", 0, 0, assigned=100, floor=0.0), NotEnough)
    passed = fed(settings, "bad", 0, 0, assigned=100, floor=0.001, margin=0.9)
    assert isinstance(passed, Passed)
    # ruled out: a rate of `floor` times this, of which 6000 requests without an error are too unlikely
    rate = passed.ruled_out["m"] * 0.001
    assert math.exp(-6000 * rate) < 0.01


def test_against_the_floor_no_assigned_requests_prove_nothing(settings):
    assert isinstance(fed(settings, "bad", 0, 0, assigned=None, floor=0.001), NotEnough)


def test_errors_far_above_the_floor_do_not_pass_by_it(settings):
    waiting = fed(settings, "bad", 5, 95, assigned=100, floor=0.001, margin=0.1)
    assert isinstance(waiting, NotEnough)


def test_time_left_against_the_floor_is_about_right(settings):
    waiting = fed(settings, "bad", 0, 0, assigned=10, floor=0.001, margin=0.5)
    assert isinstance(waiting, NotEnough)
    left = round(waiting.eta)
    again = {"assigned": 10, "floor": 0.001, "margin": 0.5}
    assert isinstance(fed(settings, "bad", 0, 0, **again, ticks=60 + left - 5), NotEnough)
    assert isinstance(fed(settings, "bad", 0, 0, **again, ticks=60 + left + 5), Passed)


def test_who_looks_in_between_changes_nothing(settings, traffic):
    """A record is recomputed by somebody who looks at other moments, or never."""
    plan, said = settings(), []
    for every in (1, 7, 10**6):
        judge, shop, found = Judge(plan), traffic(), []
        judge.begin_stage(0.5, 0.0)
        for second in range(300):
            verdict = judge.step(shop.tick(second + 1.0))
            found.append((verdict, judge.log_e))
            if second % every == 0:
                judge.standing()
        said.append(found)
    assert said[0] == said[1] == said[2]


def test_a_pass_is_said_soon_after_it_was_possible(settings, traffic):
    """It is not looked for at every tick, so that a moment at which it was just possible may be missed."""
    late = []
    for seed in range(6):
        judge, shop, possible = Judge(settings()), traffic(seed), 0
        judge.begin_stage(0.5, 0.0)
        for second in range(1, 600):
            verdict = judge.step(shop.tick(float(second)))
            if not possible:
                ruled = {name: one.ruled_out or 99.0 for name, one in judge.standing().metrics.items()}
                fits = ruled["orders"] <= 0.5 and max(ruled["errors"], ruled["latency"]) <= 1.0
                possible = second if fits else 0
            if isinstance(verdict, Passed):
                break
        assert 0 < possible <= second
        late.append(second / possible - 1.0)
    assert sorted(late)[3] <= 0.05


def test_requests_count_for_a_metric_while_another_is_not_warm_yet(settings):
    """What was assigned while a latency warmed up rules out as much for the errors."""

    def ruled_out(warm_up):
        metrics = {
            "errors": MetricSettings(kind="bad", floor=0.01),
            "latency": MetricSettings(kind="bad", edges=("1",), warm_up=warm_up),
        }
        judge, verdict = Judge(settings(metrics=metrics, alpha=1e-12)), None
        judge.begin_stage(0.1, 0.0)
        for number in range(40):
            seen = {
                "errors": Observed(kind="bad", counts=Counts(canary=0, control=(0,))),
                "latency": Observed(kind="bad", buckets={"1": Counts(canary=0, control=(0,))}),
            }
            arms = Assigned(canary=50, control=950)
            verdict = judge.step(Tick(t=number + 1.0, share=0.05, metrics=seen, assigned=arms))
        return verdict.ruled_out

    warm, cold = ruled_out(0.0), ruled_out(30.0)
    assert warm["errors"] == cold["errors"] < 1.0
    assert warm["latency"] < cold["latency"]
