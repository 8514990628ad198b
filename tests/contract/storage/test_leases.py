"""Leases over SQLite and a real PostgreSQL: one holder at a time, tokens that only rise, no lost wake-up."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from interlock.core.change.errors import Conflict, IntegrityError, InvalidInput
from interlock.ports.leases import Lease
from interlock.storage import schema

SHORT = 0.25
LONG = 60.0


def works(leases):
    return sorted(each.work for each in leases)


def wait_for_claim(leases, owner, *, seconds=LONG, within=30.0):
    """The first claim that finds something."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        found = leases.claim(owner, seconds=seconds)
        if found:
            return found
        time.sleep(0.01)
    pytest.fail(f"nothing could be claimed within {within} s")


def taken_over(leases, work="roll-1"):
    """A lease that ran out, and the one by which another took the work over."""
    leases.offer(work)
    (old,) = leases.claim("ana", seconds=0.001)
    (new,) = wait_for_claim(leases, "ben")
    return old, new


def test_what_is_offered_is_claimed_once(store):
    store.leases.offer("roll-1")
    store.leases.offer("roll-1")
    (lease,) = store.leases.claim("ana", seconds=LONG)
    assert lease == Lease(work="roll-1", owner="ana", token=1, seconds=LONG)
    assert store.leases.claim("ben", seconds=LONG) == ()
    assert store.leases.claim("ana", seconds=LONG) == ()


def test_what_is_due_later_waits_and_an_earlier_offer_wins(store):
    store.leases.offer("later", after=LONG)
    assert store.leases.claim("ana", seconds=LONG) == ()
    began = time.monotonic()
    store.leases.offer("later", after=0.1)
    store.leases.offer("later", after=LONG)
    found = wait_for_claim(store.leases, "ana")
    assert works(found) == ["later"]
    assert 0.09 <= time.monotonic() - began < LONG / 2


def test_another_takes_over_once_the_lease_has_ended_and_not_before(store):
    store.leases.offer("roll-1")
    began = time.monotonic()
    (old,) = store.leases.claim("ana", seconds=SHORT)
    (new,) = wait_for_claim(store.leases, "ben")
    assert time.monotonic() - began >= SHORT - 0.01
    assert new.token == old.token + 1


def kept_away(leases, work, seconds):
    """Whether renewing kept others away; None where the machine stood still for as long as the lease."""
    leases.offer(work)
    renewed = time.monotonic()
    held = leases.claim("ana", seconds=seconds)
    end = renewed + 3 * seconds
    while time.monotonic() < end:
        before, renewed = renewed, time.monotonic()
        held = leases.renew(held, seconds=seconds)
        lost, taken = works(held) != [work], leases.claim("ben", seconds=LONG)
        if time.monotonic() - before >= seconds:
            for each in (*held, *taken):
                leases.release(each)
            return None
        if lost or taken:
            return False
        time.sleep(seconds / 5)
    return True


def test_renewing_keeps_it_away_from_others(store):
    found = (kept_away(store.leases, f"roll-{number}", SHORT * 2**number) for number in range(7))
    assert next(kept for kept in found if kept is not None)


def test_a_lease_that_ended_untaken_is_renewed_and_one_that_was_lost_is_not(store):
    store.leases.offer("mine")
    (mine,) = store.leases.claim("ana", seconds=0.001)
    time.sleep(0.05)
    assert store.leases.renew([mine], seconds=LONG) == (Lease(work="mine", owner="ana", token=1, seconds=LONG),)
    old, new = taken_over(store.leases)
    assert store.leases.renew([mine, old, new], seconds=LONG) == (
        Lease(work="mine", owner="ana", token=1, seconds=LONG),
        Lease(work="roll-1", owner="ben", token=2, seconds=LONG),
    )
    assert store.leases.renew([], seconds=LONG) == ()


def test_an_older_lease_of_the_same_owner_does_not_prolong_the_newer(store):
    store.leases.offer("roll-1")
    (old,) = store.leases.claim("ana", seconds=0.001)
    (new,) = wait_for_claim(store.leases, "ana", seconds=SHORT)
    assert store.leases.renew([old], seconds=LONG) == ()
    assert new.token == 2
    assert works(wait_for_claim(store.leases, "ben")) == ["roll-1"]


def test_letting_go_is_idempotent_and_nothing_for_a_lease_that_was_lost(store):
    old, new = taken_over(store.leases)
    store.leases.release(old)
    store.leases.release(old, after=0)
    assert store.leases.claim("eve", seconds=LONG) == ()
    store.leases.release(new, after=0)
    store.leases.release(new)
    (third,) = store.leases.claim("eve", seconds=LONG)
    assert third.token == 3


def test_what_is_done_with_is_not_due_and_its_token_goes_on_when_it_is_offered_again(store):
    store.leases.offer("roll-1")
    (lease,) = store.leases.claim("ana", seconds=LONG)
    store.leases.release(lease)
    assert store.leases.claim("ben", seconds=LONG) == ()
    store.leases.offer("roll-1")
    assert [each.token for each in store.leases.claim("ben", seconds=LONG)] == [2]


