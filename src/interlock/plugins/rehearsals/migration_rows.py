"""Rows in every table: a change that only works on an empty table would else be taken for one that works.

Rules:
1. Tables that others refer to come first. A reference leads to a row that is there; in a circle the one that may
   be empty is.
2. Triggers do not run meanwhile: what they would do to rows of ours says nothing of the change.
3. Fewer rows are put in where a table does not take as many (a unique enum). A table that takes none is told with
   the reason: what a change does to its rows is not known then.
4. What the base or the seed put in stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlock.plugins.rehearsals.migration_checks import passing
from interlock.plugins.rehearsals.migration_tables import Reference, Table, tables_of
from interlock.plugins.rehearsals.migration_values import value_of
from interlock.plugins.rehearsals.sql_asking import Asking, quoted

if TYPE_CHECKING:
    pass

FEWER = (1_000, 100, 10, 2, 1)
_MATERIALIZED = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' ORDER BY c.oid"""


@dataclass(slots=True)
class Filled:
    """How many rows each table has, by its name; and why not, where it has none."""

    rows: dict[str, int] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)


def fill(asking: Asking, rows: int, tables: Mapping[str, int]) -> Filled:
    """Put ``rows`` into every table that counts, or as many as ``tables`` says of one."""
    import psycopg  # noqa: PLC0415  # optional, see the extra `rehearse`

    found, done = Filled(), dict[int, int]()
    asking.connection.execute(b"SET session_replication_role = replica")
    waiting = tables_of(asking)
    while waiting:
        table = _next(waiting, done)
        waiting.remove(table)
        there = _count(asking, table)
        why = ""
        try:
            _insert(asking, table, done, there, tables.get(table.told, rows))
        except psycopg.Error as error:
            why = " ".join((error.diag.message_primary or str(error)).split())[:200]
        except _Unfillable as error:
            why = str(error)
        done[table.oid] = found.rows[table.told] = _count(asking, table)
        if not done[table.oid]:
            found.empty[table.told] = why or "it takes no rows"
    asking.connection.execute(b"RESET session_replication_role")
    for (view,) in asking.ask(_MATERIALIZED):
        asking.connection.execute(f"REFRESH MATERIALIZED VIEW {view}".encode())
    asking.connection.execute(b"ANALYZE")
    return found


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


def _insert(asking: Asking, table: Table, done: Mapping[int, int], there: int, rows: int) -> None:
    import psycopg  # noqa: PLC0415  # as above

    wanted = [rows, *(fewer for fewer in FEWER if fewer < rows)]
    first = _first(asking, table) if there else 1
    for count in wanted:
        if count <= there:
            return
        statement = _statement(asking, table, done, first, first + count - there - 1)
        try:
            asking.ask(statement)
        except (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation):
            if count == wanted[-1]:
                raise
            continue
        return


def insertion(asking: Asking, table: Table, filled: Mapping[int, int], number: int) -> str:
    """The statement that puts one more row into a table, made of the number ``number``."""
    return _statement(asking, table, filled, number, number)


def _statement(asking: Asking, table: Table, done: Mapping[int, int], first: int, last: int) -> str:
    values: dict[str, str] = {}
    joins: list[str] = []
    for number, each in enumerate(table.references):
        values |= _referring(asking, table, each, done, joins, f"p{number}", values)
    own = {each.name: value_of(each) for each in table.columns if each.name not in values}
    values |= passing(asking, table, own) | {name: text for name, text in values.items() if name not in own}
    columns = [each.name for each in table.columns]
    made = ", ".join(values[name] for name in columns)
    listed = f"({', '.join(map(quoted, columns))}) " if columns else ""
    if not columns:
        return f"INSERT INTO {table.quoted} SELECT FROM generate_series({first}, {last}) RETURNING 0"
    return (
        f"WITH put AS (INSERT INTO {table.quoted} {listed}SELECT {made} "  # noqa: S608  # quoted
        f"FROM generate_series({first}::bigint, {last}) AS number(i) {' '.join(joins)} RETURNING 1) "
        "SELECT count(*) FROM put"
    )


def _referring(
    asking: Asking,
    table: Table,
    each: Reference,
    done: Mapping[int, int],
    joins: list[str],
    alias: str,
    before: Mapping[str, str],
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
        joins.append(
            f"JOIN (SELECT row_number() OVER (), {theirs} FROM {parent}) AS {alias}(n, {keys}) "  # noqa: S608  # quoted
            f"ON {alias}.n = 1 + ((number.i - 1) % {count})"
        )
        named = enumerate(each.columns)
        return {name: f"{alias}.k{n}" for n, name in named if name not in before and table.column(name)}
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
