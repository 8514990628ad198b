"""Several proxies that share the traffic are steered as one."""

from __future__ import annotations

import time

import pytest

from interlock.core.change.errors import Unavailable
from interlock.plugins.routers.reading import DEADLINE
from interlock.registry import routers
from interlock.testing.callers import ask
from interlock.testing.proxies.envoy import Envoy
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.routers import unhurried

ADDRESS = {"haproxy": "socket", "envoy": "admin"}


@pytest.fixture(autouse=True)
def deadline(monkeypatch):
    """Sets the seconds that a call has: at first so many that none is late on a machine that stood still."""
    return unhurried(monkeypatch.setattr)


@pytest.fixture(params=[HAProxy, Envoy])
def pair(request, canary, control):
    both = [request.param(canary=canary.port, control=[control.port]) for _ in range(2)]
    with both[0], both[1]:
        yield both


def as_one(pair):
    one, other = pair
    key = ADDRESS[one.router]
    return routers()[one.router]({**one.settings, key: [one.settings[key], other.settings[key]]})


def alone(proxy):
    return routers()[proxy.router](proxy.settings)


def test_all_are_set_and_all_are_counted(pair):
    router = as_one(pair)
    router.check()
    before = router.exposure()
    router.set_weight(50)
    assert [alone(proxy).weight() for proxy in pair] == [50, 50]
    answers = ask(pair[0].port, 60) + ask(pair[1].port, 40)
    after = router.exposure()
    assert after.canary - before.canary == answers["canary"]
    assert after.control - before.control == answers["control"]
    assert after.since == before.since


def test_the_widest_split_counts(pair):
    router = as_one(pair)
    router.set_weight(5)
    alone(pair[1]).set_weight(50)
    assert router.weight() == pytest.approx(50)


def test_those_that_live_are_set_also_where_one_is_dead_or_frozen(pair, deadline):
    router = as_one(pair)
    router.set_weight(50)
    before = router.exposure()
    pair[0].pause()
    deadline(DEADLINE)
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        router.set_weight(0)
    assert time.monotonic() - begun < 10  # two seconds, and what a busy machine adds
    deadline(30.0)
    assert alone(pair[1]).weight() == 0
    pair[0].kill()
    for call in (router.weight, router.exposure, router.check):
        with pytest.raises(Unavailable):
            call()
    pair[0].start()
    assert router.weight() == 0
    assert router.exposure().since != before.since
