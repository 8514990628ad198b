"""Which row gets which value: a plain one, one of the palette, one that is looked for, the default, or nothing.

Rules:
1. Rows come by sixes. Two of a six hold values worth a try, each as often as every other; two hold together what
   one statement looks for; one may hold nothing or the default; one is plain, and every other of those is like the
   one before it in all that need not differ.
2. A column that must differ from row to row has each value worth a try once, and else plain ones.
3. Three numbers are there: ``i`` is the row's own, ``j`` counts from 1, ``d`` is ``i`` or that of the row it is
   like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from interlock.plugins.rehearsals.migration_literals import Tried
from interlock.plugins.rehearsals.migration_palette import LONGEST, longest, palette, sized
from interlock.plugins.rehearsals.migration_tables import Table
from interlock.plugins.rehearsals.migration_values import Column, value_of, varied
from interlock.plugins.rehearsals.sql_asking import literal

NUMBERS = "SELECT i, i - {before} AS j, i - CASE WHEN (i - {before}) % 12 = 7 THEN 6 ELSE 0 END AS d"
"""What is counted, over ``number(i)``; ``before`` is the number before the first."""
_I = re.compile(r"\bi\b")
_SHORT = 255
_C = "(j / 6 * 2 + j % 6 / 4)"
"""The number of the row among those that hold values worth a try: 0, 1, 2 …"""
_Q = "(j / 3 - 1)"
"""The number of the row among those that hold what a statement looks for: 0, 1, 2 …"""


class Level(IntEnum):
    """How much a table takes: everything, nothing unusual where rows must differ, or plain values alone."""

    FULL = 0
    DISTINCT_PLAIN = 1
    PLAIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What to put in besides plain values: what the change looks for by table, and whether values are ``tame``."""

    tried: Mapping[int, Tried] = field(default_factory=dict)
    tame: bool = False


def made(table: Table, column: Column, looked: Looked, level: Level) -> str:
    """The expression for one column, over ``i``, ``j`` and ``d``."""
    number = table.columns.index(column)
    tried = looked.tried.get(table.oid, Tried())
    differs = column.name in table.distinct
    if level == Level.PLAIN or (differs and level == Level.DISTINCT_PLAIN):
        return value_of(column)
    # Beyond the largest number there is none for the next row.
    values = _values(column, tried, tame=looked.tame or (differs and column.category == "N"))
    if differs:
        cases = [*_once(column, tried, values), *_long(column, looked, tried, once=True)]
    else:
        cases = [*_joint(column, tried), *_turns(values, number), *_rare(column, looked)]
        cases += _long(column, looked, tried, once=False)
    if not column.required:
        cases.append(f"WHEN {nothing(number)} THEN NULL")
    if column.default and not differs:
        cases.append(f"WHEN j % 12 = 5 THEN ({column.default})::{column.base}")
    plain = varied(column)
    plain = plain if differs else _I.sub("d", plain)
    return f"CASE {' '.join(cases)} ELSE {plain} END" if cases else plain


def looked_for(looked: Looked, table: int, count: int) -> list[int]:
    """The numbers of those of its rows that hold, once, what is looked for; none where that is half of them."""
    tried = looked.tried.get(table, Tried())
    once = max((len(tried.single.get(name, [])) for name in tried.distinct), default=0)
    if not once:
        return []
    found = [3 * (place + 1) for place in range(len(tried.joint))]
    found += [number for number in range(3 * once + 5) if number % 6 in {2, 4}]
    return sorted(found) if 2 * len(found) < count else []


def nothing(number: int) -> str:
    """The condition on which the column of this number holds nothing: some rows of its own, and some of all."""
    return f"(j % 6 = 5 AND j / 6 % 4 IN ({number % 3}, 3))"


def _values(column: Column, tried: Tried, *, tame: bool) -> list[str]:
    labels = [f"{literal(each)}::{column.base}" for each in column.labels]
    usual = labels or [*palette(column.base, tame=tame)]
    long = longest(column.base)
    usual += [long] if long and not tame and sized(column.base)[1] <= _SHORT else []
    return [*dict.fromkeys([*tried.single.get(column.name, []), *usual])]


def _turns(values: list[str], number: int) -> Iterator[str]:
    if values:
        count = len(values)
        # Each time around they stand beside other values of the other columns.
        yield f"WHEN j % 6 IN (2, 4) THEN {_one_of(values, f'({_C} + {_C} / {count} * {number}) % {count}')}"


def _one_of(values: list[str], turn: str) -> str:
    """The value of that number, from 0. Arrays cannot stand in an array: theirs would be one of two dimensions."""
    if not any(value.endswith("[]") for value in values):
        return f"(ARRAY[{', '.join(values)}])[1 + {turn}]"
    return f"CASE {turn} {' '.join(f'WHEN {number} THEN {value}' for number, value in enumerate(values))} END"


def _rare(column: Column, looked: Looked) -> Iterator[str]:
    """A text that is as long as may be, where that is too long for many."""
    size = sized(column.base)[1]
    if _SHORT < size <= LONGEST and longest(column.base) and not looked.tame:
        yield f"WHEN j % 1009 = 13 THEN {longest(column.base)}"


def _long(column: Column, looked: Looked, tried: Tried, *, once: bool) -> Iterator[str]:
    """Texts of lengths that are looked for, in rows that are plain else."""
    for place, value in enumerate([] if looked.tame else tried.long.get(column.name, ())):
        yield f"WHEN {'j' if once else 'j % 1009'} = {25 + 12 * place} THEN {value}"


def _joint(column: Column, tried: Tried) -> Iterator[str]:
    count = len(tried.joint)
    for place, together in enumerate(tried.joint):
        values = together.get(column.name)
        if values:
            before = [each for each in together if each < column.name]
            stride = 1
            for each in before:
                stride *= len(together[each])
            turn = f"{_Q} / {count} / {stride} % {len(values)}"
            yield f"WHEN j % 3 = 0 AND {_Q} % {count} = {place} THEN {_one_of(values, turn)}"


def _once(column: Column, tried: Tried, values: list[str]) -> Iterator[str]:
    """Each value in one row: what a statement looks for in the first of its rows, the others one by one."""
    first = {
        place: together[column.name][0]
        for place, together in enumerate(tried.joint)
        if together.get(column.name) and not together[column.name][0].startswith("NULL")
    }
    taken: dict[str, int] = {}
    for place, value in first.items():
        if _key(value) not in taken:
            taken[_key(value)] = place
            yield f"WHEN {_Q} = {place} AND j % 3 = 0 THEN {value}"
    alone = {_key(value): value for value in reversed(values) if _key(value) not in taken}
    others = [*reversed(alone.values())]
    if others:
        yield f"WHEN j % 6 IN (2, 4) AND {_C} < {len(others)} THEN {_one_of(others, _C)}"


def _key(value: str) -> str:
    """Two values that are one but for letters and blanks would be one where a migration makes them so."""
    return re.sub(r"[\s']+", "", value.casefold())
