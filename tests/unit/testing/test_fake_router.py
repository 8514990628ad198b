"""The simulated router: exact, hostile to misuse, and its lies can be told from what it serves or counts."""

from __future__ import annotations

import pytest

from interlock.core.change.errors import Unavailable
from interlock.testing.routers import FakeRouter, Plane


@pytest.fixture
def plane():
    return Plane()


@pytest.fixture
def router(plane):
    return FakeRouter({"plane": plane})


def assigned(router):
    exposed = router.exposure()
    return exposed.canary, exposed.control


def test_a_router_that_ignores_a_weight_is_seen_by_reading_it_back(plane, router):
    plane.ignores = True
    router.set_weight(50)
    assert router.weight() == 0
    assert plane.asked == [50]


def test_a_router_that_boasts_is_seen_by_what_it_counts(plane, router):
    plane.ignores = plane.boasts = True
    router.set_weight(50)
    assert router.weight() == 50
    plane.serve(1_000)
    assert assigned(router) == (0, 1_000)


def test_a_restart_says_that_it_counts_anew_and_forgetting_does_not(plane, router):
    router.set_weight(50)
    plane.serve(10)
    before = router.exposure().since
    plane.forget()
    assert (router.exposure().since, assigned(router)) == (before, (0, 0))
    plane.restart()
    assert router.exposure().since != before
    assert router.weight() == 0


@pytest.mark.parametrize("percent", [-1, 101, float("nan"), float("inf")])
def test_a_weight_that_is_none_fails_the_test(router, percent):
    with pytest.raises(AssertionError):
        router.set_weight(percent)


def test_a_call_after_close_fails_the_test(router):
    router.close()
    router.close()
    for call in (router.check, router.weight, router.exposure, lambda: router.set_weight(0)):
        with pytest.raises(AssertionError):
            call()


def test_a_dead_plane_is_unavailable(plane, router):
    plane.dead = True
    with pytest.raises(Unavailable):
        router.weight()
