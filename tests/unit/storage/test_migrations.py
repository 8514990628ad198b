"""A database of the first schema, whose changes hold their submissions, is not carried on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.change import Change
from interlock.core.change.errors import InvalidInput
from interlock.road import intake
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


def test_a_road_of_the_first_schema_is_refused_and_left_as_it_is(old: FirstSchema) -> None:
    """No entry would name the records' new form (ADR 0011), so nothing is moved and nothing is lost."""

    def stored() -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(old.path)) as connection:
            return [
                *connection.execute("SELECT id, body_digest, body FROM changes"),
                *connection.execute("SELECT version_num FROM alembic_version"),
                *connection.execute("SELECT digest FROM blob ORDER BY digest"),
            ]

    before = stored()
    with pytest.raises(InvalidInput) as refused:
        old.road.another_server(CountingIds())
    assert refused.value.code == "state-older"
    assert stored() == before
    assert ("0001",) in before
