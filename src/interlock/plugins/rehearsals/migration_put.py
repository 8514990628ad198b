"""Rows that a migration puts in itself: they are taken for rows that were not there before.

Rules:
1. An INSERT that says nothing of rows which are there already would fail at one, aloud, or leaves two. Rows like
   its own are made up in no table: not by the key that it gives, or by anything it gives where that is no key.
2. Where a column fills itself from a sequence and the INSERT names numbers all the same, made-up rows begin behind
   them.
3. One that looks first (``ON CONFLICT``, ``NOT EXISTS``) is another matter: then they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from interlock.plugins.rehearsals.migration_tables import Table
from interlock.plugins.rehearsals.sql_words import Word, target, verb

FARTHEST = 1_000_000


@dataclass(slots=True)
class Put:
    """What is put into one table: values by column, the last number for one that fills itself, and by whom."""

    values: dict[str, list[str]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    by: list[str] = field(default_factory=list)


def is_put(of: Sequence[Word]) -> bool:
    """Whether a statement puts rows of its own in, and does not look first whether they are there."""
    looks = any(each.says("CONFLICT", "EXISTS") for each in of)
    return verb(of) == "INSERT" and not looks and any(each.says("VALUES") for each in of)


def put_by(of: Sequence[Word], table: Table) -> Iterator[tuple[str, Word]]:
    """Each literal that an INSERT into this table puts in, with its column."""
    listed = _columns(of, table) or [each.name for each in table.columns]
    for row in _rows(of):
        for name, value in zip(listed, row, strict=False):
            if value is not None:
                yield name, value


def keys_of(table: Table, given: set[str]) -> set[str]:
    """The columns by which rows are known again: what is unique among those that are given, else all of those."""
    unique = {name for key in table.unique if key <= given for name in key}
    return unique or given


def _columns(of: Sequence[Word], table: Table) -> list[str]:
    """The columns in parentheses behind the table's name."""
    place = next((place for place, each in enumerate(of) if each.text == target(of)), len(of))
    behind = [*of[place + 1 :]]
    if not behind or behind[0] != Word("mark", "(") or table.name != target(of):
        return []
    end = behind.index(Word("mark", ")")) if Word("mark", ")") in behind else 0
    return [each.text for each in behind[1:end] if each.kind == "name"]


def _rows(of: Sequence[Word]) -> Iterator[list[Word | None]]:
    """Each row behind VALUES: its literals, None for what is none."""
    start = next(place for place, each in enumerate(of) if each.says("VALUES"))
    depth, row, item = 0, list[Word | None](), list[Word]()
    for each in of[start + 1 :]:
        depth += each == Word("mark", "(")
        if depth == 1 and each in {Word("mark", ","), Word("mark", ")")}:
            row.append(_literal(item))
            item = []
        elif depth and each != Word("mark", "("):
            item.append(each)
        if each == Word("mark", ")"):
            depth -= 1
            if not depth:
                yield row
                row = []
        if depth < 0 or (not depth and each.says("RETURNING", "ON")):
            return


def _literal(item: Sequence[Word]) -> Word | None:
    if len(item) > 1 and item[0] == Word("mark", "-") and item[1].kind == "number":
        return Word("number", f"-{item[1].text}")
    return item[0] if item and item[0].kind in {"text", "number"} else None
