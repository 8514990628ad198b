"""Side tables against their records: each says exactly what the records say, or changes are met by the wrong ones.

Rules:
1. The records themselves are compared with the ledger elsewhere; here they are believed, and one that cannot be
   read is passed over, since it was reported there.
2. A table whose remembered shape is another is rebuilt at the next start, side tables and all; it is passed over.
3. A row too many is told like a row too few: the first hides nothing, but somebody wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from interlock.core.change.errors import IntegrityError
from interlock.storage import schema
from interlock.storage.records import Shelf
from interlock.storage.sides import Side

_BATCH = 1_024

Report = Callable[[str, str, int | None], None]


def compare_sides(connection: sa.Connection, shelves: Iterable[Shelf[Any]], report: Report) -> None:
    """Report every word that a record carries and its side table does not, and the other way round."""
    inspector = sa.inspect(connection)
    known = {row.name: row.shape for row in connection.execute(sa.select(schema.record_shape))}
    for shelf in shelves:
        if inspector.has_table(shelf.type.table) and known.get(shelf.type.table) == shelf.type.shape():
            for side in shelf.sides.values():
                if inspector.has_table(side.table.name):
                    _compare(connection, shelf, side, report)
                else:
                    report(side.table.name, "is gone: its records are found by it", None)


def _compare(connection: sa.Connection, shelf: Shelf[Any], side: Side, report: Report) -> None:
    there = {(row.record, row.value) for row in connection.execute(sa.select(side.table))}
    rows = connection.execute(shelf.rows, execution_options={"stream_results": True, "yield_per": _BATCH})
    for row in rows:
        try:
            words = side.rows(row.id, shelf.record(row))
        except IntegrityError:
            there = {pair for pair in there if pair[0] != row.id}
            continue
        for word in words:
            pair = (row.id, str(word["value"]))
            if pair in there:
                there.remove(pair)
            else:
                report(
                    f"{shelf.type.table}/{row.id}", f"is not found by `{pair[1][:60]}` in {side.table.name}", None
                )
    for record, value in sorted(there, key=repr):
        name = f"{shelf.type.table}/{str(record)[:80]}"
        report(name, f"is found by `{str(value)[:60]}` in {side.table.name}, which it does not carry", None)
