"""Work that asks for what no database holds, or swallows what went wrong, over SQLite and PostgreSQL."""

import pytest
import sqlalchemy as sa

from interlock.core.change.errors import InterlockError, InvalidInput, NotFound


def opened(kit, name="thing-1", **rest):
    """Work that adds a thing and its entry."""

    def work(tx):
        tx.records(kit.Thing).add(kit.thing(name, **rest))
        return tx.log.append(kit.entry(subject=name))

    return work


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x" * 1001])
def test_looking_for_names_no_database_can_hold_is_refused(store, kit, name):
    """Such a look-up failed inside PostgreSQL and took the whole group with it."""
    for look in (
        lambda tx: tx.records(kit.Thing).get(name),
        lambda tx: tx.records(kit.Thing).find(state=name),
        lambda tx: tx.log.entries(name),
        lambda tx: tx.blob(name),
    ):
        for use in (store.read, store.write):
            with pytest.raises((InvalidInput, NotFound)):
                use(look)
    assert store.write(opened(kit)) == 0


def test_work_that_swallows_a_failed_statement_is_not_acknowledged(store, kit):
    """PostgreSQL answers the commit of a failed transaction without an error."""

    def work(tx):
        tx.log.append(kit.entry())
        try:
            tx.session.read(sa.text("SELECT nonsense FROM nowhere"))
        except InterlockError:
            return "swallowed"
        raise AssertionError

    with pytest.raises(InterlockError):
        store.write(work)


def test_work_that_swallows_a_conflict_goes_on_with_what_is_there(store, kit):
    store.write(opened(kit, nickname="fox"))

    def work(tx):
        things = tx.records(kit.Thing)
        try:
            things.add(kit.thing("thing-1"))
            things.get("thing-1")
        except Exception:  # noqa: BLE001  # as careless work would
            tx.log.append(kit.entry(kind="thing.seen"))
            return things.get("thing-1").nickname
        raise AssertionError

    assert store.write(work) == "fox"
    kinds = [each.kind for _, each in store.read(lambda tx: tx.log.entries("thing-1"))]
    assert kinds == ["thing.opened", "thing.seen"]
