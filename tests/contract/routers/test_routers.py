"""What every router owes, measured by the requests that it really splits."""

from __future__ import annotations

import math
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput, Unavailable

WEIGHTS = (1, 5, 25, 50, 95, 100, 0)
REQUESTS = 300
DEADLINE = 10.0
"""The port's 2 s, and what a busy machine adds; what is frozen never answers."""


def agrees(case, canary, percent, requests):
    """Whether so many requests at the canary are what the weight promises."""
    expected = requests * percent / 100
    if percent in (0, 100):
        return canary == expected
    if case.exact:
        # HAProxy begins a new split with up to two turns of the control; from then on it is exact.
        return abs(canary - expected) <= min(16, 3 + expected / 4)
    return abs(canary - expected) <= 5 * math.sqrt(expected * (1 - percent / 100))


def spent(before, after):
    return Counter(canary=after.canary - before.canary, control=after.control - before.control)


def settled(router, before, wanted):
    """The exposure once the last answer is counted: nginx writes its log after it has answered."""
    until = time.monotonic() + 5.0
    while spent(before, after := router.exposure()).total() < wanted and time.monotonic() < until:
        time.sleep(0.02)
    return after


def test_the_measured_split_is_the_weight_and_the_exposure_is_what_was_served(split):
    router = split.router()
    assert router.weight() == 0
    before = router.exposure()
    for percent in WEIGHTS:
        router.set_weight(percent)
        assert router.weight() == pytest.approx(percent)
        answers = split.drive(REQUESTS)
        after = settled(router, before, REQUESTS - split.forgets)
        assert answers.total() == REQUESTS
        assert agrees(split, answers["canary"], percent, REQUESTS), (percent, answers)
        told = spent(before, after)
        assert all(0 <= answers[arm] - told[arm] <= split.forgets for arm in told), (percent, told, answers)
        assert after.since == before.since
        assert after.at >= before.at
        before = after
    router.close()


def test_a_check_changes_nothing(split):
    router = split.router()
    router.check()
    router.set_weight(25)
    split.drive(40)
    before, exposed = router.weight(), router.exposure()
    router.check()
    router.check()
    after = router.exposure()
    assert (router.weight(), after.canary, after.control, after.since) == (
        before,
        exposed.canary,
        exposed.control,
        exposed.since,
    )


def test_the_same_weight_again_changes_nothing(split):
    router = split.router()
    router.set_weight(50)
    first = router.exposure()
    for _ in range(3):
        router.set_weight(50)
    assert router.weight() == 50
    assert spent(first, router.exposure()) == Counter(canary=0, control=0)
    assert agrees(split, split.drive(REQUESTS)["canary"], 50, REQUESTS)


@pytest.mark.parametrize("percent", [-1, 100.5, math.nan, math.inf])
def test_a_weight_that_is_none_is_refused_and_moves_nothing(split, percent):
    router = split.router()
    router.set_weight(5)
    with pytest.raises((InvalidInput, AssertionError)):
        router.set_weight(percent)
    assert router.weight() == 5


def test_another_server_reads_the_weight_from_the_data_plane(split):
    one, other = split.router(), split.router()
    one.set_weight(25)
    assert other.weight() == 25
    other.set_weight(0)
    assert one.weight() == 0
    assert split.drive(100)["canary"] == 0


def test_another_server_reads_the_same_exposure_or_says_that_it_counts_by_itself(split):
    one, other = split.router(), split.router()
    before = one.exposure(), other.exposure()
    one.set_weight(50)
    split.drive(60)
    after = one.exposure(), other.exposure()
    assert spent(before[0], after[0]) == spent(before[1], after[1])
    assert (after[0].since == after[1].since) == split.shared


def test_calls_from_several_threads_disturb_nothing(split):
    router = split.router()
    router.set_weight(5)
    router.exposure()
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(call) for _ in range(4) for call in (router.weight, router.exposure, router.check)]
        calls += [pool.submit(router.set_weight, 5) for _ in range(3)]
        for call in calls:
            call.result()
    assert router.weight() == 5


def test_nothing_stays_open(split):
    router = split.router()
    router.set_weight(5)
    router.close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    again = split.router()
    for _ in range(3):
        again.set_weight(25)
        again.weight()
        again.exposure()
    again.close()
    again.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_what_a_crashed_canary_refused_was_assigned_to_it(breakable):
    router = breakable.router()
    router.set_weight(25)
    before = router.exposure()
    breakable.crash_canary()
    answers = breakable.drive(REQUESTS)
    assert agrees(breakable, answers["failed"], 25, REQUESTS)
    assert answers["canary"] == 0
    assert spent(before, router.exposure()) == Counter(canary=answers["failed"], control=answers["control"])


def every_call_is_unavailable(router):
    calls = (router.weight, router.exposure, router.check, lambda: router.set_weight(5))
    with ThreadPoolExecutor(len(calls)) as pool:
        for call in [pool.submit(call) for call in calls]:
            with pytest.raises(Unavailable) as caught:
                call.result()
            assert caught.value.code == "router-unreachable"


def test_a_killed_router_is_unavailable_and_counts_anew_under_another_name(breakable, within):
    router = breakable.router()
    router.set_weight(50)
    breakable.drive(40)
    before = router.exposure()
    breakable.kill()
    with within(DEADLINE):
        every_call_is_unavailable(router)
    breakable.revive()
    after = router.exposure()
    counts_fell = after.canary < before.canary or after.control < before.control
    assert (after.since != before.since) == counts_fell
    router.set_weight(25)
    assert router.weight() == 25
    assert agrees(breakable, breakable.drive(REQUESTS)["canary"], 25, REQUESTS)


def test_a_frozen_router_is_unavailable_within_the_deadline_and_goes_on_afterwards(breakable, within):
    router = breakable.router()
    router.set_weight(5)
    before = router.exposure()
    breakable.pause()
    with within(DEADLINE):
        every_call_is_unavailable(router)
    breakable.resume()
    assert router.weight() == 5
    assert router.exposure().since == before.since
