"""Flipped bits in the database file: what is covered never changes unseen."""

import random
import shutil

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
