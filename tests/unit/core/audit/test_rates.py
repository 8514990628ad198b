"""Intervals of rates against published and independently computed values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.audit.rates import Group, beta_share, clopper_pearson, rate_ratio


def group(events, exposure=1_000.0, units=10):
    return Group(events=events, exposure=exposure, units=units)


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.308497107819),
        (5, 10, 0.187086028447, 0.812913971553),
        (10, 10, 0.691502892181, 1.0),
        (1, 100, 0.000253146033, 0.054459385392),
        (300, 1_000, 0.271721112129, 0.329461678697),
        (7, 5_000, 0.000563052024, 0.002882394353),
        (49_999, 100_000, 0.496886062782, 0.503093937798),
    ],
)
def test_the_interval_of_a_share_is_the_exact_one(events, trials, low, high):
    assert clopper_pearson(events, trials) == pytest.approx((low, high), abs=1e-10)


def test_the_share_of_a_beta_is_that_of_the_binomial():
    # P(Beta(2, 5) <= 0.3) = P(Binomial(6, 0.3) >= 2)
    assert beta_share(0.3, 2, 5) == pytest.approx(0.579825, abs=1e-12)
    assert (beta_share(0.0, 2, 5), beta_share(1.0, 2, 5)) == (0.0, 1.0)


@given(events=st.integers(0, 200), more=st.integers(0, 200))
def test_an_interval_holds_what_was_seen(events, more):
    trials = events + more
    if trials:
        low, high = clopper_pearson(events, trials)
        assert 0.0 <= low <= events / trials <= high <= 1.0


def test_a_ratio_is_that_of_the_rates_and_turns_around():
    found = rate_ratio(group(30), group(10))
    assert (found.ratio, found.enough, found.differs) == (3.0, True, True)
    assert (found.low, found.high) == pytest.approx((1.427408470, 6.879301771), abs=1e-8)
    back = rate_ratio(group(10), group(30))
    assert (back.low, back.high) == pytest.approx((1 / found.high, 1 / found.low))
    halved = rate_ratio(group(30, exposure=2_000.0), group(10))
    assert halved.ratio == pytest.approx(1.5)


def test_where_there_is_little_little_is_said():
    assert rate_ratio(group(0), group(0)) is None
    assert rate_ratio(group(3), group(0, exposure=0.0)) is None
    without = rate_ratio(group(9), group(0))
    assert (without.ratio, without.high) == (None, None)
    share = 0.025 ** (1 / 9)
    assert without.low == pytest.approx(share / (1 - share))
    assert not rate_ratio(group(3), group(1)).enough
    assert not rate_ratio(group(30), group(10, units=4)).enough
