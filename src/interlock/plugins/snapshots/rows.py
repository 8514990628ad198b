"""Rows of a marked table that a source has, and what of them is in a restored database.

Rules:
1. A row whose mark is from before the backup was not written since: it must be there, and equal in every column.
   One that is there with an older mark is the row of an older state.
2. Rows are told by their primary key. Without one each must be there as often as in the source.
3. What was written in the source since is no loss: only what is there and was there then counts. Of a row without
   a mark nobody knows when it was written.
4. A row that the source no longer has was deleted since, or before: then the backup is of an older state. They are
   counted; the plan says what they mean. What the backup lost and the source has deleted since nobody can see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from interlock.core.snapshot.outcome import Lacking
from interlock.plugins.rehearsals.sql_fingerprint import ALIKE, ONE_LOOK

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

_KEY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY a.attnum"""
_COLUMNS = """
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
ORDER BY attname"""
_BY_KEY = """
SELECT count(*) FILTER (WHERE h.row_sum IS NULL),
  count(*) FILTER (WHERE h.row_sum <> w.row_sum AND h.marked < w.marked),
  count(*) FILTER (WHERE h.row_sum <> w.row_sum AND (h.marked < w.marked) IS NOT TRUE)
FROM pg_temp.wanted w LEFT JOIN ({have}) h ON {same}"""
_BY_COUNT = """
SELECT coalesce(sum(greatest(w.often - coalesce(h.often, 0), 0)), 0), 0, 0
FROM (SELECT row_sum, count(*) AS often FROM pg_temp.wanted GROUP BY 1) w
LEFT JOIN (SELECT row_sum, count(*) AS often FROM ({have}) r GROUP BY 1) h ON h.row_sum = w.row_sum"""

_GONE_BY_KEY = "SELECT count(*) FROM ({have}) h WHERE NOT EXISTS (SELECT FROM pg_temp.wanted w WHERE {same})"
_GONE_BY_COUNT = """
SELECT coalesce(sum(greatest(h.often - coalesce(w.often, 0), 0)), 0)
FROM (SELECT row_sum, count(*) AS often FROM ({have}) r GROUP BY 1) h
LEFT JOIN (SELECT row_sum, count(*) AS often FROM pg_temp.wanted GROUP BY 1) w ON h.row_sum = w.row_sum"""


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
    with source.transaction(force_rollback=True), restored.transaction(force_rollback=True):
        for setting in (ONE_LOOK, *ALIKE):
            source.execute(setting.encode())
        for setting in ALIKE:
            restored.execute(setting.encode())
        return _lacking(source, restored, table, column, until)


