"""Who has a piece of work, over SQLite and a real PostgreSQL: what nobody holds, and a claim of what is meant."""

import math
import time

import sqlalchemy as sa

from interlock.storage import schema

LONG = 60.0


def works(leases):
    return sorted(each.work for each in leases)


def test_what_nobody_holds_is_idle_since_it_was_due_or_let_go(store):
    """Whoever asks how a rollout stands is told that nobody moves it, and since when."""
    assert store.leases.idle("roll-1") is None
    store.leases.offer("roll-1")
    time.sleep(0.3)
    assert 0.25 <= store.leases.idle("roll-1") < LONG
    (lease,) = store.leases.claim("ana", seconds=LONG)
    assert store.leases.idle("roll-1") is None
    store.leases.offer("roll-1")
    assert store.leases.idle("roll-1") is None
    store.leases.release(lease, after=LONG)
    (again,) = store.leases.claim("ben", seconds=0.001)  # the offer is kept
    time.sleep(0.3)
    assert 0.25 <= store.leases.idle("roll-1") < LONG
    store.leases.release(again)
    assert store.leases.idle("roll-1") is None


def test_work_that_is_due_later_is_not_idle_yet(store):
    store.leases.offer("roll-1", after=LONG)
    assert store.leases.idle("roll-1") is None


def test_whoever_held_it_before_the_machine_was_started_again_is_gone(store):
    """Its lease ended far in the future of the clock that began anew, and nobody was told that nobody is there."""
    for work in ("held", "due"):
        store.leases.offer(work)
    store.leases.claim("ana", seconds=3.0, only=["held"])
    later = {"until": 10**15} | {"due_at": None}
    with store._engines.writer.begin() as connection:
        connection.execute(sa.update(schema.lease).where(schema.lease.c.work == "held").values(later))
        connection.execute(sa.update(schema.lease).where(schema.lease.c.work == "due").values(due_at=10**15))
    assert store.leases.idle("held") == math.inf
    assert store.leases.idle("due") == math.inf


def test_a_claim_takes_nothing_but_what_is_meant(store):
    for work in ("a", "b", "c"):
        store.leases.offer(work)
    assert works(store.leases.claim("ana", seconds=LONG, only=["b", "x"])) == ["b"]
    assert store.leases.claim("ana", seconds=LONG, only=[]) == ()
    assert works(store.leases.claim("ben", seconds=LONG)) == ["a", "c"]
