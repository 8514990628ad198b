"""A server that takes work by leases, writes under them, and says what it held and when.

Run as ``python lessee.py URL OWNER MODE SECONDS COUNT``.
``race``: until COUNT leases were held for a moment each, each with an entry under it.
``hold``: claim until there is something, then renew every third of SECONDS and write under it, until it is lost.
``stall``: like ``hold``, but stops in the middle of a write under the lease until it is let go on.
Events are JSON lines ``[what, owner, work, token, moment]``; moments are of the machine's monotonic clock, which
all processes on it share.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import UTC, datetime

from interlock.core.change.errors import Conflict
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import open_store

SIGNER = NoteSigner("ledger.example/leases", bytes(range(32)))
START = datetime(2026, 3, 5, tzinfo=UTC)


class FixedClock:
    def now(self) -> datetime:
        return START


def open_it(url: str):
    return open_store(url, signer=SIGNER, clock=FixedClock(), record_types=[])


def tell(what: str, owner: str, work: str = "", token: int = 0) -> None:
    sys.stdout.write(json.dumps([what, owner, work, token, time.monotonic()]) + "\n")
    sys.stdout.flush()


def under(lease, *, stall=False):
    """Work under a lease that appends who did it; with ``stall`` the process stops itself once, in the middle."""
    stopped = []

    def work(tx):
        tx.fenced(lease)
        if stall and not stopped:
            stopped.append(True)
            tell("stall", lease.owner, lease.work, lease.token)
            os.kill(os.getpid(), signal.SIGSTOP)
        body = {"token": lease.token}
        return tx.log.append(Entry(kind="lease.used", subject=lease.work, actor=lease.owner, at=START, body=body))

    return work


def use(store, lease, *, stall=False) -> bool:
    """Whether the write under the lease happened."""
    try:
        store.write(under(lease, stall=stall))
    except Conflict as error:
        tell(error.code, lease.owner, lease.work, lease.token)
        return False
    tell("used", lease.owner, lease.work, lease.token)
    return True


def race(store, owner: str, seconds: float, count: int) -> None:
    while count > 0:
        for lease in store.leases.claim(owner, seconds=seconds, most=4):
            tell("held", owner, lease.work, lease.token)
            use(store, lease)
            tell("free", owner, lease.work, lease.token)
            store.leases.release(lease, after=0)
            count -= 1


def hold(store, owner: str, seconds: float, *, stall: bool) -> None:
    leases = ()
    while not leases:
        leases = store.leases.claim(owner, seconds=seconds, most=1_000)
        time.sleep(0.02)
    for lease in leases:
        tell("held", owner, lease.work, lease.token)
    while leases:
        for lease in leases[:1]:
            use(store, lease, stall=stall)
        kept = store.leases.renew(leases, seconds=seconds)
        for lease in leases:
            if lease not in kept:
                tell("lost", owner, lease.work, lease.token)
        leases = kept
        time.sleep(seconds / 3)


if __name__ == "__main__":
    address, who, mode, length, times = sys.argv[1:]
    server = open_it(address)
    tell("ready", who)
    if mode == "race":
        race(server, who, float(length), int(times))
    else:
        hold(server, who, float(length), stall=mode == "stall")
    server.close()
