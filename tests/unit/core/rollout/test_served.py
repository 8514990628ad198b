"""What the data plane was seen to serve, beside what was set."""

from __future__ import annotations

import pytest

from interlock.core.rollout.served import finding, fits


@pytest.mark.parametrize(
    ("seen", "wanted", "good"),
    [
        (0.0, 0.0, True),
        (0.01, 0.0, False),
        (1.0, 1.0, True),
        (1.2, 1.0, True),
        (1.4, 1.0, False),
        (0.4, 1.0, False),
        (24.8, 25.0, True),
        (28.0, 25.0, False),
        (100.0, 100.0, True),
        (99.9, 100.0, False),
        (100.0, 95.0, False),
        (100.0, 99.5, False),
        (55.0, 50.0, False),
        (50.9, 50.0, True),
        (48.9, 50.0, False),
        (94.1, 95.0, True),
    ],
)
def test_a_reading_fits_within_what_routers_round(seen, wanted, good):
    assert fits(seen, wanted) is good


@pytest.mark.parametrize(
    ("seen", "found"),
    [(5.0, ""), (None, "unknown"), (7.0, "higher"), (0.0, "lower"), (3.0, "lower")],
)
def test_a_reading_says_who_moved_it(recorded, seen, found):
    assert finding(recorded(wanted=5.0, served=5.0), seen) == found


def test_what_never_was_served_is_not_yet(recorded):
    assert finding(recorded(wanted=25.0, served=5.0), 5.0) == "not-yet"
    assert finding(recorded(wanted=25.0, served=5.0), 1.0) == "lower"


@pytest.mark.parametrize(("seen", "wanted"), [(55.0, 50.0), (100.0, 95.0), (100.0, 99.5)])
def test_more_than_a_point_above_or_everything_is_more_than_was_granted(recorded, seen, wanted):
    """A tenth of 95 % let everything pass for 95 %."""
    assert finding(recorded(wanted=wanted, served=wanted), seen) == "higher"
