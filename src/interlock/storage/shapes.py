"""Making and remaking the tables of registered record classes.

Rules:
1. The database remembers each table's shape; a start whose shapes are current reads one small table and is done.
2. A shape that differs means that the class is looked up by other columns: the table is rebuilt from the records'
   own JSON, inside one transaction. Nothing is ever lost, since columns are copies. The JSON itself stays as it
   is: the ledger names its digest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from interlock.storage import schema
from interlock.storage.engine import Engines, translate
from interlock.storage.records import Shelf

_TRIES = 5
_PAUSE_SECONDS = 0.2


def keep_shapes(engines: Engines, shelves: Iterable[Shelf[Any]]) -> None:
    """Create or rebuild every table whose shape is not the registered one."""
    shelves = list(shelves)
    for tries_left in reversed(range(_TRIES)):
        try:
            with engines.reader.begin() as connection:
                stale = _stale(connection, shelves)
            if not stale:
                return
            with engines.writer.begin() as connection:
                for shelf in _stale(connection, stale):
                    _build(connection, shelf)
        except sa.exc.DBAPIError as error:
            # Another server may be building the same table; look again.
            if not tries_left:
                raise translate(error) from error
            time.sleep(_PAUSE_SECONDS)


def _stale(connection: sa.Connection, shelves: Iterable[Shelf[Any]]) -> list[Shelf[Any]]:
    rows = connection.execute(sa.select(schema.record_shape.c.name, schema.record_shape.c.shape))
    known = {row.name: row.shape for row in rows}
    return [shelf for shelf in shelves if known.get(shelf.type.table) != shelf.type.shape()]


def _build(connection: sa.Connection, shelf: Shelf[Any]) -> None:
    name = shelf.type.table
    for side in shelf.sides.values():
        side.table.drop(connection, checkfirst=True)
        side.table.create(connection)
    if sa.inspect(connection).has_table(name):
        _rebuild(connection, shelf)
    else:
        shelf.table.create(connection)
    connection.execute(sa.delete(schema.record_shape).where(schema.record_shape.c.name == name))
    connection.execute(sa.insert(schema.record_shape), {"name": name, "shape": shelf.type.shape()})


def _rebuild(connection: sa.Connection, shelf: Shelf[Any]) -> None:
    columns: list[sa.ColumnClause[str]] = [sa.column(name) for name in ("id", "body_digest", "body")]
    statement = sa.select(*columns).select_from(sa.table(shelf.type.table)).order_by(sa.column("seq"))
    stored = connection.execute(statement).all()
    records = [shelf.record(row) for row in stored]
    rows = [
        shelf.row(record) | {"body": row.body, "body_digest": row.body_digest}
        for record, row in zip(records, stored, strict=True)
    ]
    connection.execute(sa.schema.DropTable(shelf.table))
    shelf.table.create(connection)
    if rows:
        connection.execute(shelf.table.insert(), rows)
    for side in shelf.sides.values():
        carried = [
            word for record, row in zip(records, rows, strict=True) for word in side.rows(row["id"], record)
        ]
        if carried:
            connection.execute(side.table.insert(), carried)
