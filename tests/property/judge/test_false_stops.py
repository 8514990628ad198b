"""Good rollouts under traffic of several kinds: almost none is stopped. Few here, many in benchmarks/judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interlock.core.judge.phi import PhiTable

SHARDS = 20


def poisson(rng, mean, ticks):
    return rng.poisson(mean, (ticks, SHARDS))


def diurnal(rng, mean, ticks):
    wave = 1 + 0.8 * np.sin(np.linspace(0, 2 * np.pi, ticks))
    return rng.poisson(mean * wave[:, None], (ticks, SHARDS))


def bursty(rng, mean, ticks):
    burst = np.where(rng.random(ticks) < 0.02, 10.0, 1.0)
    return rng.poisson(mean * burst[:, None], (ticks, SHARDS))


def batches(rng, mean, ticks):
    """Geometric batches with a mean of 4: the variance is 7 times the mean."""
    count = rng.poisson(mean / 4, (ticks, SHARDS))
    return count + np.where(count > 0, rng.negative_binomial(np.maximum(count, 1), 0.25), 0)


def noise(deviation):
    """Shards that wander by this much, within a minute or so."""

    def draw(rng, mean, ticks):
        keep, wander, levels = np.exp(-5 / 60), rng.normal(size=SHARDS), np.zeros((ticks, SHARDS))
        for tick in range(ticks):
            wander = keep * wander + np.sqrt(1 - keep**2) * rng.normal(size=SHARDS)
            levels[tick] = wander
        return rng.poisson(mean * np.exp(deviation * levels - deviation**2 / 2))

    return draw


KINDS = {
    "poisson": poisson,
    "diurnal": diurnal,
    "bursty": bursty,
    "batches": batches,
    "noise-10": noise(0.1),
    "noise-20": noise(0.2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_good_rollouts_go_on(shop, kind):
    stopped = 0
    for seed in (1, 2):
        traffic = shop(KINDS[kind], seed)
        stopped += sum(traffic.rollout(30)[1] is not None for _ in range(4))
    assert stopped <= 1


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_not_one_good_rollout_in_a_hundred_is_stopped(shop, kind):
    stopped, rollouts = 0, 0
    for seed in range(15):
        traffic = shop(KINDS[kind], 100 + seed)
        stopped += sum(traffic.rollout(60)[1] is not None for _ in range(20))
        rollouts += 20
    # 300 rollouts: more than 7 would be less likely than 1 in 50 at a true rate of 1 %
    assert stopped <= 7


def test_without_phi_batches_would_stop_most_of_them(shop):
    """That the traffic above is as bad as it is said to be."""
    traffic = shop(batches, 1)
    traffic.settings = replace(
        traffic.settings, phi={name: PhiTable.flat(1.0) for name in traffic.settings.metrics}
    )
    assert sum(traffic.rollout(30)[1] is not None for _ in range(6)) >= 3
