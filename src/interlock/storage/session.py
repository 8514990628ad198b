"""One open transaction: statements with their errors translated, and what they did to it.

Rules:
1. ``changed`` says that something was written, ``broken`` that the transaction cannot go on.
2. A reading session refuses to write before the database has to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from interlock.core.change.errors import Conflict, IntegrityError, InvalidInput
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


class Session:
    """Statements on one connection inside one transaction."""

    def __init__(self, connection: sa.Connection, *, writable: bool) -> None:
        self._connection = connection
        self._writable = writable
        self._sqlite = connection.dialect.name == "sqlite"
        self.changed = False
        self.broken = False

    def read(self, statement: sa.Select[Any], values: Mapping[str, object] | None = None) -> sa.CursorResult[Any]:
        """Rows of a query."""
        return self._execute(statement, values)

    def insert(self, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Add rows that must not exist."""
        self.announce_write()
        self._execute(table.insert(), rows)

    def insert_new(self, table: sa.Table, row: Mapping[str, object]) -> bool:
        """Add a row unless an id or a unique value of it is taken; whether it was added."""
        self.announce_write()
        statement = sqlite.insert(table) if self._sqlite else postgresql.insert(table)
        new = statement.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        return self._execute(new, row).rowcount == 1

    def upsert(self, table: sa.Table, row: Mapping[str, object]) -> None:
        """Add a row, or overwrite the one with its primary key."""
        self.announce_write()
        keys = [column.name for column in table.primary_key]
        statement = sqlite.insert(table) if self._sqlite else postgresql.insert(table)
        changes = {name: statement.excluded[name] for name in row if name not in keys}
        self._execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), row)

    def update(
        self, statement: sa.Update | sa.Delete, values: Mapping[str, object], *, taken: Conflict | None = None
    ) -> int:
        """Change rows and return how many; ``taken`` is raised when a unique value is in use."""
        self.announce_write()
        if taken is None:
            return self._execute(statement, values).rowcount
        try:
            with self._connection.begin_nested():
                return self._connection.execute(statement, values).rowcount
        except sa.exc.IntegrityError as error:
            raise taken from error
        except sa.exc.DBAPIError as error:
            self.broken = True
            raise translate(error) from error

    def announce_write(self) -> None:
        """Note a change that is about to be made; refuses in a reading session."""
        if not self._writable:
            raise IntegrityError(
                "expected a reading transaction to read, got a write",
                code="write-while-reading",
                hint="use Store.write",
            )
        self.changed = True

    def _execute(self, statement: sa.Executable, values: Any = None) -> sa.CursorResult[Any]:  # noqa: ANN401  # rows or a row
        try:
            return self._connection.execute(statement, values)
        except sa.exc.DataError as error:
            self.broken = True
            raise InvalidInput(
                "expected text and numbers that the database can hold, got others",
                code="not-storable",
                hint="take odd characters out of names and ids",
            ) from error
        except sa.exc.DBAPIError as error:
            self.broken = True
            raise translate(error) from error
