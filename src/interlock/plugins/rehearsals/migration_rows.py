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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlock.plugins.rehearsals.migration_checks import groups_of, passing
from interlock.plugins.rehearsals.migration_made import NUMBERS, Level, Looked, looked_for, made, nothing
from interlock.plugins.rehearsals.migration_tables import Reference, Table, tables_of
from interlock.plugins.rehearsals.migration_values import value_of
from interlock.plugins.rehearsals.sql_asking import Asking, quoted

if TYPE_CHECKING:
    import psycopg

FEWER = (1_000, 100, 10, 2, 1)
_SAMPLE, MOST_REFERRING = 600, 200
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
    """Put ``rows`` into every table that counts, or as many as ``tables`` says of one; ``looked`` says what else."""
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    found, done = Filled(), dict[int, int]()
    asking.connection.execute(b"SET session_replication_role = replica")
    waiting = tables_of(asking)
    while waiting:
        table = _next(waiting, done)
        waiting.remove(table)
        why = ""
        try:
            doubt = _insert(asking, table, done, tables.get(table.told, rows), looked or Looked())
            found.untried |= {table.told: doubt} if doubt else {}
        except psycopg.Error as error:
            why = _said(error)
        except _Unfillable as error:
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
        nobody = f"NOT EXISTS (SELECT FROM ONLY {table.quoted} WHERE ({ours}) IS NOT NULL)"  # noqa: S608  # quoted
        some = f"SELECT ctid FROM ONLY {table.quoted} LIMIT {MOST_REFERRING} OFFSET 1"  # noqa: S608  # quoted
        one = f"SELECT {theirs} FROM {parent} LIMIT 1"  # noqa: S608  # quoted
        statement = f"UPDATE ONLY {table.quoted} SET ({ours}) = ({one}) WHERE {nobody} AND ctid = ANY(ARRAY({some}))"  # noqa: S608  # quoted
        # What a check or an exclusion has against it stays as it is.
        with suppress(psycopg.Error):
            asking.ask(f"{statement} RETURNING 1")


def _said(error: psycopg.Error) -> str:
    return " ".join((error.diag.message_primary or str(error)).split())[:200]


class _Unfillable(Exception):
    """There is nothing that it could refer to."""


def _next(waiting: list[Table], done: Mapping[int, int]) -> Table:
    """One whose references all lead to tables that were filled; else one that can do without; else any."""
    for strict in (True, False):
        for table in waiting:
            parents = [each for each in table.references if each.table != table.oid]
            if all(each.table in done or (not strict and not _needed(table, each)) for each in parents):
                return table
    return waiting[0]


def _needed(table: Table, reference: Reference) -> bool:
    columns = [table.column(name) for name in reference.columns]
    return all(each is None or each.required for each in columns)


def _count(asking: Asking, table: Table) -> int:
    return int(asking.one(f"SELECT count(*) FROM ONLY {table.quoted}")[0])  # noqa: S608  # quoted


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
            asking.ask(_statement(asking, table, done, first, last, looked, level))
        except psycopg.Error as error:
            why = why or _said(error)
            fewer_fit = isinstance(error, (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation))
            if level == Level.PLAIN and (count == wanted[-1] or not fewer_fit):
                raise
            continue
        return f"{_LEFT[level]}: {why}" if level else _refused(asking, table, looked)
    return ""


_LEFT = {
    Level.DISTINCT_PLAIN: "only plain values in columns whose rows must differ",
    Level.PLAIN: "only plain values",
}


def insertion(asking: Asking, table: Table, filled: Mapping[int, int], number: int) -> str:
    """The statement that puts one more row into a table, made of the number ``number``."""
    return _statement(asking, table, filled, number, number, Looked(), Level.PLAIN)


def _statement(
    asking: Asking,
    table: Table,
    done: Mapping[int, int],
    first: int,
    last: int,
    looked: Looked,
    level: Level,
) -> str:
    columns = [each.name for each in table.columns]
    listed = f"({', '.join(map(quoted, columns))}) " if columns else ""
    if not columns:
        return f"INSERT INTO {table.quoted} SELECT FROM generate_series({first}, {last}) RETURNING 0"
    rows = _rows(asking, table, done, (first, last), looked, level)
    return f"WITH put AS (INSERT INTO {table.quoted} {listed}{rows} RETURNING 1) SELECT count(*) FROM put"  # noqa: S608  # quoted


def _rows(
    asking: Asking,
    table: Table,
    done: Mapping[int, int],
    numbers: tuple[int, int],
    looked: Looked,
    level: Level,
    *,
    fitting: bool = False,
) -> str:
    """The query for the rows; where it is only about ``fitting``, how many of them every check takes as they are."""
    joins: list[str] = []
    theirs: dict[str, str] = {}
    for number, each in enumerate(table.references):
        theirs |= _referring(asking, table, each, done, joins, f"p{number}", theirs, looked, level)
    safe = {each.name: value_of(each) for each in table.columns if each.name not in theirs}
    safe |= passing(asking, table, safe)
    safe |= {name: text for name, text in theirs.items() if name in safe} if level == Level.PLAIN else {}
    full = {
        each.name: theirs.get(each.name) or made(table, each, looked, level) for each in table.columns
    }
    if level == Level.PLAIN:
        full = safe | theirs
    first, last = numbers
    counted = NUMBERS.format(before=first - 1)
    source = f"FROM ({counted} FROM generate_series({first}::bigint, {last}) AS number(i)) AS number {' '.join(joins)}"
    groups = [] if level == Level.PLAIN else groups_of(table)
    return with_checks(table, full, safe, groups, source, fitting=fitting)


