"""A worker in a process of its own, over a world elsewhere, that can die at a chosen step.

Run as ``python mover.py URL OWNER PORT LEASE DIE``; it looks for work from the first line on that it is told, and
ends in order when nobody can tell it more. DIE is the step at which it kills itself with SIGKILL, by its number or
name, 0 for never; after ``stop `` it is the name of one at which it stops itself, once, until it is sent SIGCONT.
Steps are counted in order: before and after every commit, every weight set, every program run.
It says ``[what, owner, number, moment]`` in JSON lines.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.ledger.note import NoteSigner
from interlock.plugins.world.system import RandomIds, SystemClock, steady
from interlock.road.roll.outside import Outside
from interlock.road.roll.worker import Pace, Worker
from interlock.road.station import Station
from interlock.storage import open_store
from interlock.storage.kinds import RECORD_TYPES
from interlock.testing.afar import Line, MeterAfar, ProgramsAfar, RouterAfar


def tell(what, owner, number=0):
    sys.stdout.write(json.dumps([what, owner, number, time.monotonic()]) + "\n")
    sys.stdout.flush()


class Steps:
    """Counts, and ends this process at one of them."""

    def __init__(self, owner, die):
        self.owner, self.die, self.number = owner, die, 0
        self.lock = threading.Lock()

    def __call__(self, name):
        with self.lock:
            self.number += 1
            tell(name, self.owner, self.number)
            if self.die in (str(self.number), name):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.die == f"stop {name}":
                self.die = "0"
                os.kill(os.getpid(), signal.SIGSTOP)


class Counting:
    """A store whose commits are steps."""

    def __init__(self, store, steps):
        self._store, self._steps = store, steps

    def write(self, work, *, signed=False):
        self._steps("before a commit")
        done = self._store.write(work, signed=signed)
        self._steps("after a commit")
        return done

    def __getattr__(self, name):
        return getattr(self._store, name)


class Router(RouterAfar):
    def __init__(self, line, steps):
        super().__init__(line)
        self._steps = steps

    def set_weight(self, percent):
        self._steps(f"before weight {percent:g}")
        super().set_weight(percent)
        self._steps(f"after weight {percent:g}")


class Programs(ProgramsAfar):
    def __init__(self, line, steps):
        super().__init__(line)
        self._steps = steps

    def run(self, arguments, *, timeout, environment, **more):
        self._steps(f"before {' '.join(arguments)}")
        done = super().run(arguments, timeout=timeout, environment=environment, **more)
        self._steps(f"after {' '.join(arguments)}")
        return done


def main():
    url, owner, port, lease, die = sys.argv[1:]
    clock, steps = SystemClock(), Steps(owner, die)
    line = Line(("127.0.0.1", int(port)), owner)
    signer = NoteSigner("test.interlock.dev/road", bytes(range(32)))
    store = open_store(url, signer=signer, clock=clock, record_types=RECORD_TYPES)
    outside = Outside(
        routers={"fake": lambda settings: Router(line, steps)},
        meters={"fake": lambda settings, metrics: MeterAfar(line, metrics)},
        notifiers={},
        programs=Programs(line, steps),
        steady=steady,
    )
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    station = Station(store=Counting(store, steps), clock=clock, ids=RandomIds(), ticket_key=key)
    seconds = float(lease)
    pace = Pace(lease=seconds, renew=seconds / 3, look=min(0.25, seconds / 8), sweep=2.0)
    worker = Worker(
        replace(station, outside=outside, leases=store.leases),
        outside,
        store.leases,
        owner=owner,
        pace=pace,
        failed=lambda work, error: tell(f"failed: {error!r}", owner),
    )
    tell("up", owner)
    sys.stdin.readline()
    worker.start()
    tell("ready", owner)
    sys.stdin.read()
    worker.stop()
    store.close()


main()
