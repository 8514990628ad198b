"""Records against the ledger: every row is what the newest entry naming it recorded, and every named row is there.

Rules:
1. Only the entries are believed. Which tables there are is asked of the entries and of the database both, so that
   neither a dropped table nor a forgotten one hides anything.
2. A row's JSON decides; its other columns are copies and must agree with it, or records are found wrongly.
3. Rows stand in the order in which the entries first named them: the newest row is what is in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic_core import from_json

from interlock.core.change.canonical import sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.entry import Entry, read_leaf
from interlock.core.ledger.told import differing, told
from interlock.storage import schema
from interlock.storage.ledger import as_bytes

_BATCH = 1_024
_OWN = ("seq", "id", "version", "body_digest", "body")
_PREFIX = "sha256:"
_PLACE = 8

Report = Callable[[str, str, int | None], None]
"""Called with the record (``table/id``), what is wrong with it in one line, and the entry that says so."""


class Mark(NamedTuple):
    """The first and the last entry naming a record, and the digest that the last one gives."""

    first: int
    last: int
    digest: str


class Named:
    """What the entries say of records, read oldest first; all of it in memory until compared.

    A record's mark is 48 bytes: the first and the last entry naming it, big-endian, and the SHA-256.
    """

    def __init__(self) -> None:
        self._marks: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._marks)

    def read(self, position: int, records: Mapping[str, str]) -> None:
        """Take over what the entry at ``position`` names.

        Raises:
            ValueError, TypeError, AttributeError: these are no digests of records.
        """
        place, marks = position.to_bytes(_PLACE, "big"), self._marks
        for name, digest in records.items():
            before = marks.get(name)
            first = place if before is None else before[:_PLACE]
            marks[name] = first + place + bytes.fromhex(digest[len(_PREFIX) :])

    def tables(self) -> set[str]:
        """The tables of all records that are named."""
        return {name.partition("/")[0] for name in self._marks}

    def take(self, name: str) -> bytes | None:
        """The mark of one record, once."""
        return self._marks.pop(name, None)

    def left(self) -> Iterator[tuple[str, int]]:
        """The records that were not taken, with the newest entry naming each."""
        for name, mark in self._marks.items():
            yield name, read_mark(mark).last


def read_mark(mark: bytes) -> Mark:
    """What a mark says."""
    first, last = int.from_bytes(mark[:_PLACE], "big"), int.from_bytes(mark[_PLACE : 2 * _PLACE], "big")
    return Mark(first, last, f"{_PREFIX}{mark[2 * _PLACE :].hex()}")


def compare(connection: sa.Connection, named: Named, report: Report) -> int:
    """Report every record that is not what the entries say; how many records were read."""
    shapes = _shapes(connection)
    inspector = sa.inspect(connection)
    count = 0
    for table in sorted({*shapes, *named.tables()}):
        if inspector.has_table(table):
            columns = [column["name"] for column in inspector.get_columns(table)]
            count += _Table(connection, table, columns, shapes.get(table), named, report).read()
    for name, entry in named.left():
        report(name, f"is gone: entry {entry} recorded it", entry)
    return count


def _shapes(connection: sa.Connection) -> dict[str, Mapping[str, Any]]:
    """The form of each record table as the database remembers it, empty where that is unreadable."""
    rows = connection.execute(sa.select(schema.record_shape.c.name, schema.record_shape.c.shape))
    return {str(row.name): _object(row.shape) for row in rows}


class _Table:
    """One table of records."""

    def __init__(
        self,
        connection: sa.Connection,
        name: str,
        columns: Sequence[str],
        shape: Mapping[str, Any] | None,
        named: Named,
        report: Report,
    ) -> None:
        self._connection = connection
        self._name = name
        self._columns = columns
        self._paths = _paths(shape or {})
        self._places = {name: place for place, name in enumerate(columns)}
        self._copies = [(self._places.get(name), name, *_steps(path)) for name, path in self._paths.items()]
        self._named = named
        self._report = report
        self._reached = b""

    def read(self) -> int:
        """Compare every row; how many there were."""
        strange = set(self._columns) ^ {*_OWN, *self._paths}
        if strange:
            self._report(self._name, f"is not the table it is said to be: column `{min(strange)[:60]}`", None)
        if not set(_OWN) <= set(self._columns):
            return 0
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in self._columns]
        statement = sa.select(*columns).select_from(sa.table(self._name)).order_by(sa.column("seq"))
        rows = self._connection.execute(statement, execution_options={"stream_results": True, "yield_per": _BATCH})
        record_id, body, said = (self._places[name] for name in ("id", "body", "body_digest"))
        count = 0
        for batch in rows.partitions(_BATCH):
            count += len(batch)
            for row in batch:
                self._row(row[record_id], row[body], row[said], row)
        return count

    def _row(self, record_id: object, stored: object, said: object, row: Sequence[Any]) -> None:
        name, body = f"{self._name}/{record_id}", as_bytes(stored)
        digest = sha256(body)
        mark = self._named.take(name)
        if mark is None:
            self._report(name, "is recorded by no entry", None)
            return
        first = mark[:_PLACE]
        if digest[len(_PREFIX) :] != mark[2 * _PLACE :].hex():
            wrong = self._what_differs(str(record_id), body, read_mark(mark))
        elif said != digest:
            wrong = "carries another digest than its own"
        else:
            wrong = self._wrong_copy(row, _object(body))
        if wrong:
            self._report(name, wrong, read_mark(mark).last)
        elif first < self._reached:
            entry = read_mark(mark).first
            self._report(name, f"stands behind younger ones: entry {entry} recorded it first", entry)
        self._reached = max(self._reached, first)

    def _wrong_copy(self, row: Sequence[Any], stored: Mapping[str, Any]) -> str:
        """The first column that does not follow from the JSON, empty when all do."""
        for place, column, first, more in self._copies:
            wanted: Any = stored.get(first)
            for step in more:
                wanted = wanted.get(step) if isinstance(wanted, dict) else None
            found = None if place is None else row[place]
            if found != wanted and (column == "version" or wanted is None or found != str(wanted)):
                return f"is filed wrongly: {column} is `{str(found)[:60]}`, its own JSON says otherwise"
        return ""

    def _what_differs(self, record_id: str, body: bytes, mark: Mark) -> str:
        known = told(self._entries_about(record_id, mark), self._name, record_id)
        words = differing({**_object(body)}, known)
        plain = f"is not what entry {mark.last} recorded"
        return f"{plain}: {'; '.join(words)}" if words else plain

    def _entries_about(self, record_id: str, mark: Mark) -> list[Entry]:
        """The entries naming this record, as far as their subjects lead to them."""
        columns = schema.entry.c
        subjects = sa.select(columns.subject).where(columns.position.in_([mark.first, mark.last]))
        about = sa.or_(columns.subject == record_id, columns.subject.in_(subjects))
        wanted = sa.select(columns.leaf).where(about, columns.position <= mark.last).order_by(columns.position)
        found = []
        for leaf in self._connection.execute(wanted).scalars():
            try:
                found.append(read_leaf(as_bytes(leaf)))
            except InvalidInput:
                return []
        return found


def _object(text: str | bytes) -> Mapping[str, Any]:
    try:
        value = from_json(text, cache_strings="keys")
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _steps(path: str) -> tuple[str, list[str]]:
    first, *more = path.split(".")
    return first, more


def _paths(shape: Mapping[str, Any]) -> dict[str, str]:
    """Column by column, where its value stands in the JSON."""
    columns = shape.get("columns", [])
    paths = {str(path).rsplit(".", 1)[-1]: str(path) for path in columns} if isinstance(columns, list) else {}
    if shape.get("version"):
        paths["version"] = str(shape["version"])
    return paths | {"id": str(shape.get("key", "id"))}