def with_checks(
    table: Table,
    full: Mapping[str, str],
    safe: Mapping[str, str],
    groups: Sequence[tuple[frozenset[str], str]],
    source: str,
    *,
    fitting: bool,
) -> str:
    """Rows in which what a check would refuse is replaced by what it takes."""
    names = [each.name for each in table.columns]
    if not groups:
        return f"SELECT {', '.join(full[name] for name in names)} {source}"
    group_of = {name: number for number, (columns, _) in enumerate(groups) for name in columns if name in names}
    inner = [f"{full[name]} AS {quoted(name)}" for name in names]
    inner += [f"{safe.get(name, full[name])} AS {_safe(names, name)}" for name in group_of]
    fits = [f"(({condition})) AS {quoted(f'interlock fits {number}')}" for number, (_, condition) in enumerate(groups)]
    asked = f"SELECT *, {', '.join(fits)} FROM (SELECT {', '.join(inner)} {source} OFFSET 0) AS made OFFSET 0"  # noqa: S608  # quoted
    if fitting:
        counts = (f"count(*) FILTER (WHERE {quoted(f'interlock fits {number}')})" for number in range(len(groups)))
        return f"SELECT {', '.join(counts)} FROM ({asked}) AS told"  # noqa: S608  # quoted
    final = [
        f"CASE WHEN {quoted(f'interlock fits {group_of[name]}')} THEN {quoted(name)} ELSE {_safe(names, name)} END"
        if name in group_of
        else quoted(name)
        for name in names
    ]
    return f"SELECT {', '.join(final)} FROM ({asked}) AS told"  # noqa: S608  # quoted


def _safe(names: Sequence[str], name: str) -> str:
    return quoted(f"interlock safe {names.index(name)}")


def _refused(asking: Asking, table: Table, looked: Looked) -> str:
    """The columns of which a check takes none of what is tried, in words."""
    groups = groups_of(table)
    if not groups:
        return ""
    rows = _rows(asking, table, {}, (1, _SAMPLE), looked, Level.FULL, fitting=True)
    counts = asking.one(rows)
    none = [", ".join(sorted(columns)) for (columns, _), count in zip(groups, counts, strict=True) if not count]
    return f"its check takes none of the values tried for {'; '.join(none)}" if none else ""


def _referring(
    asking: Asking,
    table: Table,
    each: Reference,
    done: Mapping[int, int],
    joins: list[str],
    alias: str,
    before: Mapping[str, str],
    looked: Looked,
    level: Level,
) -> dict[str, str]:
    """Values of the columns of one foreign key."""
    columns = [table.column(name) for name in each.columns]
    parent = asking.one(f"SELECT {each.table}::regclass::text")[0]  # a number
    count = 0 if each.table == table.oid else done.get(each.table)
    if count is None:  # one of the tool's own, or one whose turn is later
        count = int(asking.one(f"SELECT count(*) FROM {parent}")[0])  # noqa: S608  # the server's own quoting
    if count:
        keys = ", ".join(f"k{n}" for n in range(len(each.theirs)))
        theirs = ", ".join(map(quoted, each.theirs))
        numbered = f"SELECT row_number() OVER () AS n, {theirs} FROM {parent}"  # noqa: S608  # quoted
        alone = looked_for(looked, each.table, count) if not table.distinct & {*each.columns} else []
        if alone:
            # Rows that are looked for by a key of theirs can be taken out only where nobody refers to them.
            others = f"SELECT * FROM ({numbered}) AS one WHERE n <> ALL (ARRAY{alone})"  # noqa: S608  # quoted
            numbered = f"SELECT row_number() OVER () AS n, {theirs} FROM ({others}) AS others"  # noqa: S608  # quoted
        joins.append(
            f"JOIN ({numbered}) AS {alias}(n, {keys}) ON {alias}.n = 1 + ((number.i - 1) % {count - len(alone)})"
        )
        named = enumerate(each.columns)
        found = {name: f"{alias}.k{n}" for n, name in named if name not in before and table.column(name)}
        if level == Level.FULL and not any(one is None or one.required for one in columns):
            first = table.columns.index(next(one for one in columns if one))
            found = {name: f"CASE WHEN {nothing(first)} THEN NULL ELSE {text} END" for name, text in found.items()}
        return found
    if not _needed(table, each):
        return {one.name: f"NULL::{one.kind}" for one in columns if one and not one.required}
    if each.table == table.oid and all(columns):
        return {}
    raise _Unfillable(f"it needs a row of a table that has none, by {', '.join(each.columns)}")


def _first(asking: Asking, table: Table) -> int:
    """A number beyond those that rows have which are there already."""
    whole = [each.name for each in table.columns if each.base in {"smallint", "integer", "bigint"}]
    held = [asking.one(f"SELECT max({quoted(name)}) FROM {table.quoted}")[0] for name in whole]  # noqa: S608  # quoted
    return max([_count(asking, table), *(int(number) for number in held if number is not None)]) + 1
