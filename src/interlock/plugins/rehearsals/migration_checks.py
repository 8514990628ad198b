"""Values that pass a table's checks: what is written in a check is tried, and the server says what passes.

Rules:
1. What would be put in anyhow is tried first. Else every word and number that a check names is, with its
   neighbours, nothing at all, and what would be put in anyhow, in every combination up to ``MOST``.
2. Several values that pass one column's check are taken in turn; of several columns the first combination is.
3. Nothing that passes is said to be: then the table cannot be filled, and that is told.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from interlock.plugins.rehearsals.migration_tables import Check, Table
from interlock.plugins.rehearsals.migration_values import Column, value_of
from interlock.plugins.rehearsals.sql_asking import Asking, literal, quoted

MOST = 4_000
FITTING = 30
_SAMPLES = "generate_series(1, 50) UNION ALL SELECT generate_series(999, 1000000, 99999)"
_I = re.compile(r"\bi\b")
_WORD = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?")


def passing(asking: Asking, table: Table, values: Mapping[str, str]) -> dict[str, str]:
    """``values`` by column, with those that checks refuse replaced; columns without a value count as NULL."""
    found = dict(values)
    for group in _groups(table):
        columns = [each for each in table.columns if each.name in set().union(*(one.columns for one in group))]
        condition = " AND ".join(f"(({one.expression}) IS NOT FALSE)" for one in group)
        if columns and not _passes(asking, columns, found, condition):
            found |= _chosen(asking, columns, found, condition, " ".join(one.expression for one in group))
    return found


def groups_of(table: Table) -> list[tuple[frozenset[str], str]]:
    """Checks that speak of the same columns: those columns that do not fill themselves, and the condition."""
    known = {each.name for each in table.columns}
    found = []
    for group in _groups(table):
        columns = frozenset().union(*(one.columns for one in group)) & known
        if columns:
            found.append((columns, " AND ".join(f"(({one.expression}) IS NOT FALSE)" for one in group)))
    return found


def _groups(table: Table) -> list[list[Check]]:
    """Checks that speak of the same columns belong together."""
    groups: list[list[Check]] = []
    for check in table.checks:
        mine = [each for each in groups if any(one.columns & check.columns for one in each)]
        groups = [each for each in groups if each not in mine] + [[*itertools.chain(*mine), check]]
    return groups


def _passes(asking: Asking, columns: list[Column], values: Mapping[str, str], condition: str) -> bool:
    made = ", ".join(f"{values.get(each.name, f'NULL::{each.base}')} AS {quoted(each.name)}" for each in columns)
    rows = f"SELECT {made} FROM ({'SELECT ' + _SAMPLES}) AS number(i)"  # noqa: S608  # quoted
    return bool(_answer(asking, f"SELECT bool_and({condition}) FROM ({rows}) AS made"))  # noqa: S608  # quoted


def _chosen(
    asking: Asking, columns: list[Column], values: Mapping[str, str], condition: str, text: str
) -> dict[str, str]:
    tried = [[*_candidates(asking, each, values.get(each.name), text)] for each in columns]
    names = ", ".join(quoted(each.name) for each in columns)
    rows = [*itertools.islice(itertools.product(*tried), MOST)]
    listed = ", ".join(f"({number}, {', '.join(one)})" for number, one in enumerate(rows))
    query = f"SELECT n FROM (SELECT 1::bigint AS i) AS number, LATERAL (VALUES {listed}) AS made(n, {names})"  # noqa: S608  # quoted
    try:
        good = [rows[n] for (n,) in asking.ask(f"{query} WHERE {condition} ORDER BY n")]
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it does not pass
        return {}
    if not good:
        return {}
    if len(columns) > 1:
        named = [dict(zip([each.name for each in columns], one, strict=True)) for one in good[:FITTING]]
        return next((one for one in named if _passes(asking, columns, one, condition)), {})
    several = [one[0] for one in good if not one[0].startswith("NULL") and not _I.search(one[0])]
    kind = columns[0].base
    turn = f"(ARRAY[{', '.join(several)}]::{kind}[])[1 + (i % {len(several)})]" if several else good[0][0]
    return {columns[0].name: turn}


def _candidates(asking: Asking, column: Column, value: str | None, text: str) -> Iterator[str]:
    numbers = [float(each) if "." in each else int(each) for each in _NUMBER.findall(text)]
    near = [str(each + step) for each in numbers for step in (0, 1, -1)]
    words = [each.replace("''", "'") for each in _WORD.findall(text)]
    lengths = ["x" * int(each) for each in numbers if 0 < each <= 1_000]  # noqa: PLR2004  # a check of a length
    shaped = ["a@example.com", "https://example.com/", "abc", "ABC", "1", "0", "{}", "[]", ""]
    for each in dict.fromkeys([*words, *near, *lengths, *shaped]):
        made = f"{literal(each)}::{column.base}"
        if _answer(asking, f"SELECT true FROM (SELECT {made}) AS cast_well"):  # noqa: S608  # quoted
            yield made
    usual = value or value_of(column)
    yield usual
    # The next row's: later than this one's, and greater.
    yield _I.sub("(i + 1)", usual)
    if not column.required:
        yield f"NULL::{column.base}"


def _answer(asking: Asking, query: str) -> object:
    """The first value; None where the server has something against it."""
    try:
        return asking.one(query)[0]
    except Exception:  # noqa: BLE001  # a text that is none of this type is one that does not fit
        return None
