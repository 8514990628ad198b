from __future__ import annotations

import pytest

from interlock.core.judge.backstop import Backstop, Forecast
from interlock.core.judge.judge import Judge
from interlock.core.judge.settings import BackstopSettings
from interlock.core.judge.tick import Counts, Observed, Tick
from interlock.core.judge.told import harm_told, stop_told
from interlock.core.judge.verdict import Stopped, ratio_of


@pytest.mark.parametrize(
    ("metric", "canary", "expected", "estimate", "at_least", "said"),
    [
        ("orders", 0, 7.42, 0.0, 0.08, "orders: 0 of about 7.4 expected, −100 % (at least −8 %)"),
        ("orders", 0, 7.42, 0.0, 0.004, "orders: 0 of about 7.4 expected, −100 %"),
        ("orders", 1, 312.0, 1 / 312, 0.9, "orders: 1 of about 312 expected, −99 % (at least −90 %)"),
        ("errors", 31, 0.6, 31 / 0.6, 9.2, "errors: 31 of about 0.6 expected, ×52 (at least ×9.2)"),
        ("errors", 31, 0.6, 31 / 0.6, 1.0, "errors: 31 of about 0.6 expected, ×52"),
        ("slow", 1_500, 1_100.0, 1.364, 1.1, "slow: 1,500 of about 1,100 expected, ×1.36 (at least ×1.1)"),
        ("errors", 12, 0.46, 26.1, 1.5, "errors: 12 of about 0.5 expected, ×26 (at least ×1.5)"),
        ("errors", 12, 0.0, 12.0, 5.0, "errors: 12 where none was expected (at least ×5)"),
        ("errors", 5, 0.0, None, 8.0, "errors: 5 where none was expected (at least ×8)"),
        ("errors", 5, 0.8, None, 8.0, "errors: 5 of about 0.8 expected (at least ×8)"),
        ("errors", 5, 0.8, None, 1.0, "errors: 5 of about 0.8 expected"),
        ("errors", None, None, None, 1.0, "errors: more than before"),
        ("orders", None, None, None, 0.3, "orders: fewer than before (at least −30 %)"),
        ("orders", None, None, 0.1, 0.8, "orders: −90 % (at least −80 %)"),
        ("errors", None, None, 2e6, 1e4, "errors: ×1,000 or more (at least ×1,000 or more)"),
    ],
)
def test_counts_come_first_then_the_estimate_then_what_is_proven(
    metric, canary, expected, estimate, at_least, said
):
    assert harm_told(metric, estimate=estimate, at_least=at_least, canary=canary, expected=expected) == said


def stopped(settings, shop, **harm):
    judge = Judge(settings())
    for second in range(120):
        verdict = judge.step(shop.tick(second + 1.0, **harm))
        if isinstance(verdict, Stopped):
            return verdict, judge.standing().metrics[verdict.metric]
    raise AssertionError


def test_a_stop_says_what_the_metric_says_beside_it(settings, traffic):
    """It said "at least 0 % fewer" beside "up to −8 %"."""
    for seed in range(6):
        verdict, beside = stopped(settings, traffic(seed), orders=0.0)
        assert verdict.canary == 0
        assert verdict.expected == pytest.approx(beside.expected)
        assert 0.01 <= 1 - beside.high <= verdict.at_least < 1
        assert stop_told(verdict).startswith("orders: 0 of about ")
        assert " expected, −100 % (at least −" in stop_told(verdict)


def test_a_rise_is_a_factor(settings, traffic):
    verdict, beside = stopped(settings, traffic(), errors=30.0)
    assert verdict.estimate == pytest.approx(verdict.canary / verdict.expected)
    assert 1 < beside.low <= verdict.at_least < verdict.estimate


def of_errors(settings, canary, control):
    """The verdict on this many errors a second at each arm, at a share of 5 %."""
    judge = Judge(settings())
    for second in range(60):
        metrics = {
            "orders": Observed(kind="good", counts=Counts(canary=5, control=(95,))),
            "errors": Observed(kind="bad", counts=Counts(canary=canary, control=(control,))),
            "latency": Observed(
                kind="bad", buckets={edge: Counts(canary=5, control=(95,)) for edge in ("0.1", "0.5")}
            ),
        }
        verdict = judge.step(Tick(t=second + 1.0, share=0.05, metrics=metrics))
        if isinstance(verdict, Stopped):
            return verdict, judge.standing().metrics["errors"]
    raise AssertionError


def test_over_nothing_there_is_no_ratio(settings):
    """It said "×5 (at least ×8)": the count alone, below what was proven of it."""
    verdict, beside = of_errors(settings, 1, 0)
    assert (verdict.expected, verdict.estimate, beside.estimate) == (0.0, None, None)
    assert verdict.at_least > 1
    said = stop_told(verdict)
    assert said.startswith(f"errors: {verdict.canary} where none was expected (at least ×")


@pytest.mark.parametrize("control", [1, 2, 3, 9])
def test_no_estimate_lies_outside_its_own_bound(settings, control):
    for canary in (1, 2, 3, 5, 18, 39):
        try:
            verdict, beside = of_errors(settings, canary, control)
        except AssertionError:
            continue
        assert verdict.estimate is None or verdict.estimate >= verdict.at_least
        assert beside.estimate == pytest.approx(canary * 19 / control)
        assert beside.low <= beside.estimate
        assert beside.high is None or beside.estimate <= beside.high


@pytest.mark.parametrize("times", [0.37, 0.93, 1.07, 1.7, 5.9, 12.4])
def test_a_bound_is_no_nearer_than_what_was_refuted(settings, times):
    """With much traffic one ratio of the profile was left, and was both bounds beside another estimate."""
    judge = Judge(settings())
    arms = Counts(canary=round(4_000_000 * times), control=(76_000_000,))
    metrics = {
        "orders": Observed(kind="good", counts=arms),
        "errors": Observed(kind="bad", counts=arms),
        "latency": Observed(kind="bad", buckets={"0.1": arms, "0.5": arms}),
    }
    judge.step(Tick(t=1.0, share=0.05, metrics=metrics))
    for one in (judge.standing().metrics[name] for name in ("orders", "errors")):
        assert one.estimate == pytest.approx(times)
        assert (one.low or 0.0) < one.estimate < (one.high or 99.0)


@pytest.mark.parametrize(
    ("seen", "due", "low", "high", "ratio"),
    [
        (5, 0.0, None, None, None),
        (5, 0.04, None, None, None),
        (5, 1.0, None, None, 5.0),
        (5, 1.0, 8.0, None, None),
        (5, 10.0, None, 0.4, None),
        (0, 10.0, None, 0.4, 0.0),
    ],
)
def test_a_ratio_is_told_where_there_is_one(seen, due, low, high, ratio):
    assert ratio_of(seen, due, low=low, high=high) == ratio


def test_the_total_is_estimated_since_it_began_to_fall():
    """Of an hour with a late fall it said −4 % beside "at least −15 %"."""
    settings = BackstopSettings(metric="orders")
    backstop = Backstop(settings, Forecast(every=3600.0, expected=(360_000.0,), phi=1.0))
    for second in range(3600):
        seen = 100 if second < 3400 else 20
        observed = Observed(kind="good", counts=Counts(canary=0, control=(seen,)))
        backstop.step(float(second), Tick(t=second + 1.0, share=0.0, metrics={"orders": observed}))
        if backstop.log_e >= backstop.stops_at:
            break
    verdict = backstop.verdict()
    assert verdict.estimate == pytest.approx(verdict.canary / verdict.expected)
    assert verdict.estimate <= 1 - verdict.at_least
