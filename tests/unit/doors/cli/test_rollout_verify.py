from __future__ import annotations

import pytest

from interlock.doors.cli.rollout_verify import lines

FOUND = {
    "exact": True,
    "ticks": 1_204,
    "observations": 31,
    "signatures": 0,
    "log_e": -0.662103,
    "verdict": "not-enough-data",
    "first_difference": "",
    "t": None,
}


def test_the_verdict_is_said_to_be_that_of_the_last_tick():
    """A rollout that had passed ended with a bare "not-enough-data", as if that were what was verified of it."""
    assert lines(FOUND) == [
        "exact    1,204 ticks in 31 observations",
        "         after the last: not-enough-data, 1 : 1.9 for harm",
        "         log E -0.662103",
    ]


@pytest.mark.parametrize(
    ("changed", "first"),
    [
        ({"signatures": 1}, "exact    1,204 ticks in 31 observations, 1 signature"),
        ({"signatures": 2, "ticks": 1, "observations": 1}, "exact    1 tick in 1 observation, 2 signatures"),
        ({"exact": False, "first_difference": "the blob is gone"}, "differs  first difference: the blob is gone"),
        ({"exact": False, "t": 4.5, "first_difference": "x"}, "differs  first difference at t = 4.5 s: x"),
    ],
)
def test_the_answer_comes_first(changed, first):
    assert lines(FOUND | changed)[0] == first


def test_where_nothing_was_counted_there_is_no_verdict():
    assert lines(FOUND | {"ticks": 0, "observations": 0, "log_e": None, "verdict": ""}) == [
        "exact    0 ticks in 0 observations"
    ]
