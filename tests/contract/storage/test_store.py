"""What every store must do, over SQLite and a real PostgreSQL."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.change.errors import Conflict, IntegrityError, InvalidInput, NotFound
from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.entry import read_leaf
from interlock.core.ledger.merkle import verify_consistency
from interlock.core.ledger.note import NoteSigner
from interlock.core.ledger.prooffile import ProofFile
from interlock.ports.store import Page


def opened(kit, name="thing-1", **rest):
    """Work that adds a thing and its entry."""

    def work(tx):
        tx.records(kit.Thing).add(kit.thing(name, **rest))
        return tx.log.append(kit.entry(subject=name))

    return work


def get(store, kit, name="thing-1"):
    return store.read(lambda tx: tx.records(kit.Thing).get(name))


def size(store, kit):
    return open_checkpoint(store.checkpoint(), kit.SIGNER.verifier).size


def test_what_was_written_is_read_back_whole(store, kit):
    thing = kit.thing(team="checkout", nickname="Ω ☃ 𝕏")
    store.write(lambda tx: (tx.records(kit.Thing).add(thing), tx.log.append(kit.entry())))
    assert get(store, kit) == thing


def test_indices_count_up_from_zero(store, kit):
    assert [store.write(opened(kit, f"thing-{n}")) for n in range(3)] == [0, 1, 2]


def test_one_write_may_append_several_entries(store, kit):
    assert store.write(lambda tx: [tx.log.append(kit.entry(n=n)) for n in range(300)])[-1] == 299
    assert size(store, kit) == 300


def test_unknown_record_is_not_found(store, kit):
    with pytest.raises(NotFound):
        get(store, kit, "thing-404")


def test_the_same_id_twice_conflicts_and_leaves_no_entry(store, kit):
    store.write(opened(kit))
    with pytest.raises(Conflict) as conflict:
        store.write(opened(kit))
    assert conflict.value.code == "record-exists"
    assert size(store, kit) == 1


def test_a_unique_column_admits_one(store, kit):
    store.write(opened(kit, "thing-1", nickname="fox"))
    with pytest.raises(Conflict):
        store.write(opened(kit, "thing-2", nickname="fox"))
    store.write(opened(kit, "thing-3"))
    store.write(opened(kit, "thing-4"))


def test_a_replacement_cannot_take_a_unique_value(store, kit):
    store.write(opened(kit, "thing-1", nickname="fox"))
    store.write(opened(kit, "thing-2", nickname="owl"))

    def work(tx):
        tx.log.append(kit.entry())
        tx.records(kit.Thing).replace(kit.thing("thing-2", nickname="fox"))

    with pytest.raises(Conflict):
        store.write(work)
    assert get(store, kit, "thing-2").nickname == "owl"


def test_stale_version_conflicts(store, kit):
    store.write(opened(kit))

    def replace(expected, version):
        def work(tx):
            tx.records(kit.Thing).replace(kit.thing(state="shut", version=version), expected_version=expected)
            tx.log.append(kit.entry())

        return work

    store.write(replace(1, 2))
    with pytest.raises(Conflict) as conflict:
        store.write(replace(1, 2))
    assert conflict.value.code == "version-stale"
    assert (get(store, kit).version, size(store, kit)) == (2, 2)


def test_replacing_what_is_not_there_is_not_found(store, kit):
    def work(tx):
        tx.log.append(kit.entry())
        tx.records(kit.Thing).replace(kit.thing())

    with pytest.raises(NotFound):
        store.write(work)
    assert size(store, kit) == 0


def test_find_and_page_by_columns(store, kit):
    for n in range(5):
        store.write(opened(kit, f"thing-{n}", state="open" if n % 2 else "shut", owner=f"p{n}", team=None))
    with_team = kit.thing("thing-5", team="checkout")
    store.write(lambda tx: (tx.records(kit.Thing).add(with_team), tx.log.append(kit.entry())))

    def look(tx):
        things = tx.records(kit.Thing)
        return {
            "shut": [each.id for each in things.find(state="shut")],
            "name": [each.id for each in things.find(name="p3")],
            "team": [each.id for each in things.find(team="checkout")],
            "none": [each.id for each in things.find(team=None, state="open")],
            "page": [each.id for each in things.page(Page(limit=2))],
            "next": [each.id for each in things.page(Page(after="thing-4", limit=2))],
            "rest": [each.id for each in things.page(Page(after="thing-1", limit=2), state="shut")],
        }

    assert store.read(look) == {
        "shut": ["thing-0", "thing-2", "thing-4"],
        "name": ["thing-3"],
        "team": ["thing-5"],
        "none": ["thing-1", "thing-3"],
        "page": ["thing-5", "thing-4"],
        "next": ["thing-3", "thing-2"],
        "rest": ["thing-0"],
    }


@pytest.mark.parametrize("where", [{"nonsense": "x"}, {"body": "x"}, {"seq": "1"}])
def test_unknown_columns_are_refused(store, kit, where):
    with pytest.raises(InvalidInput) as refusal:
        store.read(lambda tx: tx.records(kit.Thing).find(**where))
    assert refusal.value.code == "record-column"


@pytest.mark.parametrize("limit", [0, 201, -1])
def test_page_limits_are_kept(store, kit, limit):
    with pytest.raises(InvalidInput):
        store.read(lambda tx: tx.records(kit.Thing).page(Page(limit=limit)))


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x" * 1001])
def test_names_no_database_can_hold_are_refused(store, kit, name):
    with pytest.raises(InvalidInput):
        store.write(opened(kit, name))
    assert size(store, kit) == 0


@pytest.mark.parametrize("subject", ["a\x00b", "\ud800", "x" * 1001])
def test_subjects_no_database_can_hold_are_refused(store, kit, subject):
    with pytest.raises(InvalidInput):
        store.write(lambda tx: tx.log.append(kit.entry(subject=subject)))
    assert store.write(opened(kit)) == 0


def test_a_change_without_an_entry_is_refused(store, kit):
    for work in (
        lambda tx: tx.records(kit.Thing).add(kit.thing()),
        lambda tx: tx.put_blob(b"orphan"),
    ):
        with pytest.raises(IntegrityError) as refusal:
            store.write(work)
        assert refusal.value.code == "write-without-entry"
    with pytest.raises(NotFound):
        get(store, kit)
    assert store.write(opened(kit)) == 0, "the writer goes on"


def test_writing_while_reading_is_refused(store, kit):
    for work in (
        lambda tx: tx.records(kit.Thing).add(kit.thing()),
        lambda tx: tx.log.append(kit.entry()),
        lambda tx: tx.put_blob(b"x"),
    ):
        with pytest.raises(IntegrityError) as refusal:
            store.read(work)
        assert refusal.value.code == "write-while-reading"
    assert size(store, kit) == 0


def test_a_write_inside_a_write_is_refused(store, kit):
    with pytest.raises(IntegrityError) as refusal:
        store.write(lambda tx: store.write(opened(kit)))
    assert refusal.value.code == "write-nested"


def test_an_unregistered_class_is_refused(store, kit):
    with pytest.raises(IntegrityError):
        store.read(lambda tx: tx.records(kit.Owner))


def test_one_that_raises_leaves_no_trace_and_does_not_disturb_its_neighbours(store, kit):
    """Eight threads, each third piece of work failing after it has written."""

    class Oops(Exception):
        pass

    outcomes = {}

    def failing(name):
        def work(tx):
            opened(kit, name)(tx)
            raise Oops

        return work

    def submit(number):
        for turn in range(12):
            name = f"thing-{number}-{turn}"
            work = failing(name) if turn % 3 == 0 else opened(kit, name)
            try:
                outcomes[name] = store.write(work)
            except Oops:
                outcomes[name] = None

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = {name for name, index in outcomes.items() if index is not None}
    assert len(kept) == 8 * 8
    things = store.read(lambda tx: tx.records(kit.Thing).find())
    assert {each.id for each in things} == kept
    for name, index in outcomes.items():
        found = store.read(lambda tx, name=name: [at for at, _ in tx.log.entries(name)])
        assert found == ([] if index is None else [index])
    assert size(store, kit) == len(kept)


def test_each_sees_the_ones_before_it(store, kit):
    def work(tx):
        count = len(tx.log.entries("thing-1"))
        tx.log.append(kit.entry(count=count))
        return count, len(tx.log.entries("thing-1"))

    assert [store.write(work) for _ in range(4)] == [(n, n + 1) for n in range(4)]


def test_entries_come_back_as_they_were(store, kit):
    written = kit.entry(
        kind="thing.moved", text="ünïcode \u0000", number=2**53 - 1, deep={"list": [1, None, True]}
    )
    store.write(lambda tx: tx.log.append(written))
    assert store.read(lambda tx: tx.log.entries("thing-1")) == [(0, written)]


def test_blobs_are_kept_by_digest(store, kit):
    def work(tx):
        tx.log.append(kit.entry())
        return tx.put_blob(b"\x00\xff"), tx.put_blob(b"\x00\xff")

    digest, again = store.write(work)
    assert digest == again
    assert store.read(lambda tx: tx.blob(digest)) == b"\x00\xff"
    with pytest.raises(NotFound):
        store.read(lambda tx: tx.blob("sha256:" + "0" * 64))


def test_blobs_have_a_limit(store, kit):
    with pytest.raises(InvalidInput):
        store.write(lambda tx: tx.put_blob(bytes(32 * 1024 * 1024 + 1)))


def test_an_entry_has_a_limit(store, kit):
    with pytest.raises(InvalidInput) as refusal:
        store.write(lambda tx: tx.log.append(kit.entry(text="x" * 65_536)))
    assert refusal.value.code == "entry-too-large"
    assert store.write(opened(kit)) == 0


def test_every_entry_is_proved(store, kit):
    for n in range(5):
        store.write(opened(kit, f"thing-{n}"))
    store.write(lambda tx: [tx.log.append(kit.entry(n=n)) for n in range(600)])
    store.checkpoint()
    for index in (0, 4, 5, 255, 256, 511, 512, 604):
        shown = store.inclusion(index)
        leaf, proof = store.prove(index)
        assert shown["leaf"] == leaf.decode()
        again = ProofFile.parse(proof.text())
        assert again == proof
        assert again.verify(leaf, kit.SIGNER.verifier).size == 605
        with pytest.raises(InvalidInput):
            again.verify(leaf + b" ", kit.SIGNER.verifier)
    assert read_leaf(store.prove(604)[0]).body == {"n": 599}


def test_proof_beyond_the_log_is_refused(store, kit):
    store.write(opened(kit))
    for index in (1, -1, 2**70):
        with pytest.raises(InvalidInput) as refusal:
            store.inclusion(index)
        assert refusal.value.code == "index-beyond-tree"


def test_checkpoints_are_consistent_with_each_other(store, kit):
    notes = []
    for _ in range(12):
        store.write(lambda tx: [tx.log.append(kit.entry(n=n)) for n in range(37)])
        notes.append(open_checkpoint(store.checkpoint(), kit.SIGNER.verifier))
    assert [note.size for note in notes] == [37 * n for n in range(1, 13)]
    for old in notes:
        for new in notes:
            if old.size < new.size:
                proof = store.consistency(old.size, new.size)
                verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_a_store_opened_again_goes_on(opener, kit):
    first = opener()
    first.write(lambda tx: [tx.log.append(kit.entry(n=n)) for n in range(700)])
    first.write(opened(kit))
    before = first.checkpoint()
    first.close()
    second = opener()
    assert second.checkpoint() == before
    assert second.write(opened(kit, "thing-2")) == 701
    assert get(second, kit).id == "thing-1"


def test_another_key_is_refused(opener, kit):
    opener().close()
    with pytest.raises(InvalidInput) as refusal:
        opener(signer=NoteSigner(kit.SIGNER.name, bytes(32)))
    assert refusal.value.code == "log-key-mismatch"


def test_a_closed_store_refuses(store, kit):
    store.close()
    store.close()
    with pytest.raises(Conflict):
        store.write(opened(kit))


def test_two_stores_on_one_database_take_turns(opener, kit):
    stores = [opener(), opener()]
    seen = [stores[n % 2].write(opened(kit, f"thing-{n}")) for n in range(20)]
    assert seen == list(range(20))
    assert size(stores[0], kit) == size(stores[1], kit) == 20


def test_other_columns_rebuild_the_table(opener, kit):
    first = opener()
    first.write(opened(kit, "thing-1", team="checkout"))
    first.write(opened(kit, "thing-2"))
    first.close()
    fewer = type(kit.THINGS)(kind=kit.Thing, table="things", columns=("owner.team", "id_state"))
    with pytest.raises(AttributeError):
        opener(record_types=[fewer])
    changed = type(kit.THINGS)(kind=kit.Thing, table="things", columns=("owner.team",))
    second = opener(record_types=[changed])
    found = second.read(lambda tx: tx.records(kit.Thing).find(team="checkout"))
    assert [each.id for each in found] == ["thing-1"]
    second.write(opened(kit, "thing-3"))
    assert [each.id for each in second.read(lambda tx: tx.records(kit.Thing).find())] == [
        "thing-1",
        "thing-2",
        "thing-3",
    ]


def test_the_latest_time_of_any_entry_is_known(opener, kit):
    store = opener()
    assert store.read(lambda tx: tx.log.last_at()) is None
    early, late = kit.entry(), replace(kit.entry(), at=kit.entry().at + timedelta(days=1))

    def work(tx):
        tx.log.append(late)
        tx.log.append(early)
        return tx.log.last_at()

    assert store.write(work) == late.at

    def failing(tx):
        tx.log.append(replace(early, at=late.at + timedelta(days=9)))
        raise KeyError

    with pytest.raises(KeyError):
        store.write(failing)
    store.close()
    assert opener().read(lambda tx: tx.log.last_at()) == late.at
