"""What a plan says of rows that are really there and the schema does not: ``holds``.

Rules:
1. It is said in SQL's own words for a constraint. While rows are made up it is one, and nothing else is put in; it
   is gone before anything is looked at.
2. What the server does not take as a constraint of that table leaves everything undecided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from interlock.plugins.rehearsals.migration_tables import Table, tables_of
from interlock.plugins.rehearsals.migration_tools import Missing
from interlock.plugins.rehearsals.sql_asking import Asking, quoted

Holds = Mapping[str, Sequence[str]]
"""Constraints by the name of their table."""


@contextmanager
def holding(asking: Asking, holds: Holds) -> Iterator[None]:
    """Let every row that is put in meanwhile fulfil this.

    Raises:
        Missing: there is no such table, or it does not take that.
    """
    put: list[tuple[Table, str]] = []
    tables = {each.told: each for each in tables_of(asking)} if holds else {}
    for number, (name, text) in enumerate((name, text) for name, texts in holds.items() for text in texts):
        if name not in tables:
            raise Missing(f"the table {name}, of which the plan says what `holds`")
        _put(asking, tables[name], f"interlock_holds_{number}", text)
        put.append((tables[name], f"interlock_holds_{number}"))
    yield
    for table, constraint in reversed(put):
        asking.connection.execute(f"ALTER TABLE {table.quoted} DROP CONSTRAINT {quoted(constraint)}".encode())


def _put(asking: Asking, table: Table, constraint: str, text: str) -> None:
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    try:
        asking.connection.execute(
            f"ALTER TABLE {table.quoted} ADD CONSTRAINT {quoted(constraint)} {text}".encode()
        )
    except psycopg.Error as error:
        said = " ".join((error.diag.message_primary or str(error)).split())
        raise Missing(f"a constraint of {table.told} under holds:, which `{text[:60]}` is not: {said}") from error
