"""Flags that interlock serves: moved in the state, evaluated from memory, each user counted once at a weight."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from interlock.core.change.errors import IntegrityError, Unavailable
from interlock.core.ledger.note import NoteSigner
from interlock.core.rollout.flags import FlagCount, FlagRecord, flag_id
from interlock.road.evaluations import COUNTED, Evaluations
from interlock.road.flags import MOVED, StoreFlags
from interlock.storage import open_store
from interlock.storage.kinds import RECORD_TYPES
from interlock.testing.road import CountingIds, StandingClock


class Steady:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class World:
    """A store, the moving half over it, and servers that evaluate."""

    def __init__(self, folder):
        self.path, self.clock, self.ids, self.steady = (
            folder / "state.db",
            StandingClock(),
            CountingIds(),
            Steady(),
        )
        self.store = open_store(
            f"sqlite:///{self.path}",
            signer=NoteSigner("test.example/flags", b"f" * 32),
            clock=self.clock,
            record_types=RECORD_TYPES,
        )
        self.flags = StoreFlags(store=self.store, clock=self.clock, ids=self.ids)

    def server(self):
        # It never writes by itself here: tests say when.
        return Evaluations(self.store, self.clock, self.ids, steady=self.steady, flushed=3_600)

    def move(self, percent):
        return self.flags.move("shop", percent, canary=True, control=False)

    def kinds(self):
        return [entry.kind for _, entry in reversed(self.store.read(lambda tx: tx.log.newest(100)))]


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.store.close()


def evaluate(server, users):
    record = server.flags()["shop"]
    return [server.evaluate(record, f"user-{number}") for number in users]


def test_a_flag_that_nobody_moved_is_unknown(world):
    assert world.flags.look("shop") is None
    assert world.server().flags() == {}


def test_each_move_is_one_entry_and_the_same_again_is_none(world):
    assert world.move(5.0)
    assert not world.move(5.0)
    assert world.move(25.0)
    assert world.kinds() == [MOVED, MOVED]
    assert world.flags.look("shop").percent == 25


def test_servers_see_a_move_within_half_a_second(world):
    world.move(5.0)
    server = world.server()
    assert server.flags()["shop"].percent == 5
    world.move(0.0)
    world.steady.now += 0.49
    assert server.flags()["shop"].percent == 5
    world.steady.now += 0.02
    assert server.flags()["shop"].percent == 0


def test_users_are_kept_while_it_widens_and_drawn_anew_after_zero(world):
    world.move(10.0)
    first = world.server().flags()["shop"].salt
    world.move(50.0)
    assert world.server().flags()["shop"].salt == first
    world.move(0.0)
    world.move(10.0)
    assert world.server().flags()["shop"].salt != first


def test_a_user_counts_once_for_each_weight_and_server(world):
    world.move(50.0)
    one, other = world.server(), world.server()
    for _ in range(3):
        evaluate(one, range(1_000))
    one.flush()
    standing = world.flags.look("shop")
    assert standing.canary + standing.control == 1_000
    assert 420 < standing.canary < 580
    evaluate(other, range(500))
    other.flush()
    after = world.flags.look("shop")
    assert after.canary + after.control == 1_500
    assert after.since == standing.since


def test_at_another_weight_everybody_counts_again(world):
    world.move(5.0)
    server = world.server()
    evaluate(server, range(100))
    world.move(25.0)
    world.steady.now += 1
    evaluate(server, range(100))
    server.flush()
    standing = world.flags.look("shop")
    assert standing.canary + standing.control == 200


def test_what_was_counted_is_written_once_and_only_grows(world):
    world.move(50.0)
    server = world.server()
    server.flush()
    evaluate(server, range(10))
    server.flush()
    server.flush()
    evaluate(server, range(20))
    server.flush()
    assert world.kinds() == [MOVED, COUNTED, COUNTED]
    counts = world.store.read(lambda tx: tx.records(FlagCount).find(flag="shop"))
    assert [each.canary + each.control for each in counts] == [20]


def test_what_could_not_be_written_is_kept_for_the_next_time(world):
    class Down:
        def __init__(self, store):
            self.store, self.down = store, True

        def read(self, work):
            return self.store.read(work)

        def write(self, work):
            if self.down:
                raise Unavailable("no answer", code="database-unavailable", hint="", plugin="database")
            return self.store.write(work)

    world.move(50.0)
    store = Down(world.store)
    server = Evaluations(store, world.clock, world.ids, flushed=3_600)
    evaluate(server, range(10))
    with pytest.raises(Unavailable):
        server.flush()
    store.down = False
    server.flush()
    standing = world.flags.look("shop")
    assert standing.canary + standing.control == 10


def test_a_slow_write_never_takes_a_later_count_back(world):
    """One flush stalls on its way to the database; another one, which has counted more, comes meanwhile."""

    class Slow:
        def __init__(self, store):
            self.store, self.stalls = store, True
            self.stalled, self.go_on = threading.Event(), threading.Event()

        def read(self, work):
            return self.store.read(work)

        def write(self, work):
            if self.stalls:
                self.stalls = False
                self.stalled.set()
                assert self.go_on.wait(30)
            return self.store.write(work)

    world.move(50.0)
    store = Slow(world.store)
    server = Evaluations(store, world.clock, world.ids, flushed=3_600)
    evaluate(server, range(10))
    slow, fast = (threading.Thread(target=server.flush) for _ in range(2))
    slow.start()
    assert store.stalled.wait(30)
    evaluate(server, range(20))
    fast.start()
    fast.join(0.5)  # without waiting for its turn it would be done by now
    store.go_on.set()
    for each in (slow, fast):
        each.join(30)
    standing = world.flags.look("shop")
    assert standing.canary + standing.control == 20


def test_it_is_written_by_itself_soon_after(world):
    world.move(50.0)
    server = Evaluations(world.store, world.clock, world.ids, flushed=0.01)
    evaluate(server, range(10))
    for _ in range(500):
        standing = world.flags.look("shop")
        if standing.canary + standing.control == 10:
            break
    else:
        pytest.fail("nothing was written")


@pytest.mark.parametrize("statement", ["DELETE FROM flags", "UPDATE flags SET body = replace(body, '5', '9')"])
def test_a_flag_that_somebody_moved_in_the_database_is_not_believed(world, statement):
    world.move(5.0)
    with sqlite3.connect(world.path) as database:
        database.execute(statement)
    database.close()
    with pytest.raises(IntegrityError):
        world.flags.look("shop")


def test_an_older_record_put_back_is_not_believed(world):
    world.move(50.0)
    with sqlite3.connect(world.path) as database:
        kept = database.execute("SELECT version, body_digest, body FROM flags").fetchone()
    world.move(0.0)
    with sqlite3.connect(world.path) as database:
        database.execute("UPDATE flags SET version = ?, body_digest = ?, body = ?", kept)
    database.close()
    assert world.store.read(lambda tx: tx.records(FlagRecord).get(flag_id("shop"))).percent == 50
    for look in (lambda: world.flags.look("shop"), world.server().flags):
        with pytest.raises(IntegrityError) as caught:
            look()
        assert caught.value.code == "record-unvouched"
