from __future__ import annotations

import numpy as np
import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.phi import BEYOND, WINDOWS, PhiTable, chi_square, placebo, uneven

HOUR = 720


def shards(draw, seed=1):
    return draw(np.random.default_rng(seed), (HOUR, 20)).tolist()


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    # the usual printed tables
    [
        (0.1, 5, 1.610),
        (0.1, 10, 4.865),
        (0.1, 30, 20.599),
        (0.1, 100, 82.358),
        (0.9, 10, 15.987),
        (0.95, 20, 31.410),
    ],
)
def test_chi_square_agrees_with_the_tables(probability, degrees, expected):
    assert chi_square(probability, degrees) == pytest.approx(expected, rel=0.01)


def test_independent_events_scatter_as_chance_does():
    table = placebo(shards(lambda rng, shape: rng.poisson(20, shape)), every=5)
    assert table.values[0] == pytest.approx(1.03, abs=0.05)
    assert table.at(600) < 1.7


def test_batches_scatter_by_their_size():
    def batches(rng, shape):
        count = rng.poisson(5, shape)
        return count + np.where(count > 0, rng.negative_binomial(np.maximum(count, 1), 0.25), 0)

    table = placebo(shards(batches), every=5)
    assert 6 < table.values[0] < 8.5


def test_noisy_shards_scatter_more_the_longer_one_looks():
    noise = np.random.default_rng(3).normal(1, 0.2, 20)
    table = placebo(shards(lambda rng, shape: rng.poisson(20 * noise, shape)), every=5)
    assert table.values[-1] > 10 * table.values[0]


def test_it_never_falls_and_is_never_below_one():
    for seed in range(5):
        values = placebo(shards(lambda rng, shape: rng.poisson(0.5, shape), seed), every=5).values
        assert list(values) == sorted(values)
        assert min(values) >= 1


def test_time_of_day_cancels_because_all_shards_share_it():
    wave = 1 + 0.9 * np.sin(np.arange(HOUR) / 50)[:, None]
    table = placebo(shards(lambda rng, shape: rng.poisson(20 * wave, shape)), every=5)
    assert table.values[0] < 1.1


def test_between_windows_it_follows_the_logarithm_and_beyond_the_last_it_is_constant():
    table = PhiTable(windows=(10.0, 1000.0), values=(1.0, 3.0))
    assert table.at(1) == table.at(10) == 1.0
    assert table.at(100) == pytest.approx(2.0)
    assert table.at(1000) == pytest.approx(3.0)
    assert table.at(1001) == table.at(10**6) == pytest.approx(3.0 * BEYOND)


def test_a_flat_table_is_flat_everywhere():
    table = PhiTable.flat(2.5)
    assert {table.at(seconds) for seconds in (0, 7, 600, 10**5)} == {2.5}
    assert table.windows == WINDOWS


@pytest.mark.parametrize(
    ("ticks", "every"),
    [
        ([], 5),
        ([[1], [2]], 5),
        ([[0, 0]] * 100, 5),
        ([[1, 2], [3, 4]], 5),
        ([[1, -2]] * 100, 5),
        ([[1, 2]] * 99, 0),
    ],
)
def test_too_little_history_is_refused(ticks, every):
    with pytest.raises(InvalidInput) as refused:
        placebo(ticks, every=every)
    assert refused.value.code == "placebo-history"


def wandering(cv, *, shards=20, seed=3):
    """An hour of shards whose rates find another level each minute, each by its own part of itself."""
    chance = np.random.default_rng(seed)
    levels = np.repeat(chance.normal(1.0, 1.0, (60, shards)) * np.asarray(cv) + 1.0 - np.asarray(cv), 12, axis=0)
    return chance.poisson(200 * levels.clip(0.1))


def test_a_canary_may_be_one_of_the_noisier_shards():
    """Shards whose noise is 10–20 % each stopped one good rollout in a hundred when φ was that of the average."""
    alike, unlike = np.full(20, 0.15), np.linspace(0.05, 0.25, 20)
    assert uneven(wandering(alike), WINDOWS, 5.0) == 1.0
    assert 1.4 < uneven(wandering(unlike), WINDOWS, 5.0) < 3.0


@pytest.mark.parametrize("seed", range(5))
def test_what_chance_alone_makes_unlike_is_not_taken_for_it(seed):
    chance = np.random.default_rng(seed)
    assert uneven(chance.poisson(200, (720, 20)), WINDOWS, 5.0) == 1.0


def test_too_few_shards_or_too_little_time_say_nothing_of_it():
    noisy = wandering(np.linspace(0.05, 0.25, 20))
    assert uneven(noisy[:, :7], WINDOWS, 5.0) == 1.0
    assert uneven(noisy[:50], WINDOWS, 5.0) == 1.0
