"""What a migration sent that touched nothing here, and so says nothing of its way back.

Rules:
1. A statement that changes rows counts by the server's word for how many. One that is sent again and again, with
   other numbers in it, is one: the last round of a loop touches nothing.
2. What is in a body (``DO``, a function that is called) or in a WITH is counted by its table: the rows of that
   kind beyond those that other statements touched.
3. An UPDATE after which no value of the columns it sets is another touched nothing either. Neither did a query
   that asked for certain rows and got none, where nothing was written to that table.
4. On the way back this holds for what could be there before. Of a column that the migration itself brings, no row
   that was there before can have another value than it gave.
5. An INSERT loses nothing by itself: one that looks first whether a row is there may put in none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.core.rehearsal.migration import State
from interlock.plugins.rehearsals.migration_literals import each_within
from interlock.plugins.rehearsals.sql_wire import Sent
from interlock.plugins.rehearsals.sql_words import (
    DATA,
    Word,
    changed,
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
    """

    sent: Sequence[Sent]
    before: State
    after: State
    known: State
    own: Sequence[str]

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


def unchanged(way: Way, before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """The statements that set rows and left every value as it was."""
    found: list[str] = []
    for one in way.sent:
        for of in (words(one.text), *_hidden(one, way.sent)):
            columns = changed(of) if verb(of) == "UPDATE" and not one.error and way.counts(of) else ()
            if columns and all(_same(way, target(of), column, before, after) for column in columns):
                found.append(written(of))
    return tuple(dict.fromkeys(shortened(each) for each in found))


def _same(way: Way, table: str, column: str, before: Fingerprint, after: Fingerprint) -> bool:
    told = [each.name for each in way.before.values() if each.name.rpartition(".")[2] == table]
    items = [f"table {name} values of {column}" for name in told]
    return bool(items) and all(
        item in before.items and before.items[item] == after.items.get(item) for item in items
    )


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
        for of in _hidden(one, sent):
            if way.counts(of) and not _looks_first(of) and _beyond(way, of, sent) <= 0:
                yield written(of)


def _hidden(one: Sent, sent: Sequence[Sent]) -> Iterator[list[Word]]:
    """What changes rows within a statement, where that was run."""
    of = words(one.text)
    for each in inside(of):
        yield each
    if verb(of) == "CREATE" and not _called(of, sent):
        return
    if verb(of) in {"DO", "CREATE"}:
        for each in [*each_within(of)][1:]:
            if verb(each) in DATA:
                yield each
            yield from inside(each)


def _called(of: Sequence[Word], sent: Sequence[Sent]) -> bool:
    """Whether the function that is made here is called by what was sent."""
    kinds = [place for place, each in enumerate(of) if each.says("FUNCTION", "PROCEDURE")]
    behind = [each.text for each in of[kinds[0] + 1 : kinds[0] + 4] if each.kind == "name"] if kinds else []
    calls = [words(one.text) for one in sent if one.tag in {"SELECT", "CALL", "DO", *DATA}]
    return any(name in names(call) for name in behind[-1:] for call in calls)


def _beyond(way: Way, of: Sequence[Word], sent: Sequence[Sent]) -> int:
    """How many rows of the target's were touched, besides those of statements that say so themselves."""
    table, kind = target(of), verb(of)
    places = [_PLACE[kind]] if kind in _PLACE else [0, 1, 2]
    total = 0
    for number, now in way.after.items():
        if not table or now.name.rpartition(".")[2] == table:
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
        if not about or any(fnmatchcase(name, each) for name in about for each in way.own) or _sure(of):
            continue
        if any(_written(way, tables[name]) for name in about):
            continue
        key = _NUMBER.sub("?", one.text)
        found[key] = found.get(key, 0) + (one.rows or 0)
        first.setdefault(key, one.text)
    return (first[key] for key, count in found.items() if not count)


def _sure(of: Sequence[Word]) -> bool:
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


def told(statements: Sequence[str], *, how: str) -> tuple[str, ...]:
    """What is said of them."""
    return tuple(f"not shown: `{each}` {how}" for each in statements)


def needed(statements: Sequence[str]) -> str:
    """The rows that would show it."""
    listed = [f"`{each}`" for each in statements]
    more = f" and {len(listed) - 2} more" if len(listed) > 2 else ""  # noqa: PLR2004  # two are named
    return f"rows that {', '.join(listed[:2])}{more} changes (seed:)"
