"""An older state is carried on where that is honest, and else refused before anything is touched."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.note import NoteSigner
from interlock.storage import open_store, schema
from interlock.storage.audit import audit
from interlock.storage.kinds import RECORD_TYPES
from interlock.storage.look import look
from interlock.testing.road import CountingIds, Road, submission


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A road with three changes, whose store is closed."""
    made = Road(folder=tmp_path, enforced=())
    for name in ("a", "b", "c"):
        made.open(submission(name))
    made.station.store.close()
    return made


def forget(connection: sqlite3.Connection, revision: str) -> None:
    """Take away what came after ``revision``."""
    connection.execute("DROP TABLE pushed_count")
    if revision < "0004":
        connection.execute("DROP TABLE lease")
    if revision < "0003":
        connection.execute("ALTER TABLE ledger_log DROP COLUMN ticket_vkey")
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def put_back(road: Road, revision: str) -> Path:
    path = Path(road.database.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection:
        forget(connection, revision)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.mark.parametrize("revision", ["0002", "0003", "0004"])
def test_a_state_of_a_schema_before_is_carried_on_and_still_verifies(road: Road, revision: str) -> None:
    put_back(road, revision)
    store = road.another_server(CountingIds()).store
    verifier = store.verifier
    assert store.leases.claim("anybody", seconds=1) == ()
    store.close()
    assert look(road.database).revision == schema.REVISION
    assert audit(road.database, verifier).holds


def test_a_state_whose_records_cannot_be_carried_on_is_refused_in_one_line_and_stays(road: Road) -> None:
    path = put_back(road, "0001")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(InvalidInput) as refused:
        road.another_server(CountingIds())
    assert refused.value.code == "state-older"
    assert "upgrade.md" in refused.value.hint
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_an_old_database_without_entries_is_brought_up(tmp_path: Path, road: Road) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    signer = NoteSigner("ledger.example/old", bytes(32))
    open_store(url, signer=signer, clock=road.clock, record_types=RECORD_TYPES).close()
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        forget(connection, "0001")
        connection.commit()
    open_store(url, signer=signer, clock=road.clock, record_types=RECORD_TYPES).close()
    assert look(url).revision == schema.REVISION


def test_a_newer_state_is_refused(road: Road) -> None:
    put_back(road, "9999")
    with pytest.raises(InvalidInput) as refused:
        road.another_server(CountingIds())
    assert refused.value.code == "schema-newer"


def test_records_of_a_log_that_named_none_are_one_finding_that_says_why(road: Road) -> None:
    """Every record of such a log used to be called recorded by no entry, as if somebody had written them in."""
    key = NoteSigner("ledger.example/plain", bytes(32))
    url = road.database.replace("state.db", "plain.db")
    store = open_store(url, signer=key, clock=road.clock, record_types=RECORD_TYPES)
    store.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("ATTACH ? AS other", (road.database.removeprefix("sqlite:///"),))
        connection.execute("INSERT INTO changes SELECT * FROM other.changes")
        connection.commit()
    report = audit(url, key.verifier)
    assert [finding.what for finding in report.findings] == ["record"]
    assert "3 records are covered by no entry" in report.findings[0].text
