"""Who has a piece of work, over SQLite and a real PostgreSQL: what nobody holds, and a claim of what is meant."""

import time

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


def test_a_claim_takes_nothing_but_what_is_meant(store):
    for work in ("a", "b", "c"):
        store.leases.offer(work)
    assert works(store.leases.claim("ana", seconds=LONG, only=["b", "x"])) == ["b"]
    assert store.leases.claim("ana", seconds=LONG, only=[]) == ()
    assert works(store.leases.claim("ben", seconds=LONG)) == ["a", "c"]
