"""What is said of rollouts is said in one place."""

from typing import get_args

import pytest

from interlock.core.rollout.phrases import CAUSES, amount, because, percent, watched_alone
from interlock.core.rollout.record import Cause


def test_every_cause_has_words():
    assert set(CAUSES) == set(get_args(Cause))


@pytest.mark.parametrize(
    ("cause", "why", "says"),
    [
        ("abort", "ben: tomorrow", "somebody aborted it: ben: tomorrow"),
        ("abort", "", "somebody aborted it"),
        ("abort", "somebody aborted it", "somebody aborted it"),
        (None, "because", "because"),
        (None, "", ""),
    ],
)
def test_what_was_said_is_said_once(cause, why, says):
    assert because(cause, why) == says


@pytest.mark.parametrize(
    ("number", "name", "says"),
    [
        (0.9, "orders", "1 order"),
        (8.7, "orders", "9 orders"),
        (0, "orders", "0 orders"),
        (1, "queries", "1 query"),
        (1, "success", "1 success"),
        (1, "slow requests", "1 slow request"),
        (1234, "orders", "1,234 orders"),
    ],
)
def test_one_is_singular(number, name, says):
    assert amount(number, name) == says


def test_of_a_bad_metric_more_is_lost():
    assert amount(1, "errors", more=True) == "1 more error"


def test_a_percentage_has_its_space():
    assert (percent(0.01), percent(0.0034, 1), percent(12)) == ("1 %", "0.3 %", "1,200 %")


def test_what_watches_at_100_percent_is_said():
    assert watched_alone("orders", "") == "only the backstop watches: all orders against their forecast"
    assert watched_alone("", "the plan names none") == "nothing watches: there is no backstop, the plan names none"
    assert watched_alone("orders", "", over=True).startswith("only the backstop watched: all orders")
    assert watched_alone("", "", over=True) == "nothing watched: there was no backstop"
    assert watched_alone("", "") == "nothing watches: there is no backstop"
