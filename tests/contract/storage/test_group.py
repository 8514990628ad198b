"""Writers that are committed as a group, over SQLite and a real PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from interlock.core.change.errors import Conflict


def test_of_writers_in_one_group_who_read_and_replace_the_same_version_one_succeeds(store, kit):
    """A write put off and found stale by its neighbour's reading passed for done, and the neighbour failed."""

    def add(tx):
        tx.records(kit.Thing).add(kit.thing())
        tx.log.append(kit.entry())

    store.write(add)
    held, go = threading.Event(), threading.Event()

    def hold(tx):
        held.set()
        assert go.wait(20)

    def change(tx):
        before = tx.records(kit.Thing).get("thing-1")
        after = replace(before, state="shut", version=before.version + 1)
        tx.records(kit.Thing).replace(after, expected_version=1)
        tx.log.append(kit.entry())

    with ThreadPoolExecutor(max_workers=6) as pool:
        holder = pool.submit(store.write, hold)
        assert held.wait(20)
        writers = [pool.submit(store.write, change) for _ in range(5)]
        while store._writer._jobs.qsize() < 5:
            pass
        go.set()
        holder.result()
        told = [each.exception() for each in writers]
    assert sorted(type(each).__name__ for each in told) == ["Conflict"] * 4 + ["NoneType"]
    assert all(each is None or (isinstance(each, Conflict) and each.code == "version-stale") for each in told)
    assert store.read(lambda tx: tx.records(kit.Thing).get("thing-1")).version == 2
