from __future__ import annotations

import pytest

from interlock.core.judge.tick import Assigned
from interlock.core.rollout.share import AssignedShare


@pytest.mark.parametrize(("under_way", "carried"), [(0.0, 0.25), (0.5, 0.75), (4.0, 1.0)])
def test_the_share_is_of_this_tick_and_of_what_is_still_under_way_from_the_one_before(under_way, carried):
    share = AssignedShare(0.01, under_way=under_way)
    share(Assigned(canary=5, control=295))
    expected = (1 + carried * 5 + 1) / (300 + carried * 300 + 100)
    assert share(Assigned(canary=1, control=299)) == pytest.approx(expected, rel=0.005)


def test_a_tick_without_a_request_has_the_share_that_was_set():
    assert AssignedShare(0.05)(Assigned(canary=0, control=0)) == pytest.approx(0.05)


def test_a_router_that_assigns_nothing_to_the_canary_leaves_nothing_to_expect():
    share = AssignedShare(0.5)
    share(Assigned(canary=500, control=500))
    share(Assigned(canary=0, control=1000))
    assert share(Assigned(canary=0, control=1000)) < 0.001


def test_another_weight_begins_anew():
    share = AssignedShare(0.01)
    share(Assigned(canary=10, control=990))
    share.begin(0.5)
    assert share(Assigned(canary=500, control=500)) == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("nominal", [0.0, 1.0])
def test_with_one_arm_there_is_nothing_to_compare(nominal):
    assert AssignedShare(nominal)(Assigned(canary=3, control=4)) == nominal


def test_what_is_counted_late_in_one_tick_is_not_counted_twice():
    """Over a run the shares add up to what was assigned, whatever its order."""
    share, sent = AssignedShare(0.1), [0, 20, 10, 30, 5, 15, 0, 10, 0, 0]
    expected = sum(share(Assigned(canary=each, control=100 - each)) * 100 for each in sent)
    assert expected == pytest.approx(sum(sent), abs=5)


def test_traffic_that_is_taken_away_is_not_expected_for_long():
    """Of the whole stage's share all twelve rollouts in a simulation were stopped for lost orders."""
    share = AssignedShare(0.05)
    for _ in range(120):
        share(Assigned(canary=15, control=285))
    share(Assigned(canary=0, control=300))
    assert share(Assigned(canary=0, control=300)) < 0.003


def test_a_share_between_the_ends_never_becomes_one_of_them():
    share = AssignedShare(0.999)
    assert [share(Assigned(canary=100_000, control=0)) for _ in range(3)] == [0.999] * 3
