"""φ follows the size of the canary's instances: up always, down where the router decides for each request."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable, placebo
from interlock.core.judge.settings import MetricSettings
from interlock.core.judge.sizes import times
from interlock.core.judge.tick import Counts, Observed, Tick
from interlock.core.judge.verdict import Stopped

TABLE = PhiTable(windows=(5.0, 600.0), values=(1.2, 3.0), shard=0.05)
ORDERS = {"orders": MetricSettings(kind="good")}


@pytest.mark.parametrize(
    ("share", "instances", "least", "most"),
    [(0.5, 1, 5.5, 6.9), (0.5, 10, 1.0, 1.25), (0.05, 1, 1.0, 1.25), (0.25, 1, 4.0, 5.0)],
)
def test_a_large_instance_counts_as_many_shards(share, instances, least, most):
    assert least <= times(TABLE, share, instances) <= most


def test_a_small_instance_counts_as_less_only_where_batches_are_thinned_too():
    assert times(TABLE, 0.001, 1) == 1.0
    assert 0.021 <= times(replace(TABLE, by_request=True), 0.001, 1) <= 0.027


def rollouts(settings, table, *, share, harm, seeds, cv, ticks=240):
    """How many of so many rollouts on twenty instances and one canary, each as noisy as ``cv``, were stopped."""
    stopped = []
    for seed in seeds:
        chance = np.random.default_rng(seed)
        judge = Judge(settings(metrics=ORDERS, phi={"orders": table}, tick_seconds=5.0))
        judge.expect_share(share)
        for number in range(ticks):
            if number % 12 == 0:
                noise = chance.normal(1.0, cv, 21).clip(0.1)
            means = np.array([300.0 * share * harm, *[300.0 * (1 - share) / 20] * 20])
            canary, *control = chance.poisson(means * noise).tolist()
            counts = Counts(canary=canary, control=tuple(control))
            verdict = judge.step(
                Tick(t=5.0 * (number + 1), share=share, metrics={"orders": Observed(kind="good", counts=counts)})
            )
            if isinstance(verdict, Stopped):
                stopped.append(verdict)
                break
    return len(stopped)


def measured(cv, *, shards=20, seed=99):
    """φ from an hour of instances whose rates move by ``cv`` each minute."""
    chance = np.random.default_rng(seed)
    noise = np.repeat(chance.normal(1.0, cv, (60, shards)).clip(0.1), 12, axis=0)
    return placebo(chance.poisson(300.0 / shards * noise).tolist(), every=5.0)


def test_one_noisy_instance_with_half_of_the_traffic_is_not_stopped(settings):
    """With φ as measured on instances a tenth of its size a third of the good ones were."""
    table = measured(0.1)
    as_measured = rollouts(settings, table, share=0.5, harm=1.0, seeds=range(40), cv=0.1)
    fitted = rollouts(settings, replace(table, shard=0.05), share=0.5, harm=1.0, seeds=range(40), cv=0.1)
    assert as_measured >= 4
    assert fitted == 0
    assert rollouts(settings, replace(table, shard=0.05), share=0.5, harm=0.4, seeds=range(10), cv=0.1) == 10


def test_what_was_gathered_is_divided_by_the_larger_phi_and_never_again_by_a_smaller_one(settings):
    judge = Judge(settings(metrics=ORDERS, phi={"orders": TABLE}, tick_seconds=5.0, alpha=1e-12))

    def lose(number, instances=1):
        counts = Counts(canary=0, control=(1,))
        metrics = {"orders": Observed(kind="good", counts=counts)}
        judge.step(Tick(t=5.0 * (number + 1), share=0.5, metrics=metrics, instances=instances))

    judge.expect_share(0.5)
    for number in range(100):
        lose(number, 10)
    before = judge.standing().log_e
    lose(100, 1)
    larger = judge.standing().log_e
    assert 0 < larger < before
    lose(101, 10)
    assert larger <= judge.standing().log_e < before


def test_a_table_that_does_not_say_its_shards_stands(settings):
    plain = replace(TABLE, shard=0.0)
    assert rollouts(settings, plain, share=0.5, harm=0.5, seeds=range(3), cv=0.0, ticks=40) == 3


def test_what_one_request_books_at_once_is_not_thinned(settings):
    """Each request books four orders on average. Taken for thinned, 23 of 60 good rollouts were stopped."""
    history = np.random.default_rng(7)
    hour = [[booked(history, 10) for _ in range(20)] for _ in range(720)]
    table = replace(placebo(hour, every=5.0), shard=0.05, by_request=True)
    assert table.values[0] > 5
    stopped = 0
    for seed in range(20):
        chance = np.random.default_rng(1000 + seed)
        judge = Judge(settings(metrics=ORDERS, phi={"orders": table}))
        judge.expect_share(0.01)
        for second in range(300):
            counts = Counts(canary=booked(chance, 0.4), control=(booked(chance, 39.6),))
            metrics = {"orders": Observed(kind="good", counts=counts)}
            verdict = judge.step(Tick(t=second + 1.0, share=0.01, metrics=metrics))
        stopped += isinstance(verdict, Stopped)
    assert stopped == 0


def booked(chance, requests):
    """Orders of so many requests on average."""
    many = int(chance.poisson(requests))
    return int(chance.geometric(0.25, size=many).sum()) if many else 0
