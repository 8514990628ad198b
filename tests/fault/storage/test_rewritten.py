"""Whoever owns the database rewrites an entry, recomputes all that is public, and drops what contradicts it."""

import pytest
import sqlalchemy as sa

from interlock.core.change.errors import IntegrityError
from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.ledger.tree import Tree
from interlock.storage import open_store, schema
from interlock.storage.audit import audit
from interlock.storage.engine import connect
from interlock.storage.ledger import keep_growth
from interlock.storage.memory import Memory
from interlock.storage.session import Session


def forge(url, at, *, keep):
    """Entry ``at`` says something else; leaves, tiles and head follow; checkpoints beyond ``keep`` are gone."""
    engines = connect(url)
    with engines.writer.begin() as connection:
        session = Session(connection, writable=True)
        entry = schema.entry.c
        leaf = connection.execute(sa.select(entry.leaf).where(entry.position == at)).scalar()
        other = leaf.replace(b'"test"', b'"evil"')
        assert other != leaf
        connection.execute(
            sa.update(schema.entry).where(entry.position == at), {"leaf": other, "hash": hash_leaf(other)}
        )
        leaves = connection.execute(sa.select(entry.leaf).order_by(entry.position)).scalars().all()
        tree = Tree()
        tree.extend(map(hash_leaf, leaves))
        latest = connection.execute(sa.select(schema.head.c.latest)).scalar()
        keep_growth(session, Tree(), tree, latest)
        connection.execute(sa.delete(schema.checkpoint).where(schema.checkpoint.c.size > keep))
    engines.dispose()


def filled(appender, url, count, memory=None):
    """A closed log of ``count`` entries, signed a few times on the way; its last checkpoint."""
    given = {"signer": appender.SIGNER, "clock": appender.FixedClock(), "record_types": [appender.COUNTERS]}
    store = open_store(url, memory=memory, **given)
    for number in range(count):
        store.write(appender.bump(0, 0, number))
        if number % 100 == 99:
            store.checkpoint()
    note = store.checkpoint()
    store.close()
    return note


@pytest.mark.parametrize(("count", "keep", "text"), [(13, -1, "13 entries, none signed"), (300, 255, "unsigned")])
def test_a_head_that_nobody_signed_is_refused(appender, url, count, keep, text):
    filled(appender, url, count)
    assert audit(url, appender.SIGNER.verifier).holds
    forge(url, count - 1, keep=keep)
    report = audit(url, appender.SIGNER.verifier, patience=0)
    assert [each.what for each in report.findings] == ["unsigned"]
    assert text in report.findings[0].text
    assert 0 < report.unsigned <= count


def test_a_log_without_a_checkpoint_is_never_signed(appender, url):
    filled(appender, url, 13)
    forge(url, 12, keep=-1)
    with pytest.raises(IntegrityError) as refusal:
        appender.open_it(url)
    assert refusal.value.code == "ledger-damaged"
    assert "13 entries and no checkpoint" in refusal.value.message
    assert not audit(url, appender.SIGNER.verifier, patience=0).holds


def test_what_was_signed_last_is_remembered_outside_the_database(appender, url, tmp_path):
    memory = Memory(tmp_path / "keys" / "ledger.signed")
    memory.path.parent.mkdir()
    note = filled(appender, url, 300, memory)
    assert memory.path.read_text() == note
    assert [each.name for each in memory.path.parent.iterdir()] == ["ledger.signed"]
    given = {"signer": appender.SIGNER, "clock": appender.FixedClock(), "record_types": [appender.COUNTERS]}
    open_store(url, memory=memory, **given).close()
    forge(url, 299, keep=255)
    with pytest.raises(IntegrityError) as refusal:
        open_store(url, memory=memory, **given)
    assert "signed last is gone" in refusal.value.message
    known = open_checkpoint(note, appender.SIGNER.verifier)
    assert "history" in [each.what for each in audit(url, appender.SIGNER.verifier, [known], patience=0).findings]


def test_an_emptied_database_is_not_begun_again_with_the_same_key(appender, tmp_path):
    memory = Memory(tmp_path / "ledger.signed")
    filled(appender, f"sqlite:///{tmp_path / 'first.db'}", 3, memory)
    with pytest.raises(IntegrityError) as refusal:
        filled(appender, f"sqlite:///{tmp_path / 'second.db'}", 3, memory)
    assert refusal.value.code == "ledger-damaged"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff"])
def test_a_memory_that_says_something_else_refuses_the_start(appender, tmp_path, content):
    memory = Memory(tmp_path / "ledger.signed")
    memory.path.write_bytes(content)
    with pytest.raises(IntegrityError) as refusal:
        filled(appender, f"sqlite:///{tmp_path / 'log.db'}", 1, memory)
    assert refusal.value.code == "signed-unreadable"


def test_a_memory_that_cannot_be_kept_stops_nothing(appender, tmp_path):
    url = f"sqlite:///{tmp_path / 'log.db'}"
    filled(appender, url, 3, Memory(tmp_path / "nowhere" / "ledger.signed"))
    assert audit(url, appender.SIGNER.verifier).signed == 3


def test_what_a_running_server_has_yet_to_sign_is_waited_for(appender, url):
    store = appender.open_it(url)
    for number in range(20):
        store.write(appender.bump(0, 0, number))
        report = audit(url, appender.SIGNER.verifier)
        assert report.holds
        assert report.unsigned == 0
    store.close()