def _lacking(
    source: psycopg.Connection[Any],
    restored: psycopg.Connection[Any],
    table: str,
    column: str,
    until: datetime,
) -> Lacking:
    from psycopg import sql  # noqa: PLC0415  # optional, see the extra `rehearse`

    schema, _, name = table.rpartition(".")
    where, mark = sql.Identifier(schema or "public", name), sql.Identifier(column)
    before = sql.SQL("{} <= {}").format(mark, sql.Literal(until))
    of = int(_one(source, sql.SQL("SELECT count(*) FROM ONLY {} WHERE {}").format(where, before))[0])
    said = where.as_string(None)
    if _one(restored, sql.SQL("SELECT to_regclass({})").format(sql.Literal(said)))[0] is None:
        return Lacking(rows=of, of=of)
    key, columns = (
        tuple(str(each) for (each,) in source.execute(asked.encode(), (said,))) for asked in (_KEY, _COLUMNS)
    )
    rows = _Rows(where=where, mark=mark, key=key, columns=columns)
    absent, older, changed = rows.unlike(source, restored, before)
    unmarked = rows.unlike(source, restored, sql.SQL("{} IS NULL").format(mark))
    latest = sql.SQL("SELECT max({})::text FROM ONLY {} WHERE {}").format(mark, where, before)
    newest = str(_one(restored, latest)[0] or "")
    gone = rows.gone(source, restored)
    return Lacking(
        rows=absent, older=older, changed=changed, unmarked=sum(unmarked), gone=gone, of=of, newest=newest
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """A table's rows as both sides tell them: the key's texts, the mark, and a sum over the whole row."""

    where: sql.Identifier
    mark: sql.Identifier
    key: tuple[str, ...]
    columns: tuple[str, ...]

    def unlike(
        self, source: psycopg.Connection[Any], restored: psycopg.Connection[Any], which: sql.Composed
    ) -> tuple[int, int, int]:
        """Of the source's rows: how many are not there, there with an older mark, there with other values."""
        from psycopg import sql  # noqa: PLC0415  # as above

        with self._wanted(source, restored, sql.SQL(" WHERE {}").format(which)):
            absent, older, changed = self._counted(restored, _BY_KEY, _BY_COUNT)
        return int(absent), int(older), int(changed)

    def gone(self, source: psycopg.Connection[Any], restored: psycopg.Connection[Any]) -> int:
        """How many of the restored rows the source no longer has."""
        from psycopg import sql  # noqa: PLC0415  # as above

        with self._wanted(source, restored, sql.SQL("")):
            return int(self._counted(restored, _GONE_BY_KEY, _GONE_BY_COUNT)[0])

    @contextmanager
    def _wanted(
        self,
        source: psycopg.Connection[Any],
        restored: psycopg.Connection[Any],
        which: sql.SQL | sql.Composed,
    ) -> Iterator[None]:
        """A table beside the restored one, for as long, of the source's rows as they are told."""
        from psycopg import sql  # noqa: PLC0415  # as above

        typed = [sql.SQL('{} text COLLATE "C"').format(each) for each in self._names()]
        made = sql.SQL(", ").join([*typed, sql.SQL("marked timestamptz, row_sum text")])
        restored.execute(sql.SQL("CREATE TEMP TABLE wanted ({})").format(made))
        out = sql.SQL("COPY ({}{}) TO STDOUT").format(self._told(), which)
        with (
            source.cursor() as asked,
            restored.cursor() as told,
            asked.copy(out) as read,
            told.copy("COPY pg_temp.wanted FROM STDIN") as written,
        ):
            for part in read:
                written.write(part)
        restored.execute("ANALYZE pg_temp.wanted")
        yield
        restored.execute("DROP TABLE pg_temp.wanted")

    def _counted(
        self, restored: psycopg.Connection[Any], by_key: LiteralString, by_count: LiteralString
    ) -> tuple[Any, ...]:
        from psycopg import sql  # noqa: PLC0415  # as above

        same = sql.SQL(" AND ").join(sql.SQL("h.{} = w.{}").format(each, each) for each in self._names())
        question = sql.SQL(by_key if self.key else by_count)
        return _one(restored, question.format(have=self._told(), same=same))

    def _names(self) -> list[sql.Identifier]:
        from psycopg import sql  # noqa: PLC0415  # as above

        return [sql.Identifier(f"key{n}") for n, _ in enumerate(self.key)]

    def _told(self) -> sql.Composed:
        from psycopg import sql  # noqa: PLC0415  # as above

        def text(name: str) -> sql.Composed:
            return sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(name))

        keys = [
            sql.SQL("{} AS {}").format(text(each), sql.Identifier(f"key{n}")) for n, each in enumerate(self.key)
        ]
        row = sql.SQL('(ROW({})::text COLLATE "C")').format(
            sql.SQL(", ").join(text(each) for each in self.columns)
        )
        # Two sums of 64 bits: none of the server's digests works wherever only certified ones may.
        total = sql.SQL("hashtextextended({0}, 0)::text || hashtextextended({0}, 1)::text AS row_sum").format(row)
        marked = sql.SQL("{}::timestamptz AS marked").format(self.mark)
        return sql.SQL("SELECT {} FROM ONLY {}").format(sql.SQL(", ").join([*keys, marked, total]), self.where)


def _one(connection: psycopg.Connection[Any], statement: sql.Composed) -> tuple[Any, ...]:
    return tuple(connection.execute(statement).fetchall()[0])
