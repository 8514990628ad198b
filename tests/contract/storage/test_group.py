"""Writers that are committed as a group, over SQLite and a real PostgreSQL."""

import threading
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

    told = []

    def writer():
        try:
            store.write(change)
        except Exception as error:
            told.append(error)
        else:
            told.append(None)

    holder = threading.Thread(target=store.write, args=(hold,))
    holder.start()
    assert held.wait(20)
    writers = [threading.Thread(target=writer) for _ in range(5)]
    for each in writers:
        each.start()
    while store._writer._jobs.qsize() < 5:
        pass
    go.set()
    for each in (holder, *writers):
        each.join()
    assert sorted(type(each).__name__ for each in told) == ["Conflict"] * 4 + ["NoneType"]
    assert all(each is None or (isinstance(each, Conflict) and each.code == "version-stale") for each in told)
    assert store.read(lambda tx: tx.records(kit.Thing).get("thing-1")).version == 2
