"""One open transaction: statements with their errors translated, and what they did to it.

Rules:
1. ``changed`` says that something was written, ``broken`` that the transaction cannot go on. ``failed`` keeps the
   error of a statement even where the work swallowed it: PostgreSQL answers the commit of a failed transaction
   without an error and commits nothing.
2. A reading session refuses to write before the database has to.
3. Record writes may be put off and made in bulk, which is what makes a group cheaper than its pieces. Whoever
   reads a record sees every write before it.
4. ``changed`` is set when a write is asked for, not when it is made: one that was put off is often made while a
   neighbour reads, who changed nothing.
5. ``written`` keeps the newest row of every record that was written, until somebody takes it: the ledger names
   them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from interlock.core.change.errors import Conflict, IntegrityError, InterlockError, InvalidInput
from interlock.storage.dialect import insert_into, postgresql
from interlock.storage.engine import translate

MAX_LOOKUP_BYTES = 1_000


def lookup_value(name: str, text: str) -> str:
    """``text``, once it is known to fit an indexed column of every database.

    Raises:
        InvalidInput: ``lookup-value`` for NUL, lone surrogates or more than 1,000 bytes.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = MAX_LOOKUP_BYTES + 1
    if "\x00" in text or size > MAX_LOOKUP_BYTES:
        raise InvalidInput(
            f"expected `{name}` of at most {MAX_LOOKUP_BYTES} bytes of plain Unicode, got `{text[:40]!a}`",
            code="lookup-value",
            hint="shorten it, or take the odd characters out",
        )
    return text


class OutOfStep(Exception):
    """A write that was put off met another state than it expected; the group must be run again, step by step."""


