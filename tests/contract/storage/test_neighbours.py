"""Work that only reads, between neighbours whose writes were put off, over SQLite and a real PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from interlock.core.change.errors import IntegrityError, NotFound

WRITERS = 24


def in_one_group(store, works):
    """The answers and errors of ``works``, committed as one group in this order."""
    held, go = threading.Event(), threading.Event()

    def hold(_tx):
        held.set()
        assert go.wait(20)

    with ThreadPoolExecutor(max_workers=len(works) + 1) as pool:
        holder = pool.submit(store.write, hold)
        assert held.wait(20)
        asked = []
        for number, work in enumerate(works, 1):
            asked.append(pool.submit(store.write, work))
            while store._writer._jobs.qsize() < number:
                pass
        go.set()
        holder.result()
        return [each.exception() or each.result() for each in asked]


def once(kit):
    """Work that adds the thing with its entry, or reads both when they are there: a repeated request."""

    def work(tx):
        if tx.records(kit.Thing).find(state="open"):
            return "read", [index for index, _ in tx.log.entries("thing-1")]
        tx.records(kit.Thing).add(kit.thing())
        return "wrote", [tx.log.append(kit.entry())]

    return work


def test_whoever_only_reads_is_not_blamed_for_what_a_neighbour_put_off(store, kit):
    told = in_one_group(store, [once(kit) for _ in range(WRITERS)])
    assert told == [("wrote", [0])] + [("read", [0])] * (WRITERS - 1)
    assert len(store.read(lambda tx: tx.log.entries("thing-1"))) == 1


def test_writers_and_readers_at_once_without_any_order(store, kit):
    def other(number):
        def work(tx):
            tx.log.entries("thing-1")
            tx.records(kit.Thing).add(kit.thing(f"other-{number}", state="shut"))
            return "wrote", [tx.log.append(kit.entry(subject=f"other-{number}"))]

        return work

    works = [other(number) if number % 3 == 0 else once(kit) for number in range(WRITERS)]
    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        told = list(pool.map(store.write, works))
    assert sum(what == "wrote" for what, _ in told) == WRITERS // 3 + 1
    assert len(store.read(lambda tx: tx.records(kit.Thing).find())) == WRITERS // 3 + 1


def test_a_reader_that_fails_disturbs_neither_the_leaf_before_it_nor_the_one_after(store, kit):
    def reads_and_fails(tx):
        assert tx.log.entries("thing-1")
        tx.records(kit.Thing).get("nobody")

    def appends(tx):
        return tx.log.append(kit.entry())

    told = in_one_group(store, [once(kit), reads_and_fails, appends])
    assert told[0] == ("wrote", [0])
    assert isinstance(told[1], NotFound)
    assert told[2] == 1
    assert [index for index, _ in store.read(lambda tx: tx.log.entries("thing-1"))] == [0, 1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_whoever_writes_without_an_entry_is_still_the_one_refused(store, kit, place):
    def silent(tx):
        tx.log.entries("thing-1")
        tx.records(kit.Thing).add(kit.thing("silent", state="shut"))

    works = [once(kit), once(kit)]
    works.insert(place, silent)
    told = in_one_group(store, works)
    refused = told.pop(place)
    assert isinstance(refused, IntegrityError)
    assert refused.code == "write-without-entry"
    assert [what for what, _ in told] == ["wrote", "read"]
    assert not store.read(lambda tx: tx.records(kit.Thing).find(state="shut"))
