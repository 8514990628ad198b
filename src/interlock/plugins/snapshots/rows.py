"""Rows of a marked table that a source has and a restored database lacks.

Rules:
1. Rows are told by their primary key. Without one they are only counted: as many must be there.
2. What was deleted from the source since, or changed in it, is no loss: only what is there and was there then
   counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from interlock.core.snapshot.outcome import Lacking

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

_KEY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY a.attnum"""


def lacking(
    source: psycopg.Connection[Any],
    restored: psycopg.Connection[Any],
    *,
    table: str,
    column: str,
    until: datetime,
) -> Lacking:
    """Of ``table`` (``schema.table`` outside of ``public``), by its ``column`` of a date or a time.

    Raises:
        psycopg.Error: there is no such table or column in the source, or it holds no times.
    """
    from psycopg import sql  # noqa: PLC0415  # optional, see the extra `rehearse`

    schema, _, name = table.rpartition(".")
    where = sql.Identifier(schema or "public", name)
    marked = sql.SQL("{} <= {}").format(sql.Identifier(column), sql.Literal(until))
    for connection in (source, restored):
        connection.execute("SET timezone = 'UTC'")
    count = sql.SQL("SELECT count(*) FROM ONLY {} WHERE {}").format(where, marked)
    of = _one(source, count)
    if _one(restored, sql.SQL("SELECT to_regclass({})").format(sql.Literal(where.as_string(None)))) is None:
        return Lacking(rows=of, of=of)
    key = [str(each) for (each,) in source.execute(_KEY.encode(), (where.as_string(None),))]
    rows = _without(source, restored, where, marked, key) if key else max(0, of - _one(restored, count))
    latest = sql.SQL("SELECT max({})::text FROM ONLY {} WHERE {}")
    newest = _one(restored, latest.format(sql.Identifier(column), where, marked))
    return Lacking(rows=rows, of=of, newest=str(newest or ""))


def _without(
    source: psycopg.Connection[Any],
    restored: psycopg.Connection[Any],
    where: sql.Identifier,
    marked: sql.Composed,
    key: list[str],
) -> int:
    """How many keys of the source are not in the other."""
    from psycopg import sql  # noqa: PLC0415  # as above

    names = [sql.Identifier(each) for each in key]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(each) for each in names)
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(f"k{n}")) for n, _ in enumerate(key))
    restored.execute(sql.SQL("CREATE TEMP TABLE wanted ({})").format(columns))
    out = sql.SQL("COPY (SELECT {} FROM ONLY {} WHERE {}) TO STDOUT").format(texts, where, marked)
    with (
        source.cursor() as asked,
        restored.cursor() as told,
        asked.copy(out) as rows,
        told.copy("COPY wanted FROM STDIN") as written,
    ):
        for part in rows:
            written.write(part)
    same = sql.SQL(" AND ").join(
        sql.SQL("t.{}::text = w.{}").format(each, sql.Identifier(f"k{n}")) for n, each in enumerate(names)
    )
    absent = sql.SQL("SELECT count(*) FROM wanted w WHERE NOT EXISTS (SELECT FROM ONLY {} t WHERE {})")
    found = int(_one(restored, absent.format(where, same)))
    restored.execute("DROP TABLE wanted")
    return found


def _one(connection: psycopg.Connection[Any], statement: sql.Composed) -> Any:  # noqa: ANN401  # a column's value
    return connection.execute(statement).fetchall()[0][0]