class Session:
    """Statements on one connection inside one transaction.

    ``eager`` makes every write at once and reports what it met. Otherwise record writes are put off until somebody
    reads what they touch, and made in bulk; one that fails then raises ``OutOfStep``.
    """

    def __init__(self, connection: sa.Connection, *, writable: bool, eager: bool = True) -> None:
        self._connection = connection
        self._writable = writable
        self._eager = eager
        self._sqlite = connection.dialect.name == "sqlite"
        self._later: dict[sa.Table, list[_Write]] = {}
        self.changed = False
        self.broken = False
        self.failed: Exception | None = None
        self.written: dict[tuple[str, str], Mapping[str, object]] = {}
        """Values by table and id of the record."""

    def read(
        self, statement: sa.Select[Any] | sa.CompoundSelect[Any], values: Mapping[str, object] | None = None
    ) -> sa.CursorResult[Any]:
        """Rows of a query. Of record tables, use ``settle`` first."""
        return self._execute(statement, values)

    def lock(self, statement: sa.Select[Any], values: Mapping[str, object]) -> sa.CursorResult[Any]:
        """Rows of a query that locks what it finds, as only a writing session may; changes nothing."""
        self._refuse_if_reading()
        return self._execute(statement, values)

    def settle(self, table: sa.Table | None = None, key: str | None = None) -> None:
        """Make the writes that were put off: all, those of one table, or those only if they touch one record."""
        for each in [table] if table is not None else list(self._later):
            writes = self._later.get(each, [])
            if key is None or any(write.key == key for write in writes):
                self._later.pop(each, None)
                self._make(writes)

    def insert(self, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Add rows that must not exist, which whoever asked for them has announced (rule 4)."""
        self._refuse_if_reading()
        if self._sqlite:
            self._execute(table.insert(), rows)
            return
        # One statement with an array for each column: a tenth of the time of a statement for each row.
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        arrays = [sa.bindparam(name, type_=postgresql().ARRAY(table.c[name].type)) for name in columns]
        source = sa.select(sa.text("*")).select_from(sa.func.unnest(*arrays).alias("added"))
        self._execute(table.insert().from_select(list(columns), source), columns)

    def insert_new(self, table: sa.Table, row: Mapping[str, object]) -> bool:
        """Add a row unless an id or a unique value of it is taken; whether it was added."""
        self.announce_write()
        return self._execute(self._insert_new(table), row).rowcount == 1

    def add_record(self, table: sa.Table, key: str, row: Mapping[str, object]) -> bool:
        """Like ``insert_new``; when the write is put off it is taken to succeed."""
        self.announce_write()
        return self._noted(table, key, row, made=self._soon(_Write(table, key, self._insert_new(table), row)))

    def change_record(
        self, table: sa.Table, key: str, statement: sa.Update, values: Mapping[str, object], *, unique: bool
    ) -> bool:
        """Change one record; False when there is none that fits, ``Conflict`` when a unique value is in use."""
        self.announce_write()
        write = _Write(table, key, statement, values)
        if not unique or not self._eager:
            return self._noted(table, key, values, made=self._soon(write))
        try:
            with self._connection.begin_nested():
                made = self._connection.execute(statement, values).rowcount
            return self._noted(table, key, values, made=made)
        except sa.exc.IntegrityError as error:
            raise taken(table.name, key) from error
        except sa.exc.DBAPIError as error:
            raise self._failure(error) from error

    def upsert(self, table: sa.Table, row: Mapping[str, object]) -> None:
        """Add a row, or overwrite the one with its primary key."""
        self.announce_write()
        keys = [column.name for column in table.primary_key]
        statement = insert_into(table, on_sqlite=self._sqlite)
        changes = {name: statement.excluded[name] for name in row if name not in keys}
        self._execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), row)

    def update(self, statement: sa.Update | sa.Delete, values: Mapping[str, object]) -> int:
        """Change rows and return how many."""
        self.announce_write()
        return self._execute(statement, values).rowcount

    def announce_write(self) -> None:
        """Note a change that is about to be made; refuses in a reading session."""
        self._refuse_if_reading()
        self.changed = True

    def _noted(self, table: sa.Table, key: str, values: Mapping[str, object], *, made: int) -> bool:
        # Rows without a digest are copies of what a record says, like its columns.
        if made == 1 and "body_digest" in values:
            self.written[table.name, key] = values
        return made == 1

    def _refuse_if_reading(self) -> None:
        if not self._writable:
            raise IntegrityError(
                "expected a reading transaction to read, got a write",
                code="write-while-reading",
                hint="use Store.write",
            )

    def _soon(self, write: _Write) -> int:
        if self._eager:
            return self._execute(write.statement, write.values).rowcount
        self._later.setdefault(write.table, []).append(write)
        return 1

    def _make(self, writes: Sequence[_Write]) -> None:
        """Make writes of one table in order, neighbours of one kind in bulk."""
        for statement, same in groupby(writes, key=lambda write: write.statement):
            rows = [write.values for write in same]
            try:
                made = self._connection.execute(statement, rows).rowcount
            except sa.exc.IntegrityError as error:
                self.failed = OutOfStep()
                raise self.failed from error
            except sa.exc.DBAPIError as error:
                raise self._failure(error) from error
            if made != len(rows):
                self.failed = OutOfStep()
                raise self.failed

    def _insert_new(self, table: sa.Table) -> sa.Insert:
        # Kept with the table, so that SQLAlchemy meets the same statement again and neighbours are made in bulk.
        known: dict[bool, sa.Insert] = table.info.setdefault("insert_new", {})
        if self._sqlite not in known:
            statement = insert_into(table, on_sqlite=self._sqlite)
            quiet = statement.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
            known[self._sqlite] = quiet
        return known[self._sqlite]

    def _execute(self, statement: sa.Executable, values: Any = None) -> sa.CursorResult[Any]:  # noqa: ANN401  # rows or a row
        try:
            return self._connection.execute(statement, values)
        except sa.exc.DBAPIError as error:
            raise self._failure(error) from error

    def _failure(self, error: sa.exc.DBAPIError) -> InterlockError:
        failure: InterlockError = InvalidInput(
            "expected text and numbers that the database can hold, got others",
            code="not-storable",
            hint="take odd characters out of names and ids",
        )
        if not isinstance(error, sa.exc.DataError):
            self.broken = True
            failure = translate(error)
        self.failed = failure
        return failure


@dataclass(frozen=True, slots=True)
class _Write:
    table: sa.Table
    key: str
    statement: sa.Insert | sa.Update
    values: Mapping[str, object]


def taken(table: str, record_id: str) -> Conflict:
    """The error for an id or a unique value that another record has."""
    return Conflict(
        f"expected a new record for {table}, got `{record_id}` whose id or unique value is taken",
        code="record-exists",
        hint="read what is there; repeat only with the same idempotency key",
    )
