"""Harm is found about as soon as information allows; the exact figures are in benchmarks/judge."""

from __future__ import annotations

import numpy as np
import pytest

from interlock.core.judge.verdict import Stopped


def poisson(rng, mean, ticks):
    return rng.poisson(mean, (ticks, 20))


def times(shop, minutes, rollouts, **harm):
    traffic = shop(poisson, 7)
    return np.array([traffic.rollout(minutes, **harm)[0] for _ in range(rollouts)])


def test_lost_orders_are_found_after_about_ten(shop):
    """One canary order a second: seconds are orders lost."""
    assert np.median(times(shop, 3, 40, orders=0.01)) <= 10
    assert np.quantile(times(shop, 3, 40, orders=0.01), 0.95) <= 15


def test_half_of_the_orders_is_found_within_a_minute(shop):
    assert np.median(times(shop, 10, 60, orders=0.5)) <= 65


def test_five_times_the_errors_are_found_in_half_a_minute(shop):
    assert np.median(times(shop, 5, 60, errors=5.0)) <= 30


def test_a_third_more_slow_requests_are_found_in_half_a_minute(shop):
    assert np.median(times(shop, 5, 40, slow=1.37)) <= 30


@pytest.mark.parametrize(("metric", "times_as_many"), [("orders", 3.0), ("errors", 0.1), ("slow", 0.2)])
def test_what_gets_better_is_no_harm(shop, metric, times_as_many):
    traffic = shop(poisson, 3)
    assert traffic.rollout(10, **{metric: times_as_many})[1] is None


def test_it_names_the_metric_that_is_hurt(shop):
    traffic = shop(poisson, 5)
    for metric, ratio in (("orders", 0.01), ("errors", 30.0), ("slow", 2.0)):
        verdict = traffic.rollout(10, **{metric: ratio})[1]
        assert isinstance(verdict, Stopped)
        assert verdict.metric == metric
