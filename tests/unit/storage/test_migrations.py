"""A database of the first schema is brought to the present one without losing a word."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from interlock.core.change.canonical import canonical, plain, sha256
from interlock.core.change.change import Change, ChangeRecord, ChangeState
from interlock.core.change.errors import IntegrityError
from interlock.road import decide, intake
from interlock.testing.road import CountingIds, Road, submission


@dataclass
class FirstSchema:
    """A road whose database was put back to the form of schema 0001, with the submissions inside the records."""

    road: Road
    changes: list[Change]

    @property
    def path(self) -> str:
        return self.road.database.removeprefix("sqlite:///")

    def put_back(self) -> None:
        self.road.station.store.close()
        with closing(sqlite3.connect(self.path)) as connection:
            for name, body in connection.execute("SELECT id, body FROM changes").fetchall():
                record = json.loads(body)
                blob = record.pop("blob")
                del record["parts"]
                (content,) = connection.execute("SELECT content FROM blob WHERE digest = ?", (blob,)).fetchone()
                text = canonical(record | {"submission": json.loads(content)})
                connection.execute(
                    "UPDATE changes SET body = ?, body_digest = ? WHERE id = ?",
                    (text.decode(), sha256(text), name),
                )
            # One submission is no blob at all, as if it had been pruned: the record is its only copy.
            connection.execute(
                "DELETE FROM blob WHERE digest = ?", (sha256(canonical(self.changes[0].submission)),)
            )
            connection.execute("DROP TABLE changes_in_flight")
            connection.execute("DROP TABLE changes_asked")
            shape = {"columns": ["state", "digest"], "key": "id", "unique": [], "version": "version"}
            connection.execute(
                "UPDATE record_shape SET shape = ? WHERE name = 'changes'", (canonical(shape).decode(),)
            )
            connection.execute("UPDATE alembic_version SET version_num = '0001'")
            connection.commit()


@pytest.fixture
def old(tmp_path: Path) -> FirstSchema:
    road = Road(folder=tmp_path, enforced=())
    changes = [road.open(submission(name)) for name in ("a", "b", "c")]
    intake.withdraw(road.station, road.person("omar"), changes[2].id)
    made = FirstSchema(road=road, changes=changes)
    made.put_back()
    return made


def test_submissions_become_blobs_under_the_digest_the_ledger_knows(old: FirstSchema) -> None:
    station = old.road.another_server(CountingIds())
    ana = old.road.person("ana")
    for change in old.changes[:2]:
        judged = decide.judge(station, ana, change.id, "production")
        assert judged.change.submission == change.submission
        kept = station.store.read(lambda tx, name=change.id: tx.records(ChangeRecord).get(name))
        (entry,) = [entry for _, entry in station.store.read(lambda tx, name=change.id: tx.log.entries(name))]
        assert kept.blob == entry.body["submission"]
        assert plain(kept.reviewers) == plain(change.reviewers)
    index = station.store.read(lambda tx: tx.index(ChangeRecord).carriers("in_flight", ["order-service"]))
    assert index == sorted(change.id for change in old.changes[:2])
    assert intake.show(station, ana, old.changes[2].id).state is ChangeState.WITHDRAWN
    station.store.close()


def test_a_damaged_record_is_left_for_the_start_to_refuse(old: FirstSchema) -> None:
    with closing(sqlite3.connect(old.path)) as connection:
        connection.execute("UPDATE changes SET body = replace(body, 'Promise', 'Promises')")
        connection.commit()
    with pytest.raises(IntegrityError) as refused:
        old.road.another_server(CountingIds())
    assert refused.value.code == "record-damaged"
