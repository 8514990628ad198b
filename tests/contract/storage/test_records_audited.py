"""Whoever edits records behind the ledger's back is found by the audit, on every database."""

import json

import pytest
import sqlalchemy as sa

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import Conflict, IntegrityError
from interlock.storage.audit import audit
from interlock.storage.engine import connect
from interlock.storage.work import KEPT


@pytest.fixture
def kept(store, kit):
    """Three things, one of which moved on; the second has a nickname."""
    for number in range(1, 4):
        each = kit.thing(f"thing-{number}", nickname="two" if number == 2 else None)
        store.write(lambda tx, each=each: record(tx, kit, tx.records(kit.Thing).add, each))
    moved = kit.thing("thing-3", state="closed", version=2)
    store.write(lambda tx: record(tx, kit, tx.records(kit.Thing).replace, moved))
    store.checkpoint()
    return store


def record(tx, kit, write, thing):
    write(thing)
    tx.log.append(kit.entry(subject=thing.id))


def tamper(url, *statements, **values):
    engines = connect(url)
    with engines.writer.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), values)
    engines.dispose()


def edit(url, name, **changes):
    """Another JSON, with the digest and the columns that belong to it."""
    engines = connect(url)
    with engines.writer.begin() as connection:
        body = json.loads(
            connection.execute(sa.text("SELECT body FROM things WHERE id = :name"), {"name": name}).scalar()
        )
        text = canonical(body | changes)
        values = {"name": name, "body": text.decode(), "digest": sha256(text)}
        connection.execute(
            sa.text("UPDATE things SET body = :body, body_digest = :digest WHERE id = :name"), values
        )
        for column in changes.keys() & {"state", "nickname", "version"}:
            statement = sa.text(f"UPDATE things SET {column} = :value WHERE id = :name")
            connection.execute(statement, {"value": changes[column], "name": name})
    engines.dispose()


def found(url, kit):
    findings = audit(url, kit.SIGNER.verifier).findings
    assert {each.what for each in findings} <= {"record"}
    return [(each.record, each.entry, each.text) for each in findings]


def test_what_was_written_holds(kept, url, kit):
    report = audit(url, kit.SIGNER.verifier)
    assert (report.findings, report.records, report.size) == ((), 3, 4)


def test_an_older_form_is_not_what_was_recorded_last(kept, url, kit):
    edit(url, "thing-3", state="open", version=1)
    assert found(url, kit) == [("things/thing-3", 3, "things/thing-3 is not what entry 3 recorded")]


@pytest.mark.parametrize(
    "changes", [{"state": "x"}, {"nickname": None}, {"version": 7}, {"owner": {"name": "eve", "team": None}}]
)
def test_every_field_counts(kept, url, kit, changes):
    edit(url, "thing-2", **changes)
    assert found(url, kit) == [("things/thing-2", 1, "things/thing-2 is not what entry 1 recorded")]


def test_a_record_taken_away_is_named(kept, url, kit):
    tamper(url, "DELETE FROM things WHERE id = 'thing-1'")
    assert found(url, kit) == [("things/thing-1", 0, "things/thing-1 is gone: entry 0 recorded it")]


def test_a_whole_table_taken_away_is_named(kept, url, kit):
    tamper(url, "DROP TABLE things", "DELETE FROM record_shape")
    assert [name for name, _, _ in found(url, kit)] == ["things/thing-1", "things/thing-2", "things/thing-3"]


def test_a_record_that_nobody_wrote_is_named(kept, url, kit):
    columns = "version, state, name, team, nickname, opened_at, body_digest, body"
    tamper(
        url,
        f"INSERT INTO things (seq, id, {columns}) SELECT 9, 'thing-9', {columns} FROM things WHERE id = 'thing-1'",
    )
    assert found(url, kit) == [("things/thing-9", None, "things/thing-9 is recorded by no entry")]


@pytest.mark.parametrize(
    ("column", "value"),
    [("nickname", "three"), ("nickname", None), ("name", "eve"), ("version", 5), ("body_digest", "x")],
)
def test_a_copy_that_leads_astray_is_named(kept, url, kit, column, value):
    tamper(url, f"UPDATE things SET {column} = :value WHERE id = 'thing-2'", value=value)
    ((name, entry, text),) = found(url, kit)
    assert (name, entry) == ("things/thing-2", 1)
    assert (
        "carries another digest" in text if column == "body_digest" else f"is filed wrongly: {column} is" in text
    )


def test_columns_are_compared_although_the_shape_was_forged(kept, url, kit):
    tamper(url, "UPDATE record_shape SET shape = '{}'", "UPDATE things SET name = 'eve' WHERE id = 'thing-2'")
    assert [text for _, _, text in found(url, kit)] == ["things is not the table it is said to be: column `name`"]


def test_the_newest_is_what_came_last(kept, url, kit):
    tamper(url, "UPDATE things SET seq = 99 WHERE id = 'thing-1'")
    assert found(url, kit) == [
        ("things/thing-1", 0, "things/thing-1 stands behind younger ones: entry 0 recorded it first")
    ]