@pytest.mark.parametrize("after", [None, LONG])
def test_an_offer_while_it_is_held_is_remembered_when_it_is_let_go(store, after):
    store.leases.offer("roll-1")
    (lease,) = store.leases.claim("ana", seconds=LONG)
    store.leases.offer("roll-1")
    assert store.leases.claim("ben", seconds=LONG) == ()
    store.leases.release(lease, after=after)
    assert [each.token for each in store.leases.claim("ben", seconds=LONG)] == [2]


def test_let_go_for_a_while_it_is_due_again_then(store):
    store.leases.offer("roll-1")
    (lease,) = store.leases.claim("ana", seconds=LONG)
    began = time.monotonic()
    store.leases.release(lease, after=0.2)
    found = wait_for_claim(store.leases, "ben")
    assert works(found) == ["roll-1"]
    assert 0.19 <= time.monotonic() - began < LONG / 2


def test_a_thousand_pieces_of_work_are_claimed_by_one_statement(store, kit):
    store.write(lambda tx: [tx.offer(f"roll-{n:04}") for n in range(1_100)] and tx.log.append(kit.entry(n=1)))
    said = []
    sa.event.listen(
        store._engines.writer,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_rest: said.append(statement),
    )
    taken = store.leases.claim("ana", seconds=LONG, most=1_000)
    assert works(taken) == [f"roll-{n:04}" for n in range(1_000)]
    assert len([statement for statement in said if "lease" in statement]) == 1
    assert len(store.leases.renew(taken, seconds=LONG)) == 1_000
    assert len(store.leases.claim("ben", seconds=LONG, most=1_000)) == 100


def test_many_threads_of_two_servers_claim_each_piece_once(opener, kit):
    servers = [opener(), opener()]
    names = [f"roll-{n}" for n in range(120)]
    servers[0].write(lambda tx: [tx.offer(name) for name in names] and tx.log.append(kit.entry(n=1)))
    taken = []

    def grab(number):
        leases = servers[number % 2].leases
        while found := leases.claim(f"owner-{number}", seconds=LONG, most=3):
            taken.extend(found)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(grab, range(8)))
    left = servers[0].leases.claim("last", seconds=LONG, most=1_000)
    assert works([*taken, *left]) == sorted(names)
    assert {each.token for each in taken} == {1}


def test_work_under_a_lease_is_recorded_and_under_a_lost_one_leaves_no_trace(store, kit):
    old, new = taken_over(store.leases)

    def move(lease, name):
        def work(tx):
            tx.fenced(lease)
            tx.records(kit.Thing).add(kit.thing(name))
            return tx.log.append(kit.entry(subject=name))

        return work

    assert store.write(move(new, "by-ben")) == 0
    with pytest.raises(Conflict) as lost:
        store.write(move(old, "by-ana"))
    assert lost.value.code == "lease-lost"
    store.leases.release(new)
    with pytest.raises(Conflict):
        store.write(move(new, "late"))
    assert [each.id for each in store.read(lambda tx: tx.records(kit.Thing).find())] == ["by-ben"]


def test_whoever_wrote_before_looking_at_a_lost_lease_leaves_no_trace_and_no_neighbour_suffers(store, kit):
    old, _new = taken_over(store.leases)

    def late_look(tx):
        tx.records(kit.Thing).add(kit.thing("by-ana"))
        tx.log.append(kit.entry(subject="by-ana"))
        tx.fenced(old)

    def other(tx):
        tx.records(kit.Thing).add(kit.thing("other"))
        return tx.log.append(kit.entry(subject="other"))

    with ThreadPoolExecutor(max_workers=2) as pool:
        refused, kept = pool.submit(store.write, late_look), pool.submit(store.write, other)
        assert refused.exception().code == "lease-lost"
        assert kept.result() == 0
    assert [each.id for each in store.read(lambda tx: tx.records(kit.Thing).find())] == ["other"]


def test_nobody_takes_a_lease_over_while_its_holder_commits_under_it(opener, kit):
    """The lease ends in the middle of a transaction that looked at it: the claim waits, or passes over it."""
    ours, theirs = opener(), opener()
    ours.leases.offer("roll-1")
    (lease,) = ours.leases.claim("ana", seconds=0.05)
    looked, go = threading.Event(), threading.Event()
    committed = []

    def slow(tx):
        tx.fenced(lease)
        looked.set()
        assert go.wait(20)
        return tx.log.append(kit.entry())

    def claim():
        found = theirs.leases.claim("ben", seconds=LONG)
        return bool(committed), found

    with ThreadPoolExecutor(max_workers=2) as pool:
        writing = pool.submit(lambda: (ours.write(slow), committed.append(True)))
        assert looked.wait(20)
        time.sleep(0.1)
        claiming = pool.submit(claim)
        time.sleep(0.2)
        assert ours._engines.sqlite or claiming.result() == (False, ())
        go.set()
        writing.result()
        claiming.result()
    assert ours.read(lambda tx: len(tx.log.entries("thing-1"))) == 1
    with pytest.raises(Conflict):
        wait_until_lost(ours, theirs, lease)


