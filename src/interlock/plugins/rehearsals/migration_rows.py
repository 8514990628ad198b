"""Rows in every table: a change that only works on an empty table would else be taken for one that works.

Rules:
1. Tables that others refer to come first. A reference leads to a row that is there; in a circle the one that may
   be empty is.
2. Triggers do not run meanwhile: what they would do to rows of ours says nothing of the change.
3. Fewer rows are put in where a table does not take as many (a unique enum). A table that takes none is told with
   the reason: what a change does to its rows is not known then.
4. What the base or the seed put in stays.
5. A check that refuses a value refuses it in every row that is really there too: another stands in for it. What
   cannot be tried at all is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlock.core.rehearsal.brief import brief
from interlock.plugins.rehearsals.migration_made import Level, Looked
from interlock.plugins.rehearsals.migration_query import Unfillable, needed, refused, statement
from interlock.plugins.rehearsals.migration_tables import Table, tables_of
from interlock.plugins.rehearsals.sql_asking import Asking, literal, quoted
from interlock.plugins.rehearsals.sql_words import shortened

if TYPE_CHECKING:
    import psycopg

FEWER = (1_000, 100, 10, 2, 1)
MOST_REFERRING = 200
_MATERIALIZED = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' ORDER BY c.oid"""


@dataclass(slots=True)
class Filled:
    """How many rows each table has, by its name; why not, where it has none; and what no row of it holds."""

    rows: dict[str, int] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)
    untried: dict[str, str] = field(default_factory=dict)


def fill(asking: Asking, rows: int, tables: Mapping[str, int], looked: Looked | None = None) -> Filled:
    """Put ``rows`` into every table that counts, or as many as ``tables`` says; ``looked`` says which besides."""
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    found, done = Filled(), dict[int, int]()
    asking.connection.execute(b"SET session_replication_role = replica")
    waiting = tables_of(asking)
    while waiting:
        table = _next(waiting, done)
        waiting.remove(table)
        why = ""
        try:
            put = _beyond(asking, table, looked or Looked())
            doubt = _insert(asking, table, done, tables.get(table.told, rows), looked or Looked())
            said = "; ".join(each for each in (put, doubt) if each)
            found.untried |= {table.told: said} if said else {}
        except psycopg.Error as error:
            why = _said(error)
        except Unfillable as error:
            why = str(error)
        done[table.oid] = found.rows[table.told] = _count(asking, table)
        if not done[table.oid]:
            found.empty[table.told] = why or "it takes no rows"
    for table in tables_of(asking):
        _refer(asking, table)
    asking.connection.execute(b"RESET session_replication_role")
    for (view,) in asking.ask(_MATERIALIZED):
        asking.connection.execute(f"REFRESH MATERIALIZED VIEW {view}".encode())
    asking.connection.execute(b"ANALYZE")
    return found


def _refer(asking: Asking, table: Table) -> None:
    """Let some rows refer to others where that could not be said before those were there."""
    import psycopg  # noqa: PLC0415  # as above

    for each in table.references:
        columns = [table.column(name) for name in each.columns]
        if any(one is None or one.required for one in columns) or table.distinct & {*each.columns}:
            continue
        parent = asking.one(f"SELECT {each.table}::regclass::text")[0]
        ours, theirs = ", ".join(map(quoted, each.columns)), ", ".join(map(quoted, each.theirs))
        nobody = f"NOT EXISTS (SELECT FROM ONLY {table.quoted} WHERE ({ours}) IS NOT NULL)"  # quoted
        some = f"SELECT ctid FROM ONLY {table.quoted} LIMIT {MOST_REFERRING} OFFSET 1"  # noqa: S608  # quoted
        one = f"SELECT {theirs} FROM {parent} LIMIT 1"  # noqa: S608  # quoted
        set_some = (
            f"UPDATE ONLY {table.quoted} SET ({ours}) = ({one}) WHERE {nobody} AND ctid = ANY(ARRAY({some}))"  # noqa: S608  # quoted
        )
        # What a check or an exclusion has against it stays as it is.
        with suppress(psycopg.Error):
            asking.ask(f"{set_some} RETURNING 1")


def _said(error: psycopg.Error) -> str:
    return brief(" ".join((error.diag.message_primary or str(error)).split()), 200)


def _next(waiting: list[Table], done: Mapping[int, int]) -> Table:
    """One whose references all lead to tables that were filled; else one that can do without; else any."""
    for strict in (True, False):
        for table in waiting:
            parents = [each for each in table.references if each.table != table.oid]
            if all(each.table in done or (not strict and not needed(table, each)) for each in parents):
                return table
    return waiting[0]


def _count(asking: Asking, table: Table) -> int:
    return int(asking.one(f"SELECT count(*) FROM ONLY {table.quoted}")[0])  # noqa: S608  # quoted


def _beyond(asking: Asking, table: Table, looked: Looked) -> str:
    """Begin behind the numbers that the change puts in itself; what is not tried for that, in words."""
    if table.oid not in looked.tried:
        return ""
    put = looked.tried[table.oid].put
    for name, last in put.last.items():
        sequence = asking.one(f"SELECT pg_get_serial_sequence({literal(table.quoted)}, {literal(name)})")[0]
        if sequence:
            behind = f"SELECT setval({literal(sequence)}, greatest({last}, (SELECT last_value FROM {sequence})))"  # noqa: S608  # quoted
            asking.one(behind)
    by = f"`{shortened(put.by[0])}`{' and others' if len(put.by) > 1 else ''}" if put.by else ""
    return f"rows that are there before {by} puts them in" if by else ""


def _insert(asking: Asking, table: Table, done: Mapping[int, int], rows: int, looked: Looked) -> str:
    """Put them in; what could not be tried, in words."""
    import psycopg  # noqa: PLC0415  # as above

    there = _count(asking, table)
    first = _first(asking, table) if there else 1
    wanted = [each for each in (rows, *(fewer for fewer in FEWER if fewer < rows)) if each > there]
    why = ""
    for count, level in itertools.product(wanted, Level):
        last = first + count - there - 1
        try:
            asking.ask(statement(asking, table, done, first, last, looked, level))
        except psycopg.Error as error:
            why = why or _said(error)
            fewer_fit = isinstance(error, (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation))
            if level == Level.PLAIN and (count == wanted[-1] or not fewer_fit):
                raise
            continue
        return f"{_LEFT[level]}: {why}" if level else refused(asking, table, looked)
    return ""


_LEFT = {
    Level.DISTINCT_PLAIN: "only plain values in columns whose rows must differ",
    Level.PLAIN: "only plain values",
}


def _first(asking: Asking, table: Table) -> int:
    """A number beyond those that rows have which are there already."""
    whole = [each.name for each in table.columns if each.base in {"smallint", "integer", "bigint"}]
    held = [asking.one(f"SELECT max({quoted(name)}) FROM {table.quoted}")[0] for name in whole]  # noqa: S608  # quoted
    return max([_count(asking, table), *(int(number) for number in held if number is not None)]) + 1
