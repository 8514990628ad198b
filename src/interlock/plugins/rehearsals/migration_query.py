"""The statement that puts rows into one table: every value, every reference, and what checks take.

Rules:
1. Rows are made by the server, from their numbers, in one statement.
2. A reference leads to a row that is there. A check that refuses a value refuses it in every row that is really
   there too: one that passes stands in for it.
3. Rows like those that the change puts in itself are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.plugins.rehearsals.migration_checks import groups_of, passing
from interlock.plugins.rehearsals.migration_made import NUMBERS, Level, Looked, looked_for, made, nothing
from interlock.plugins.rehearsals.migration_tables import Reference, Table
from interlock.plugins.rehearsals.migration_values import value_of
from interlock.plugins.rehearsals.sql_asking import Asking, quoted

_SAMPLE = 600


class Unfillable(Exception):
    """There is nothing that it could refer to."""


def needed(table: Table, reference: Reference) -> bool:
    """Whether a row of this table must refer to one by that."""
    columns = [table.column(name) for name in reference.columns]
    return all(each is None or each.required for each in columns)


def insertion(asking: Asking, table: Table, filled: Mapping[int, int], number: int) -> str:
    """The statement that puts one more row into a table, made of the number ``number``."""
    return statement(asking, table, filled, number, number, Looked(), Level.PLAIN)


def statement(
    asking: Asking,
    table: Table,
    done: Mapping[int, int],
    first: int,
    last: int,
    looked: Looked,
    level: Level,
) -> str:
    """The statement for the rows of these numbers; ``done`` says how many rows other tables have."""
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
    """The query for the rows; where it is only about ``fitting``, how many of them each check takes."""
    joins: list[str] = []
    theirs: dict[str, str] = {}
    for number, each in enumerate(table.references):
        theirs |= _referring(asking, table, each, done, joins, f"p{number}", theirs, looked, level)
    safe = {each.name: value_of(each) for each in table.columns if each.name not in theirs}
    safe |= passing(asking, table, safe)
    safe |= {name: text for name, text in theirs.items() if name in safe} if level == Level.PLAIN else {}
    full = {each.name: theirs.get(each.name) or made(table, each, looked, level) for each in table.columns}
    if level == Level.PLAIN:
        full = safe | theirs
    first, last = numbers
    counted = NUMBERS.format(before=first - 1)
    source = (
        f"FROM ({counted} FROM generate_series({first}::bigint, {last}) AS number(i)) AS number {' '.join(joins)}"
    )
    groups = [] if level == Level.PLAIN else groups_of(table)
    made_up = with_checks(table, full, safe, groups, source, fitting=fitting)
    put = looked.tried[table.oid].put.values if table.oid in looked.tried and not fitting else {}
    without = [
        f"({quoted(name)} = ANY (ARRAY[{', '.join(each)}])) IS NOT TRUE" for name, each in put.items() if each
    ]
    if not without:
        return made_up
    named = ", ".join(quoted(each.name) for each in table.columns)
    return f"SELECT * FROM ({made_up}) AS rows({named}) WHERE {' AND '.join(without)}"  # noqa: S608  # quoted


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
    fits = [
        f"(({condition})) AS {quoted(f'interlock fits {number}')}" for number, (_, condition) in enumerate(groups)
    ]
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


def refused(asking: Asking, table: Table, looked: Looked) -> str:
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
    if not needed(table, each):
        return {one.name: f"NULL::{one.kind}" for one in columns if one and not one.required}
    if each.table == table.oid and all(columns):
        return {}
    raise Unfillable(f"it needs a row of a table that has none, by {', '.join(each.columns)}")
