"""Side tables: records found by an attribute that holds several words, one row for each word.

Rules:
1. Like columns, these rows are copies, computed from the record at each write and rebuilt from its JSON. A record
   that stops carrying a word (a change that is off the road) leaves no row behind.
2. A lookup reads these rows and no record, so it costs what it finds, not what is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from typing import Any, Protocol, cast

import sqlalchemy as sa

from interlock.core.change.errors import InvalidInput
from interlock.storage.session import Session, lookup_value

_ASKED_AT_ONCE = 500
"""Words in one statement, far below what any database takes."""


class Side:
    """The words at one attribute path of a record class."""

    def __init__(self, name: str, path: str) -> None:
        self.path = path
        self.table = sa.Table(
            name,
            sa.MetaData(),
            sa.Column("value", sa.Text, primary_key=True),
            sa.Column("record", sa.Text, primary_key=True),
            sa.Index(f"{name}_record", "record"),
            sqlite_with_rowid=False,
        )
        columns = self.table.c
        asked = columns.value.in_(sa.bindparam("values", expanding=True))
        self.carriers = sa.select(columns.record).where(asked).distinct()
        others = sa.select(columns.value, sa.func.count().label("times")).where(
            columns.record != sa.bindparam("besides")
        )
        self.counts = others.group_by(columns.value)
        self._forget = sa.delete(self.table).where(columns.record == sa.bindparam("key"))

    def rows(self, record_id: object, record: object) -> list[dict[str, object]]:
        """One row for each different word of ``record``.

        Raises:
            InvalidInput: ``lookup-value`` for a word that cannot be looked up.
        """
        words: Any = reduce(getattr, self.path.split("."), cast("Any", record))
        return [{"value": lookup_value(self.path, word), "record": record_id} for word in sorted(set(words))]

    def add(self, session: Session, record_id: str, record: object) -> None:
        """Keep the words of a new record."""
        for row in self.rows(record_id, record):
            session.add_record(self.table, record_id, row)

    def replace(self, session: Session, record_id: str, record: object) -> None:
        """Keep the words of a record's new form instead of those it had."""
        session.settle(self.table)
        session.update(self._forget, {"key": record_id})
        self.add(session, record_id, record)


class _Sided(Protocol):
    @property
    def table(self) -> sa.Table: ...

    @property
    def columns(self) -> Mapping[str, str]: ...

    @property
    def sides(self) -> Mapping[str, Side]: ...


class SqlIndex:
    """The columns and side tables of one record class inside one transaction."""

    def __init__(self, shelf: _Sided, session: Session) -> None:
        self._table, self._columns, self._sides = shelf.table, shelf.columns, shelf.sides
        self._session = session

    def ids(self, column: str, values: Collection[str]) -> Sequence[str]:
        """Ids of the records whose ``column`` is one of ``values``, oldest first."""
        if column not in self._columns:
            raise _unknown(column, self._columns, what="a column of one value")
        self._session.settle(self._table)
        columns = self._table.c
        asked = columns[column].in_(sorted({lookup_value(column, value) for value in values}))
        rows = self._session.read(sa.select(columns.id).where(asked).order_by(columns.seq))
        return [str(row.id) for row in rows]

    def carriers(self, column: str, values: Collection[str]) -> Sequence[str]:
        """Ids of the records that carry one of ``values``, each once, sorted."""
        side, found = self._side(column), set[str]()
        for words in _batches(sorted({lookup_value(column, value) for value in values})):
            found.update(row.record for row in self._session.read(side.carriers, {"values": words}))
        return sorted(found)

    def counts(self, column: str, *, besides: str) -> Mapping[str, int]:
        """How many records carry each value, the record ``besides`` left out."""
        rows = self._session.read(self._side(column).counts, {"besides": besides})
        return {row.value: row.times for row in rows}

    def _side(self, column: str) -> Side:
        side = self._sides.get(column)
        if side is None:
            raise _unknown(column, self._sides, what="a column of several values")
        self._session.settle(side.table)
        return side


def _unknown(column: str, known: Collection[str], *, what: str) -> InvalidInput:
    return InvalidInput(
        f"expected {what}, got `{column}`",
        code="record-column",
        hint=f"one of: {', '.join(known) or 'none'}",
    )


def _batches(words: Sequence[str]) -> list[Sequence[str]]:
    return [words[start : start + _ASKED_AT_ONCE] for start in range(0, len(words), _ASKED_AT_ONCE)]
