"""How the fingerprint of a database asks: within its time, about the tables that count.

Rules:
1. Every statement may take what is left of the look's time, and no longer.
2. Names are said without their schema where that is ``public``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

Row = tuple[Any, ...]
Item = tuple[str, str]
"""An item's name and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One look's connection. ``until`` is by the monotonic clock; ``without`` are tables that do not count."""

    connection: psycopg.Connection[Row]
    until: float
    without: Sequence[str] = ()

    def ask(self, statement: str, wanted: Mapping[str, object] | None = None) -> list[Row]:
        """All rows of the answer.

        Raises:
            psycopg.Error: what PostgreSQL says against it; ``QueryCanceled`` where the time is over.
        """
        left = max(1, int((self.until - time.monotonic()) * 1_000))
        # Without a transaction around it nothing is local; then it is the connection's, until it is said anew.
        local = "" if self.connection.autocommit and not self.connection.info.transaction_status else "LOCAL "
        self.connection.execute(f"SET {local}statement_timeout = {left}".encode())
        return self.connection.execute(statement.encode(), wanted).fetchall()

    def one(self, statement: str) -> Row:
        """The first row of the answer."""
        return self.ask(statement)[0]

    def counts(self, schema: str, table: str) -> bool:
        """Whether this table is looked at."""
        return not any(fnmatchcase(named(schema, table), each) for each in self.without)


def named(schema: str, name: str) -> str:
    """A name as people say it."""
    return name if schema == "public" else f"{schema}.{name}"


def quoted(*names: str) -> str:
    """A name as a statement has it."""
    return ".".join('"{}"'.format(name.replace('"', '""')) for name in names)


def literal(text: str) -> str:
    """A text as a statement has it."""
    return "'" + text.replace("'", "''") + "'"