def test_each_record_is_named_once_by_the_entry_about_it(store, kit):
    def work(tx):
        things = tx.records(kit.Thing)
        for name in ("a", "b", "c"):
            things.add(kit.thing(name))
        for name in ("a", "b", "last"):
            tx.log.append(kit.entry(subject=name))
        things.replace(kit.thing("a", state="closed", version=2))

    store.write(work)
    said = store.read(lambda tx: {name: tx.log.entries(name) for name in ("a", "b", "c", "last")})
    closed = sha256(canonical(kit.thing("a", state="closed", version=2)))
    assert {name: [(at, entry.kind, entry.records) for at, entry in read] for name, read in said.items()} == {
        "a": [(0, "thing.opened", {"things/a": closed})],
        "b": [(1, "thing.opened", {"things/b": sha256(canonical(kit.thing("b")))})],
        "c": [(3, KEPT, {"things/c": sha256(canonical(kit.thing("c")))})],
        "last": [(2, "thing.opened", {})],
    }


def test_a_record_about_something_is_named_where_that_is_spoken_of(store, kit):
    def work(tx):
        tx.records(kit.Thing).add(kit.thing("a", owner="ben"))
        tx.log.append(kit.entry(subject="ben"))
        tx.log.append(kit.entry(subject="last"))

    store.write(work)
    assert list(store.read(lambda tx: tx.log.entries("ben"))[0][1].records) == ["things/a"]


def test_a_work_reads_the_entries_it_has_appended(store, kit):
    def work(tx):
        at = tx.log.append(kit.entry(subject="own"))
        tx.records(kit.Thing).add(kit.thing("a"))
        return at, tx.log.entries("own"), tx.log.last_at()

    at, read, last = store.write(work)
    assert (read, last) == ([(at, kit.entry(subject="own"))], kit.entry().at)


def test_more_records_than_an_entry_holds_are_named_by_entries_of_their_own(store, url, kit):
    def work(tx):
        for number in range(2_000):
            tx.records(kit.Thing).add(kit.thing(f"thing-{number}", owner="many"))
        tx.log.append(kit.entry(subject="many"))

    store.write(work)
    entries = [entry for _, entry in store.read(lambda tx: tx.log.entries("many"))]
    assert {entry.kind for entry in entries[1:]} == {KEPT}
    assert sum(len(entry.records) for entry in entries) == 2_000
    assert audit(url, kit.SIGNER.verifier).holds
    tamper(url, "UPDATE things SET body = '{}' WHERE id = 'thing-1999'")
    assert [name for name, _, _ in found(url, kit)] == ["things/thing-1999"]


def test_a_work_that_failed_names_nothing(kept, url, kit):
    with pytest.raises(Conflict):
        kept.write(lambda tx: record(tx, kit, tx.records(kit.Thing).add, kit.thing("thing-1", state="other")))
    kept.write(lambda tx: record(tx, kit, tx.records(kit.Thing).add, kit.thing("thing-4")))
    assert audit(url, kit.SIGNER.verifier).holds


def test_a_table_rebuilt_for_other_columns_is_still_what_was_written(kept, opener, url, kit):
    kept.close()
    opener(record_types=[kit.THINGS.__class__(kind=kit.Thing, table="things", columns=("state",))])
    report = audit(url, kit.SIGNER.verifier)
    assert (report.findings, report.records) == ((), 3)


def test_a_record_about_to_decide_is_what_the_newest_entry_says(kept, url, kit):
    def vouch(tx, *names, about="-"):
        tx.vouch(kit.Thing, names, about=about)

    kept.read(lambda tx: vouch(tx, "thing-1", "thing-2", "thing-3"))
    edit(url, "thing-3", state="open", version=1)
    kept.read(lambda tx: vouch(tx, "thing-1", "thing-2"))
    for look in (kept.read, kept.write):
        with pytest.raises(IntegrityError) as refusal:
            look(lambda tx: vouch(tx, "thing-1", "thing-3"))
        assert refusal.value.code == "record-unvouched"
        assert "thing-3" in refusal.value.message


def test_what_a_work_wrote_itself_needs_no_entry_yet(kept, kit):
    def work(tx):
        tx.records(kit.Thing).replace(kit.thing("thing-1", state="closed", version=2))
        tx.vouch(kit.Thing, ["thing-1", "thing-2"], about="-")
        tx.log.append(kit.entry(subject="thing-1"))

    kept.write(work)
    kept.read(lambda tx: tx.vouch(kit.Thing, ["thing-1"], about="-"))


def test_a_record_is_vouched_for_by_what_speaks_of_it(store, kit):
    def work(tx):
        tx.records(kit.Thing).add(kit.thing("a", owner="ben"))
        tx.log.append(kit.entry(subject="ben"))

    store.write(work)
    store.read(lambda tx: tx.vouch(kit.Thing, ["a"], about="ben"))
    with pytest.raises(IntegrityError):
        store.read(lambda tx: tx.vouch(kit.Thing, ["a"], about="ana"))


def test_all_that_entries_name_must_be_there_where_that_is_asked(kept, url, kit):
    def work(tx):
        tx.records(kit.Thing).add(kit.thing("a", owner="ben"))
        tx.vouch(kit.Thing, [], about="ben", whole=True)
        tx.log.append(kit.entry(subject="ben"))

    def look(*names, about="ben"):
        kept.read(lambda tx: tx.vouch(kit.Thing, names, about=about, whole=True))

    kept.write(work)
    look("a")
    look(about="nobody")
    with pytest.raises(IntegrityError) as refusal:
        look()
    assert refusal.value.code == "record-unvouched"
    assert "`a` of things" in refusal.value.message
