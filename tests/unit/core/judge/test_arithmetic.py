from __future__ import annotations

import math

import numpy as np
import pytest

from interlock.core.judge.arithmetic import HIGHEST, LOWEST, ORIGIN, STEPS, exact_log, log, log_each, powers


@pytest.mark.parametrize("value", [1e-300, 1e-9, 0.01, 0.5, 0.999999, 1.0, 1.0000001, 2.0, 10.0, 1e300])
def test_logarithms_are_right_to_the_last_digits(value):
    assert log(value) == pytest.approx(math.log(value), rel=1e-14, abs=2e-16)
    assert exact_log(value) == pytest.approx(math.log(value), rel=1e-15)


def test_one_and_many_logarithms_are_the_same_to_the_last_digit():
    values = np.random.default_rng(1).uniform(1e-6, 200.0, 5000)
    assert [log(value) for value in values.tolist()] == log_each(values).tolist()


def test_powers_are_understated_by_at_most_a_step():
    exponents = np.random.default_rng(2).uniform(LOWEST + 1, HIGHEST - 1, 5000)
    ratio = powers(exponents * STEPS + ORIGIN) / np.exp(exponents)
    assert ratio.max() <= 1 + 1e-12
    assert ratio.min() >= math.exp(-1 / STEPS) - 1e-12


def test_powers_are_held_within_their_range():
    below, above = powers(np.array([-1e30, 1e30])).tolist()
    assert below == pytest.approx(math.exp(LOWEST))
    assert above == pytest.approx(math.exp(HIGHEST), rel=0.002)


def test_the_digits_are_fixed():
    """As computed once: another digit would break the recomputation of every recorded rollout."""
    assert log(0.3).hex() == "-0x1.34378fcbda720p+0"
    assert log(7.0).hex() == "0x1.f2272ae325a56p+0"
    assert powers(np.array([ORIGIN + 300.0])).tolist()[0].hex() == "0x1.cbf2dd7d490f2p+0"
