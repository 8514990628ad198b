"""Starts that are folded weigh what they weighed apart, and what another φ makes of them is what the rule says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlock.core.judge.arithmetic import ORIGIN, STEPS
from interlock.core.judge.starts import SPARE, Starts

YOUNG, COLUMNS, OPENED = 4, 3, 60
INVERSES = np.array([1.0, 0.5, 0.125])
SHARES = np.array([0.5, 0.3, 0.2])


def opened(seed: int) -> tuple[Starts, list[tuple[np.ndarray, float]]]:
    """So many starts, and each one's sums and weight."""
    chance = np.random.default_rng(seed)
    starts, known, sums = Starts(YOUNG, np.log(SHARES) * STEPS + ORIGIN), [], np.zeros(COLUMNS)
    for number in range(OPENED):
        weight = 0.5 if number == 0 else 0.4 / OPENED
        starts.open(sums, weight, INVERSES)
        known.append((sums.copy(), weight))
        sums = sums + chance.normal(0.0, 1.0, COLUMNS)
    return starts, known


def weighed(starts: Starts, sums: np.ndarray, inverses: np.ndarray) -> np.ndarray:
    """Each column's part of the mean, row by row."""
    return np.exp(((sums - starts.sums) * inverses * STEPS + starts.parts - ORIGIN) / STEPS)


@pytest.mark.parametrize("seed", range(4))
def test_folded_starts_weigh_what_they_weighed_apart(seed):
    starts, known = opened(seed)
    now = known[-1][0] + 0.5
    apart = sum(weight * SHARES * np.exp((now - sums) * INVERSES) for sums, weight in known)
    assert len(starts) <= YOUNG + SPARE + 2 < OPENED
    np.testing.assert_allclose(weighed(starts, now, INVERSES).sum(axis=0), apart, rtol=0.003)


def test_the_newest_stand_first_as_they_were():
    starts, known = opened(7)
    for row, (sums, weight) in enumerate(known[: -len(starts) : -1]):
        np.testing.assert_array_equal(starts.sums[row], sums)
        np.testing.assert_allclose(np.exp((starts.parts[row] - ORIGIN) / STEPS), weight * SHARES)


def test_another_phi_makes_of_the_folded_what_the_rule_says():
    starts, known = opened(3)
    now, larger = known[-1][0] + 0.5, INVERSES / np.array([1.5, 4.0, 1.0])
    folded = known[: OPENED - (len(starts) - 1)]
    mass = math.fsum(weight for _, weight in folded)
    before = weighed(starts, now, INVERSES)[-1] / SHARES
    starts.refit(INVERSES, larger)
    # what was gathered since the sums were 0 is what another φ is for
    rest = np.exp(now * INVERSES)
    held = before / rest
    wanted = mass * (held / mass) ** (larger / INVERSES) * np.exp(now * larger)
    np.testing.assert_allclose(weighed(starts, now, larger)[-1] / SHARES, wanted, rtol=0.01)
