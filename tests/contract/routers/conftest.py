"""Every router with something behind it: a real proxy and two versions, interlock's own flags, a simulated plane.

A case knows how to make routers of one split, to send requests through it, and to break what it stands on.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.approval.actor import Actor, Scope
from interlock.core.ledger.note import NoteSigner
from interlock.doors.api import dispatch
from interlock.doors.api.table import route
from interlock.plugins.routers.reading import DEADLINE
from interlock.plugins.world.system import RandomIds, SystemClock
from interlock.registry import routers
from interlock.road.flags import StoreFlags
from interlock.road.station import Station
from interlock.storage import open_store
from interlock.storage.kinds import RECORD_TYPES
from interlock.testing.callers import NO_ANSWER, ask
from interlock.testing.proxies.envoy import Envoy
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.proxies.nginx import Nginx
from interlock.testing.routers import FakeRouter, Plane, unhurried
from interlock.testing.versions import Version

FAILED = ("status 502", "status 503", NO_ANSWER)


class ProxyCase:
    """A real proxy before two real versions."""

    forgets = 0

    def __init__(self, proxy_class, *, exact, shared):
        self.exact, self.shared = exact, shared
        self.canary, self.control = Version("canary"), Version("control")
        self.canary.start()
        self.control.start()
        self.proxy = proxy_class(canary=self.canary.port, control=[self.control.port])
        self.proxy.start()

    def router(self):
        return routers()[self.proxy.router](self.proxy.settings)

    def drive(self, requests):
        answers = ask(self.proxy.port, requests, connections=2)
        failed = sum(answers.pop(word, 0) for word in FAILED)
        return answers + Counter({"failed": failed})

    def crash_canary(self):
        self.canary.crash()

    def kill(self):
        self.proxy.kill()

    def revive(self):
        self.proxy.start()

    def pause(self):
        self.proxy.pause()

    def resume(self):
        self.proxy.resume()

    def close(self):
        self.proxy.close()
        self.canary.crash()
        self.control.crash()


class CommandCase(ProxyCase):
    """The router `command` with a user's script that speaks to HAProxy."""

    def __init__(self):
        super().__init__(HAProxy, exact=True, shared=True)

    def router(self):
        run = [sys.executable, "-I", str(Path(__file__).with_name("split.py"))]
        environment = {"SPLIT_SOCKET": str(self.proxy.socket)}
        return routers()["command"](
            {
                "set": [*run, "set", "{percent}"],
                "get": [*run, "get"],
                "exposure": [*run, "exposure"],
                "environment": environment,
            }
        )


class FlagCase:
    """Interlock's own flags, asked through its API by users who are each another."""

    exact, shared = False, True
    forgets = 2
    """Of some hundred users one may have the bit of another (see ``interlock.road.evaluations``)."""

    def __init__(self, folder):
        self.clock, self.ids, self.users = SystemClock(), RandomIds(), count()
        self.store = open_store(
            f"sqlite:///{folder}/state.db",
            signer=NoteSigner("test.example/flags", b"f" * 32),
            clock=self.clock,
            record_types=RECORD_TYPES,
        )
        self.station = Station(
            store=self.store, clock=self.clock, ids=self.ids, ticket_key=Ed25519PrivateKey.generate()
        )

    def router(self):
        flags = StoreFlags(store=self.store, clock=self.clock, ids=self.ids)
        return routers(flags)["flag"]({"flag": "shop"})

    def drive(self, requests):
        answers = Counter(self.evaluate(f"user-{next(self.users)}") for _ in range(requests))
        self.station.evaluations.over(self.store, self.clock, self.ids).flush()
        return answers

    def evaluate(self, user):
        path = "/ofrep/v1/evaluate/flags/shop"
        body = json.dumps({"context": {"targetingKey": user}}).encode()
        caller = Actor(principal="shop", kind="pipeline", scopes=frozenset({Scope.READ}))
        request = dispatch.Request(method="POST", path=path, body=body, local=caller)
        reply = dispatch.answer(self.station, *route("POST", path), request)
        # A flag that nobody moved is unknown, and the application goes on with its default.
        return json.loads(reply.body)["variant"] if reply.status == 200 else "control"

    def close(self):
        self.store.close()


class FakeCase:
    """A simulated plane."""

    exact, shared = True, True
    forgets = 0

    def __init__(self):
        self.plane = Plane()

    def router(self):
        return FakeRouter({"plane": self.plane})

    def drive(self, requests):
        answers = self.plane.serve(requests)
        return Counter({"failed" if who == "no answer" else who: number for who, number in answers.items()})

    def crash_canary(self):
        self.plane.canary_up = False

    def kill(self):
        self.plane.dead = True

    def revive(self):
        self.plane.restart()

    pause = kill

    def resume(self):
        self.plane.dead = False

    def close(self):
        pass


CASES = {
    "fake": lambda folder: FakeCase(),
    "haproxy": lambda folder: ProxyCase(HAProxy, exact=True, shared=True),
    "envoy": lambda folder: ProxyCase(Envoy, exact=False, shared=True),
    "nginx": lambda folder: ProxyCase(Nginx, exact=False, shared=False),
    "flag": FlagCase,
    "command": lambda folder: CommandCase(),
}


def opened(name, folder):
    made = CASES[name](folder)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=CASES)
def split(request, tmp_path):
    """One split of each kind."""
    yield from opened(request.param, tmp_path)


@pytest.fixture(params=[name for name in CASES if name != "flag"])
def breakable(request, tmp_path):
    """One of each kind that stands on something which can be killed."""
    yield from opened(request.param, tmp_path)


@pytest.fixture(autouse=True)
def deadline(monkeypatch):
    """Sets the seconds that a call has: at first so many that none is late on a machine that stood still."""
    return unhurried(monkeypatch.setattr)


@pytest.fixture
def within(deadline):
    """With the real deadline: whether something took at most so many seconds."""

    class Within:
        def __init__(self, seconds):
            self.seconds = seconds

        def __enter__(self):
            deadline(DEADLINE)
            self.begun = time.monotonic()

        def __exit__(self, *error):
            took = time.monotonic() - self.begun
            deadline(30.0)
            assert took < self.seconds

    return Within
