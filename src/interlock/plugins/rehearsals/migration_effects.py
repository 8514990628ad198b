"""What a migration sent that had no effect on any value or row here, though rows were there.

Rules:
1. A column that an UPDATE sets, or an ALTER … USING makes anew, and of which no value is another afterwards: what
   is done to values of another shape is not known. Each column is asked for by itself.
2. The same holds for what an INSERT … SELECT or a CREATE TABLE … AS makes of a column of a table that is gone or
   empty afterwards, and for a condition by which it left out no row of it.
3. USING that does nothing but cast has no doubt: the lengths in it are tried.
4. Rows that the migration's own program asked for, and behind which it wrote nothing into that table, nor as many
   rows into another: it may write behind others. Whether there are rows, and how many, says nothing of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.plugins.rehearsals.migration_doubts import Way, of_the_catalog, within
from interlock.plugins.rehearsals.sql_wire import Sent
from interlock.plugins.rehearsals.sql_words import (
    DATA,
    Word,
    at_top,
    changed,
    names,
    parted,
    shortened,
    target,
    verb,
    words,
    written,
)

_TYPE = (
    r"""[\w".]+(?:\s+(?:varying|precision|with|without|time|zone))*"""
    r"""\s*(?:\(\s*\d+\s*(?:,\s*\d+\s*)?\))?(?:\s*\[\s*\])*"""
)
_CAST = re.compile(
    rf"""\(*\s*[\w".]+\s*\)*(?:\s*::\s*{_TYPE}\s*\)*)*|CAST\s*\(\s*[\w".]+\s+AS\s+{_TYPE}\s*\)""", re.IGNORECASE
)
_FILTERS = ("WHERE", "JOIN", "LIMIT", "OFFSET", "FETCH", "HAVING", "DISTINCT", "EXCEPT", "INTERSECT", "CONFLICT")
_KEEPS = frozenset({"LEFT", "FULL", "OUTER"})
"""Before a JOIN: it leaves out no row of what stands before it."""
_WHOLE = frozenset({"count", "exists"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Everything before the migrations went up, and afterwards."""

    before: Fingerprint
    after: Fingerprint

    def rows(self, of: str, *, after: bool = False) -> int | None:
        """How many rows a table has; None where that is not known."""
        text = (self.after if after else self.before).items.get(f"table {of} rows", "").partition(", ")[0]
        return _number(text)

    def same(self, was: str, now: str) -> bool:
        """Whether two columns, each by its item, are one in all values. One without a value is not."""
        text = self.before.items.get(was)
        return text is not None and text == self.after.items.get(now) and not text.startswith("0 of ")


def unchanged(way: Way, looks: Looks) -> tuple[str, ...]:
    """The statements that set a column, or made it anew, and left every value of it as it was."""
    found: list[str] = []
    for one in way.sent:
        for of in () if one.error else (words(one.text), *within(one)):
            if not way.counts(of):
                continue
            columns = changed(of) if verb(of) == "UPDATE" else [*_made_anew(of)] if verb(of) == "ALTER" else ()
            if any(_same(way, target(of), column, looks) for column in columns) or _copied(way, of, looks):
                found.append(written(of))
    return tuple(dict.fromkeys(shortened(each) for each in found))


def _same(way: Way, table: str, column: str, looks: Looks) -> bool:
    """Whether no value of this column is another; of a partitioned table in none of its partitions."""
    for number, was in way.before.items():
        if was.name.rpartition(".")[2] != table:
            continue
        parts = way.parts.get(was.name, ())
        if parts:
            named = [f"table {each} values of {column}" for each in parts]
            there = [each for each in named if not looks.before.items.get(each, "0 of ").startswith("0 of ")]
            return bool(there) and all(looks.same(each, each) for each in there)
        now = way.after.get(number)
        place = next((place for place, each in was.columns.items() if each.name == column), 0)
        later = now.columns.get(place) if now else None
        known = (now.name, later.name) if now and later else (was.name, column)
        return looks.same(f"table {was.name} values of {column}", f"table {known[0]} values of {known[1]}")
    return False


def _made_anew(of: Sequence[Word]) -> Iterator[str]:
    """The columns that an ALTER TABLE makes of an expression that is more than a cast."""
    for part in parted(of):
        places = [place for place, each in at_top(part) if each.says("USING")]
        if not places or not any(each.says("TYPE") for each in part[: places[0]]):
            continue
        starts = [place for place, each in enumerate(part[: places[0]]) if each.says("ALTER")]
        head = [each for each in part[starts[-1] + 1 : places[0]] if not each.says("COLUMN")] if starts else []
        how = written(part[places[0] + 1 :])
        if head and not (_CAST.fullmatch(how) and not ("[" in how and "(" in how)):
            yield head[0].text


def left_out_none(way: Way, looks: Looks) -> tuple[str, ...]:
    """The statements that copied a table which is gone afterwards, by a condition that left out no row of it."""
    found: list[str] = []
    for one in way.sent:
        of = words(one.text)
        gone = [*_gone(way, of, looks)] if not one.error and one.tag in {"INSERT", "SELECT"} else []
        if not gone or one.rows is None or not _filters(of):
            continue
        if any(rows and one.rows >= rows for rows in map(looks.rows, gone)):
            found.append(written(of))
    return tuple(dict.fromkeys(shortened(each) for each in found))


def _filters(of: Sequence[Word]) -> bool:
    for place, each in enumerate(of):
        if each.says(*_FILTERS) and not (each.says("JOIN") and of[place - 1].text.upper() in _KEEPS):
            return True
    return False


def _gone(way: Way, of: Sequence[Word], looks: Looks) -> Iterator[str]:
    """The tables that a statement copies from and that are gone, or empty, at its migration's end."""
    if not ({"INSERT", "CREATE"} & {verb(of)} and any(each.says("SELECT") for each in of)):
        return
    mentioned = {*names(of)} - {target(of)}
    for number, was in way.before.items():
        short = was.name.rpartition(".")[2]
        if short not in mentioned or any(fnmatchcase(short, each) for each in way.own):
            continue
        now = way.after.get(number)
        if now is None or (looks.rows(now.name, after=True) == 0 and looks.rows(was.name)):
            yield was.name


def _copied(way: Way, of: Sequence[Word], looks: Looks) -> bool:
    """Whether it copies a table that goes, and something that it makes of a column is what was there."""
    gone = [*_gone(way, of, looks)]
    places = [place for place, each in at_top(of) if each.says("SELECT")] if gone else []
    if not places:
        return False
    ends = [place for place, each in at_top(of) if each.says("FROM") and place > places[0]]
    given = parted(of[places[0] + 1 : ends[0] if ends else len(of)])
    plain = {name for each in given if _CAST.fullmatch(written(each).strip()) for name in names(each)}
    made = {name for each in given for name in names(each)} - plain
    items = [f"table {table} values of {name}" for table in gone for name in made]
    return any(looks.same(each, each) for each in items)


def only_read(way: Way) -> tuple[str, ...]:
    """What the migration's own program asked for of rows that were there, behind which it wrote nothing there."""
    found: list[str] = []
    tables = {each.name.rpartition(".")[2]: number for number, each in way.before.items() if number in way.known}
    told = _told(way)
    for place, one in enumerate(way.sent if way.program else ()):
        of = _asked(one)
        about = [name for name in dict.fromkeys(names(of)) if name in tables]
        mine = any(fnmatchcase(name, each) for name in about for each in way.own)
        if not about or mine or of_the_catalog(of) or _of_the_whole(of):
            continue
        if not any(_written(way, name, tables[name], place, told) for name in about) and not _led(way, one, place):
            found.append(one.text)
    return tuple(dict.fromkeys(shortened(each) for each in found))


def _asked(one: Sent) -> list[Word]:
    """The query whose rows a program got; empty where there is none, or where it got none."""
    of = words(one.text)
    if one.error or verb(of) not in {"SELECT", "DECLARE", "COPY"} or one.rows == 0:
        return []
    if verb(of) == "COPY" and not any(each.says("STDOUT") for each in of):
        return []
    return of


def _of_the_whole(of: Sequence[Word]) -> bool:
    """Whether it asks no more than whether a table has rows, and how many."""
    return (
        len(of) > 1
        and of[1].text in _WHOLE
        and not any(each.says("WHERE", "FILTER", "HAVING", "JOIN") for each in of)
    )


def _told(way: Way) -> Mapping[str, int]:
    """The rows of each table that statements say of themselves to have written."""
    rows: dict[str, int] = {}
    for one in way.sent:
        if one.tag in DATA and one.rows:
            table = target(words(one.text))
            rows[table] = rows.get(table, 0) + one.rows
    return rows


def _written(way: Way, name: str, number: int, place: int, told: Mapping[str, int]) -> bool:
    """Whether rows of a table were written behind this, or in a body; or whether it is gone."""
    now = way.after.get(number)
    if now is None or now.written - way.before[number].written > told.get(name, 0):
        return True
    later = (one for one in way.sent[place + 1 :] if one.tag in DATA and one.rows)
    return any(target(words(one.text)) == name for one in later)


def _led(way: Way, one: Sent, place: int) -> bool:
    """Whether behind it as many rows were put in, wherever, as it got: each has led to one."""
    put: dict[str, int] = {}
    for each in way.sent[place + 1 :]:
        if each.tag in {"INSERT", "COPY"} and each.rows:
            table = target(words(each.text))
            put[table] = put.get(table, 0) + each.rows
    return one.rows is not None and max(put.values(), default=0) >= one.rows


def _number(text: str) -> int | None:
    plain = text.replace(",", "")
    return int(plain) if plain.isdigit() else None


def told(statements: Sequence[str], *, how: str) -> tuple[str, ...]:
    """What is said of them."""
    return tuple(f"not shown: `{each}` {how}" for each in statements)


def needed(statements: Sequence[tuple[str, str]]) -> str:
    """The rows that would show it, each statement with what it would do to them."""
    listed = [f"`{each}` {does}" for each, does in statements]
    more = f" and {len(listed) - 2} more" if len(listed) > 2 else ""  # noqa: PLR2004  # two are named
    return f"rows that {', that '.join(listed[:2])}{more} (seed:)"