def wait_until_lost(ours, theirs, lease):
    theirs.leases.claim("ben", seconds=LONG)
    ours.write(lambda tx: tx.fenced(lease))


def test_the_holder_renews_while_it_commits(store, kit):
    store.leases.offer("roll-1")
    held = store.leases.claim("ana", seconds=LONG)
    looked, go = threading.Event(), threading.Event()

    def slow(tx):
        tx.fenced(held[0])
        looked.set()
        assert go.wait(20)
        return tx.log.append(kit.entry())

    with ThreadPoolExecutor(max_workers=2) as pool:
        writing = pool.submit(store.write, slow)
        assert looked.wait(20)
        renewing = pool.submit(store.leases.renew, held, seconds=LONG)
        if not store._engines.sqlite:  # there the file has one writer, whom everybody waits for
            assert works(renewing.result(timeout=2)) == ["roll-1"]
        go.set()
        assert writing.result() == 0
        assert works(renewing.result(timeout=5)) == ["roll-1"]


def test_a_lease_is_looked_at_where_something_is_written(store):
    store.leases.offer("roll-1")
    (lease,) = store.leases.claim("ana", seconds=LONG)
    with pytest.raises(IntegrityError) as refused:
        store.read(lambda tx: tx.fenced(lease))
    assert refused.value.code == "write-while-reading"


def test_new_work_is_known_with_the_record_that_begins_it_or_not_at_all(store, kit):
    def begin(tx):
        tx.offer("roll-1")
        tx.records(kit.Thing).add(kit.thing("roll-1"))
        tx.log.append(kit.entry(subject="roll-1"))

    def begin_and_fail(tx):
        tx.offer("roll-2")
        tx.log.append(kit.entry(subject="roll-2"))
        raise InvalidInput("expected more", code="test", hint="none")

    store.write(begin)
    with pytest.raises(InvalidInput):
        store.write(begin_and_fail)
    assert works(store.leases.claim("ana", seconds=LONG)) == ["roll-1"]
    with pytest.raises(IntegrityError):
        store.write(lambda tx: tx.offer("silent"))


def test_taking_and_letting_go_append_nothing(store):
    before = store.read(lambda tx: tx.log.newest(10))
    _old, new = taken_over(store.leases)
    store.leases.release(new)
    assert store.read(lambda tx: tx.log.newest(10)) == before


def test_a_clock_that_was_set_back_delays_a_take_over_by_one_lease_and_no_more(store):
    """A lease used to be as long as the clock was set back: nobody could take over for an hour."""
    store.leases.offer("held")
    store.leases.claim("gone", seconds=SHORT)
    store.leases.offer("waiting", after=SHORT)
    row = schema.lease.c
    hour = 3_600_000
    with store._engines.writer.begin() as connection:
        connection.execute(sa.update(schema.lease).values(until=row.until + hour, due_at=row.due_at + hour))
    taken, began = [], time.monotonic()
    while len(taken) < 2:
        taken.extend(store.leases.claim("ana", seconds=LONG))
        time.sleep(0.01)
        assert time.monotonic() - began < 30
    assert time.monotonic() - began >= SHORT - 0.01
    assert works(taken) == ["held", "waiting"]


def test_a_busy_ledger_does_not_shut_a_holder_out_nor_the_other_way_round(store, kit):
    """SQLite's writer took its lock again before anybody else came by: a lease could end meanwhile."""
    stop = threading.Event()
    written, waits = [], []

    def write(number):
        count = 0
        while not stop.is_set():
            name = f"{number}-{count}"

            def work(tx, name=name):
                tx.records(kit.Thing).add(kit.thing(name))
                return tx.log.append(kit.entry(subject=name))

            written.append(store.write(work))
            count += 1

    store.leases.offer("roll-1")
    held = store.leases.claim("ana", seconds=LONG)
    with ThreadPoolExecutor(max_workers=4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        end = time.monotonic() + 1.5
        while time.monotonic() < end or min(len(waits), len(written)) <= 20:
            assert time.monotonic() < end + 30
            began = time.monotonic()
            held = store.leases.renew(held, seconds=LONG)
            waits.append(time.monotonic() - began)
            assert held
        alone = len(written)
        stop.set()
        for each in writers:
            each.result()
    assert sorted(waits)[-3] < 1  # the machine itself may stand still once or twice
    assert len(waits) > 20
    assert alone > 20


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda leases: leases.claim("ana", seconds=0), "seconds"),
        (lambda leases: leases.claim("ana", seconds=float("nan")), "seconds"),
        (lambda leases: leases.claim("ana", seconds=3_601), "seconds"),
        (lambda leases: leases.claim("ana", seconds=1, most=0), "most"),
        (lambda leases: leases.claim("ana", seconds=1, most=1_001), "most"),
        (lambda leases: leases.offer("roll-1", after=-1), "after"),
        (lambda leases: leases.offer("roll\x00", after=1), "work"),
        (lambda leases: leases.claim("", seconds=-1), "seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(store, call, name):
    with pytest.raises(InvalidInput) as refused:
        call(store.leases)
    assert refused.value.code in {"lease-range", "lookup-value"}
    assert f"`{name}`" in refused.value.message
