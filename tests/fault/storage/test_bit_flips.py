"""Flipped bits in the database file: what is covered never changes unseen."""

import random
import shutil
import sqlite3

import pytest
import sqlalchemy as sa

from interlock.core.change.errors import InterlockError
from interlock.storage import schema
from interlock.storage.audit import audit
from interlock.storage.engine import connect

FLIPS = 150
ENTRIES = 600


@pytest.fixture(scope="module")
def good(appender, tmp_path_factory):
    """A closed database of 600 entries and its content."""
    file = tmp_path_factory.mktemp("flips") / "good.db"
    store = appender.open_it(f"sqlite:///{file}")
    for number in range(20):
        store.write(appender.bump(0, 0, number))
    entry = appender.Entry
    store.write(
        lambda tx: [
            tx.log.append(entry(kind="a.b", subject=f"s-{n}", actor="ana", at=appender.START, body={"n": n}))
            for n in range(20, ENTRIES)
        ]
    )
    store.close()
    return file


def content(file, appender):
    """All that is covered: entries in order, records, key, checkpoints."""
    engines = connect(f"sqlite:///{file}", create=False)
    try:
        with engines.reader.begin() as connection:
            return [
                connection.execute(sa.select(table).order_by(*table.primary_key)).all()
                for table in (schema.entry, schema.tile, schema.head, schema.checkpoint, schema.log)
            ]
    finally:
        engines.dispose()


def seen(file, appender):
    """Whether opening, reading the records or the audit notices anything."""
    url = f"sqlite:///{file}"
    try:
        report = audit(url, appender.SIGNER.verifier)
        store = appender.open_it(url)
        try:
            counters = store.read(lambda tx: tx.records(appender.Counter).find())
            entries = store.read(lambda tx: [len(tx.log.entries(each.id)) for each in counters])
        finally:
            store.close()
    except InterlockError:
        return True
    return bool(report.findings) or [each.value for each in counters] != entries or not counters


@pytest.mark.soak
def test_every_flip_is_seen_or_changes_nothing(good, appender, tmp_path):
    chance = random.Random(20260305)
    original = content(good, appender)
    size = good.stat().st_size
    noticed = 0
    for turn in range(FLIPS):
        file = tmp_path / "flipped.db"
        shutil.copyfile(good, file)
        at, bit = chance.randrange(size), chance.randrange(8)
        with file.open("r+b") as damaged:
            damaged.seek(at)
            byte = damaged.read(1)[0]
            damaged.seek(at)
            damaged.write(bytes([byte ^ 1 << bit]))
        if seen(file, appender):
            noticed += 1
        else:
            assert content(file, appender) == original, f"flip {turn} of bit {bit} at {at} changed the log unseen"
        for rest in tmp_path.glob("flipped.db*"):
            rest.unlink()
    assert noticed > FLIPS // 3, "hardly any flip met anything: the test looks at the wrong bytes"


def test_a_row_edited_behind_our_back_is_named(good, appender, tmp_path):
    file = tmp_path / "edited.db"
    shutil.copyfile(good, file)
    engines = connect(f"sqlite:///{file}")
    with engines.writer.begin() as connection:
        row = connection.execute(sa.select(schema.entry.c.leaf).where(schema.entry.c.position == 321)).scalar()
        connection.execute(
            sa.update(schema.entry).where(schema.entry.c.position == 321), {"leaf": row.replace(b"ana", b"eve")}
        )
    engines.dispose()
    report = audit(f"sqlite:///{file}", appender.SIGNER.verifier)
    assert (report.findings[0].entry, report.findings[0].what) == (321, "entry")
    assert not report.holds


def test_the_newest_rows_are_checked_before_anything_is_signed(good, appender, tmp_path):
    """A leaf changed between its commit and its checkpoint stops the writer."""
    file = tmp_path / "unsigned.db"
    shutil.copyfile(good, file)
    engines = connect(f"sqlite:///{file}")
    with engines.writer.begin() as connection:
        connection.execute(
            sa.update(schema.entry).where(schema.entry.c.position == ENTRIES - 1), {"leaf": b'{"forged":true}'}
        )
    engines.dispose()
    with pytest.raises(InterlockError) as refusal:
        appender.open_it(f"sqlite:///{file}")
    assert refusal.value.code == "ledger-damaged"
    assert f"entry {ENTRIES - 1}" in refusal.value.message


EDITS = [
    "UPDATE ledger_entry SET leaf = replace(leaf, 'test', 'tset') WHERE position = 5",
    "UPDATE ledger_entry SET leaf = 7 WHERE position = 5",
    "UPDATE ledger_entry SET leaf = x'ff', hash = x'00' WHERE position = 5",
    "UPDATE ledger_entry SET hash = 'text' WHERE position = 5",
    "UPDATE ledger_entry SET subject = 'somebody' WHERE position = 5",
    "UPDATE ledger_entry SET subject = x'ff00' WHERE position = 5",
    "DELETE FROM ledger_entry WHERE position = 599",
    "DELETE FROM ledger_entry WHERE position = 0",
    "INSERT INTO ledger_entry VALUES (600, 's', x'7b7d', x'00')",
    "INSERT INTO ledger_entry VALUES (-1, 's', x'7b7d', x'00')",
    "UPDATE ledger_tile SET hashes = 'text' WHERE level = 0 AND number = 1",
    "UPDATE ledger_tile SET number = 9 WHERE level = 0 AND number = 1",
    "DELETE FROM ledger_tile WHERE level = 1",
    "INSERT INTO ledger_tile VALUES (3, 0, x'00')",
    "UPDATE ledger_head SET size = 599",
    "UPDATE ledger_head SET size = 'many'",
    "UPDATE ledger_head SET root = 'text'",
    "UPDATE ledger_head SET latest = '2020-01-01T00:00:00.000Z'",
    "UPDATE ledger_head SET latest = 'yesterday'",
    "UPDATE ledger_head SET latest = 12",
    "DELETE FROM ledger_head",
    "INSERT INTO ledger_head VALUES (2, 0, x'00', NULL)",
    "UPDATE ledger_checkpoint SET note = 'no note'",
    "UPDATE ledger_checkpoint SET note = x'ff'",
    # 599 lies within the last write, so no checkpoint has it; any size before that write may have been signed.
    "UPDATE ledger_checkpoint SET size = 599 WHERE size = 600",
    "UPDATE ledger_log SET vkey = 'other'",
    "DROP TABLE ledger_tile",
]


@pytest.mark.parametrize("statement", EDITS)
def test_any_edit_with_a_database_shell_is_seen(good, appender, tmp_path, statement):
    file = tmp_path / "edited.db"
    shutil.copyfile(good, file)
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()
    try:
        report = audit(f"sqlite:///{file}", appender.SIGNER.verifier)
    except InterlockError as error:
        code = error.code
    else:
        code = report.findings[0].what
    assert code in {"entry", "tile", "head", "history", "checkpoint", "key", "database-damaged", "ledger-missing"}
