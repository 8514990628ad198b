from __future__ import annotations

import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.told import harm_told, stop_told
from interlock.core.judge.verdict import Stopped


@pytest.mark.parametrize(
    ("metric", "canary", "expected", "estimate", "at_least", "said"),
    [
        ("orders", 0, 7.42, 0.0, 0.08, "orders: 0 of about 7.4 expected, −100 % (at least −8 %)"),
        ("orders", 0, 7.42, 0.0, 0.004, "orders: 0 of about 7.4 expected, −100 %"),
        ("orders", 1, 312.0, 1 / 312, 0.9, "orders: 1 of about 312 expected, −99 % (at least −90 %)"),
        ("errors", 31, 0.6, 31 / 0.6, 9.2, "errors: 31 of about 0.6 expected, ×52 (at least ×9.2)"),
        ("errors", 31, 0.6, 31 / 0.6, 1.0, "errors: 31 of about 0.6 expected, ×52"),
        ("slow", 1_500, 1_100.0, 1.364, 1.1, "slow: 1,500 of about 1,100 expected, ×1.4 (at least ×1.1)"),
        ("errors", 12, 0.0, 12.0, 5.0, "errors: 12 where none was expected (at least ×5)"),
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
