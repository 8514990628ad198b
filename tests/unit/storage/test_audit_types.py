"""SQLite keeps a value of any type in any column; the audit reads what it is given and says what is wrong."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from interlock.core.ledger.entry import Entry
from interlock.core.ledger.note import NoteSigner
from interlock.storage import open_store
from interlock.storage.audit import audit
from interlock.storage.engine import connect

SIGNER = NoteSigner("ledger.example/types", bytes(range(32)))
NOW = datetime(2026, 3, 5, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'interlock.db'}"
    store = open_store(url, signer=SIGNER, clock=Clock(), record_types=[])
    entries = [Entry(kind="a.b", subject=f"s{n}", actor="ana", at=NOW, body={}) for n in range(3)]
    store.write(lambda tx: [tx.log.append(entry) for entry in entries])
    store.checkpoint()
    store.close()
    return url


def tamper(url, statement):
    engines = connect(url)
    with engines.writer.begin() as connection:
        connection.execute(sa.text(statement))
    engines.dispose()


@pytest.mark.parametrize("value", ["'text'", "7", "x'00'"])
@pytest.mark.parametrize("column", ["leaf", "hash"])
def test_a_value_of_another_type_is_a_changed_entry(url, column, value):
    tamper(url, f"UPDATE ledger_entry SET {column} = {value} WHERE position = 1")
    first, *_ = audit(url, SIGNER.verifier).findings
    assert (first.what, first.entry) == ("entry", 1)


def test_the_same_bytes_as_text_are_the_same_entry(url):
    tamper(url, "UPDATE ledger_entry SET leaf = CAST(leaf AS TEXT) WHERE position = 1")
    assert audit(url, SIGNER.verifier).holds
