"""A lease whose commit was lost, or done and reported as failed; a database that was started anew."""

import importlib.util
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock.core.change.errors import Unavailable
from interlock.testing.postgresql import PostgreSQL

LESSEE = Path(__file__).with_name("lessee.py")


@pytest.fixture(scope="module")
def lessee():
    spec = importlib.util.spec_from_file_location("interlock_test_lessee_commits", LESSEE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store(url, lessee):
    store = lessee.open_it(url)
    store.leases.offer("roll-1")
    yield store
    store.close()


@contextmanager
def broken_commits(store, *, done):
    """Every commit of a writing connection fails: after it was done, or instead."""
    engine = store._engines.writer
    commit = engine.dialect.do_commit

    def broken(connection):
        if done:
            commit(connection)
        raise engine.dialect.dbapi.OperationalError("the connection broke")

    engine.dialect.do_commit = broken
    try:
        yield
    finally:
        engine.dialect.do_commit = commit


def claimed(store, owner, *, within):
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = store.leases.claim(owner, seconds=60)
        if found:
            return found[0]
        time.sleep(0.02)
    return None


@pytest.mark.parametrize("done", [False, True])
def test_a_claim_that_nobody_acknowledged_is_unknown_and_blocks_for_one_lease_at_most(store, done):
    began = time.monotonic()
    with broken_commits(store, done=done), pytest.raises(Unavailable) as refused:
        store.leases.claim("ana", seconds=1.0)
    assert refused.value.code == "commit-unknown"
    lease = claimed(store, "ben", within=10)
    assert lease.token == (2 if done else 1)
    assert not done or time.monotonic() - began > 0.9


@pytest.mark.parametrize("done", [False, True])
def test_a_renewal_a_release_and_an_offer_that_nobody_acknowledged_are_made_again(store, done):
    (lease,) = store.leases.claim("ana", seconds=60)
    for call in (
        lambda: store.leases.renew([lease], seconds=60),
        lambda: store.leases.offer("roll-2"),
        lambda: store.leases.release(lease, after=0),
    ):
        with broken_commits(store, done=done), pytest.raises(Unavailable) as refused:
            call()
        assert refused.value.code == "commit-unknown"
        call()
    assert {each.work: each.token for each in store.leases.claim("ben", seconds=60)} == {"roll-1": 2, "roll-2": 1}


def test_the_first_claim_after_a_restart_of_postgresql_works(lessee):
    """Pooled connections are dead then."""
    with PostgreSQL() as server:
        store = lessee.open_it(server.new_database())
        store.leases.offer("roll-1")
        server.kill()
        server.start()
        (lease,) = store.leases.claim("ana", seconds=60)
        server.kill()
        server.start()
        assert store.leases.renew([lease], seconds=60) == (lease,)
        store.close()
