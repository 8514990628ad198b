"""What a migration sent that touched nothing here, and so says nothing of its way back.

Rules:
1. A statement that changes rows counts by the server's word for how many. One that is sent again and again, with
   other numbers in it, is one: the last round of a loop touches nothing.
2. What is in a body (``DO``, a function that is called) or in a WITH is counted by its table: the rows of that
   kind beyond those that other statements touched.
3. A query that asked for certain rows and got none touched nothing either, where nothing was written to its table.
4. On the way back this holds for what could be there before. Of a column that the migration itself brings, no row
   that was there before can have another value than it gave.
5. An INSERT loses nothing by itself: one that looks first whether a row is there may put in none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from interlock.core.rehearsal.migration import State
from interlock.plugins.rehearsals.migration_literals import each_within
from interlock.plugins.rehearsals.migration_routines import RAN
from interlock.plugins.rehearsals.sql_wire import Sent
from interlock.plugins.rehearsals.sql_words import (
    DATA,
    Word,
    inside,
    names,
    shortened,
    target,
    verb,
    words,
    written,
)

_PLACE = {"INSERT": 0, "UPDATE": 1, "DELETE": 2}
_NUMBER = re.compile(r"(?<![\w'.])-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One migration's way, up or back: what was sent, and every table before and after it.

    ``known`` are the tables as they were before the migration went up; ``own`` are names of what does not count.
    ``parts`` are the partitions of each partitioned table by name. ``program`` is whether a program sent it, which
    reads what is answered.
    """

    sent: Sequence[Sent]
    before: State
    after: State
    known: State
    own: Sequence[str]
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    program: bool = False

    def counts(self, of: Sequence[Word]) -> bool:
        """Whether it is about a table that counts, and about what was there before."""
        table = target(of)
        return not table or not any(fnmatchcase(table, each) for each in self.own)


def untouched(way: Way, *, back: bool = False) -> tuple[str, ...]:
    """The statements that touched nothing, each once."""
    good = [one for one in way.sent if not one.error and not _of_a_new_column(way, words(one.text), back=back)]
    found = [*_by_count(way, good), *_by_table(way, good)]
    if not back:
        found += _asked(way, good)
    return tuple(dict.fromkeys(shortened(each) for each in found))


def _by_count(way: Way, sent: Sequence[Sent]) -> Iterator[str]:
    rows: dict[str, int] = {}
    first: dict[str, str] = {}
    for one in sent:
        of = words(one.text)
        if one.tag in DATA and one.rows is not None and way.counts(of) and not _looks_first(of):
            key = _NUMBER.sub("?", one.text)
            rows[key] = rows.get(key, 0) + one.rows
            first.setdefault(key, one.text)
    return (first[key] for key, count in rows.items() if not count)


def _looks_first(of: Sequence[Word]) -> bool:
    """Whether an INSERT may put in nothing for a reason of its own."""
    text = f" {written(of).upper()} "
    return verb(of) == "INSERT" and (" SELECT " not in text or " ON CONFLICT " in text or " NOT EXISTS(" in text)


def _by_table(way: Way, sent: Sequence[Sent]) -> Iterator[str]:
    for one in sent:
        for of in _hidden(one):
            if way.counts(of) and not _looks_first(of) and _beyond(way, of, sent) <= 0:
                yield written(of)


def _hidden(one: Sent) -> Iterator[list[Word]]:
    """What changes rows within a statement, where that was run."""
    return (each for each in within(one) if verb(each) in DATA)


def within(one: Sent) -> Iterator[list[Word]]:
    """The statements within one, where they were run."""
    of = words(one.text)
    yield from inside(of)
    if verb(of) == "CREATE" and one.tag != RAN:
        return
    if verb(of) in {"DO", "CREATE"}:
        for each in [*each_within(of)][1:]:
            yield each
            yield from inside(each)


def _beyond(way: Way, of: Sequence[Word], sent: Sequence[Sent]) -> int:
    """How many rows of the target's were touched, besides those of statements that say so themselves."""
    table, kind = target(of), verb(of)
    places = [_PLACE[kind]] if kind in _PLACE else [0, 1, 2]
    total = 0
    for number, now in way.after.items():
        # Rows of a partitioned table are its partitions' too.
        if (now.name.rpartition(".")[2] == table) if table else now.file:
            was = way.before.get(number)
            total += sum(now.changes[place] - (was.changes[place] if was else 0) for place in places)
    told = [one for one in sent if one.tag == kind and table in {"", target(words(one.text))}]
    return total - sum(one.rows or 0 for one in told)


def _asked(way: Way, sent: Sequence[Sent]) -> Iterator[str]:
    """Queries for certain rows of tables that are there, which got none, and no row of that table was written."""
    tables = {each.name.rpartition(".")[2]: number for number, each in way.before.items()}
    found: dict[str, int] = {}
    first: dict[str, str] = {}
    for one in sent:
        of = words(one.text)
        if one.tag != "SELECT" or verb(of) != "SELECT" or not any(each.says("WHERE") for each in of):
            continue
        about = [name for name in names(of) if name in tables]
        if not about or any(fnmatchcase(name, each) for name in about for each in way.own) or of_the_catalog(of):
            continue
        if any(_written(way, tables[name]) for name in about):
            continue
        key = _NUMBER.sub("?", one.text)
        found[key] = found.get(key, 0) + (one.rows or 0)
        first.setdefault(key, one.text)
    return (first[key] for key, count in found.items() if not count)


def of_the_catalog(of: Sequence[Word]) -> bool:
    """Whether a query asks the server's own catalog."""
    return any(each.text.startswith("pg_") or each.text == "information_schema" for each in of)


def _written(way: Way, number: int) -> bool:
    now = way.after.get(number)
    return now is None or now.written > way.before[number].written


def _of_a_new_column(way: Way, of: Sequence[Word], *, back: bool) -> bool:
    """Whether a statement of the way back is about what the migration brought."""
    if not back:
        return False
    table, mentioned = target(of), {*names(of)}
    for number, now in way.before.items():
        if table and now.name.rpartition(".")[2] != table:
            continue
        was = way.known.get(number)
        if was is None and table:
            return True
        new = {each.name for each in now.columns.values()} - {
            each.name for each in (was.columns if was else {}).values()
        }
        if new & mentioned:
            return True
    return False
