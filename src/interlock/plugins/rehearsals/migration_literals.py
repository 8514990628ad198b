"""What a change's own SQL looks for, as values for the columns that it names.

Rules:
1. A literal is tried in the column that it belongs to, and in the others of its statement that are of its kind;
   with what lies just below and above it, with more text around it, and as a part of objects and arrays.
2. What one statement looks for stands together in the same rows too: where it asks for two things at once, there
   are rows that have both, in every combination.
3. The server says whether a literal is a value of a column. What is none is left out.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from interlock.plugins.rehearsals.migration_palette import palette, sized
from interlock.plugins.rehearsals.migration_put import FARTHEST, Put, is_put, keys_of, put_by
from interlock.plugins.rehearsals.migration_tables import Table
from interlock.plugins.rehearsals.migration_values import Column
from interlock.plugins.rehearsals.sql_asking import Asking, literal
from interlock.plugins.rehearsals.sql_words import DATA, Word, names, sought, target, verb, words, written

MOST_SINGLE, MOST_JOINT, MOST_STATEMENTS, OF_ONE_SHAPE = 60, 6, 60, 50
LONG, LONGEST, MOST_LONG, MOST_ELEMENTS = 1_000, 100_000, 6, 1_000
"""From so many letters on a text stands in few rows, up to so many is one tried, and so many of them; elements."""
_AROUND = ("Aa {} zZ", "{}Zz", "Zz{}")
_READS = frozenset({*DATA, "SELECT", "ALTER", "CREATE", "DO", "CALL", "WITH"})


@dataclass(slots=True)
class Tried:
    """Values worth a try in one table: by column, and by statement what stands together.

    ``long`` are texts for a few rows. ``distinct`` are its columns that must differ from row to row. Rows like
    those that the change itself ``put`` in are not there before.
    """

    single: dict[str, list[str]] = field(default_factory=dict)
    joint: list[dict[str, list[str]]] = field(default_factory=list)
    long: dict[str, list[str]] = field(default_factory=dict)
    distinct: frozenset[str] = frozenset()
    put: Put = field(default_factory=Put)


def tried(asking: Asking, tables: Sequence[Table], statements: Sequence[str]) -> dict[int, Tried]:
    """What these statements look for, by the table's number."""
    found: dict[int, Tried] = {each.oid: Tried(distinct=each.distinct) for each in tables}
    for of in _different(statements):
        if is_put(of):
            for table in (each for each in tables if each.name == target(of)):
                _note(asking, table, of, found[table.oid].put)
            continue
        mentioned = frozenset(names(of))
        mine = [each for each in tables if each.name in mentioned]
        for table in mine or tables:
            _take(asking, table, of, mentioned, found[table.oid], named=bool(mine))
    return found


def _note(asking: Asking, table: Table, of: Sequence[Word], into: Put) -> None:
    """What this INSERT puts in."""
    given = [*put_by(of, table)]
    keys = keys_of(table, {name for name, _ in given})
    for name, value in given:
        column = table.column(name)
        if column is None:
            if value.text.isdigit() and int(value.text) < FARTHEST:
                into.last[name] = max(into.last.get(name, 0), int(value.text))
        elif name in keys:
            text = f"{literal(value.text)}::{column.base}"
            same = f"({text}) = ({text})"
            held = into.values.setdefault(name, [])
            held += [text] if text not in held and _good(asking, column, [text]) and _answers(asking, same) else []
    into.by.append(written(of))


def _answers(asking: Asking, expression: str) -> bool:
    """Whether the server can say what this is."""
    try:
        asking.one(f"SELECT {expression}")
    except Exception:  # noqa: BLE001  # no value of this type, or of one that cannot be compared
        return False
    return True


def _different(statements: Sequence[str]) -> list[list[Word]]:
    """The statements and those in their bodies; of those that differ in their literals alone not all."""
    shapes: dict[tuple[str, ...], int] = {}
    kept: list[list[Word]] = []
    for text in dict.fromkeys(statements):
        for of in each_within(words(text)):
            shape = tuple("?" if one.kind in {"text", "number"} else one.text for one in of)
            shapes[shape] = shapes.get(shape, 0) + 1
            if shapes[shape] <= OF_ONE_SHAPE and verb(of) in _READS and not _of_the_catalog(of):
                kept.append(of)
    return kept


def _of_the_catalog(of: Sequence[Word]) -> bool:
    return any(one.text in {"pg_catalog", "pg_class", "information_schema"} for one in of)


def each_within(of: Sequence[Word], depth: int = 0) -> Iterator[list[Word]]:
    """A statement, and the statements of the bodies and of the texts in it that are SQL themselves."""
    yield [*of]
    for each in of:
        if depth < 3 and (each.kind == "body" or (each.kind == "text" and _is_sql(each.text))):  # noqa: PLR2004  # a body in a body in a text
            yield from _split(words(each.text), depth + 1)


def _split(of: Sequence[Word], depth: int) -> Iterator[list[Word]]:
    now: list[Word] = []
    for each in [*of, Word("mark", ";")]:
        # In a body a statement also begins behind THEN, LOOP and BEGIN.
        if each == Word("mark", ";") or each.says("BEGIN", "ATOMIC", "LOOP", "THEN"):
            if now:
                yield from each_within(now, depth)
            now = []
        else:
            now.append(each)


def _is_sql(text: str) -> bool:
    first = text.split(maxsplit=1)
    return len(first) > 1 and first[0].upper() in {*DATA, "SELECT", "WITH", "ALTER"}


def _take(
    asking: Asking, table: Table, of: Sequence[Word], mentioned: frozenset[str], into: Tried, *, named: bool
) -> None:
    columns = [each for each in table.columns if each.name in mentioned]
    if not columns:
        return
    known = {each.name for each in columns}
    mine: dict[str, list[list[str]]] = {each.name: [] for each in columns}
    others: dict[str, list[str]] = {each.name: [] for each in columns}
    keys = [each.literal.text for each in sought(of) if each.literal.kind == "text"]
    for each in sought(of):
        owner = next((name for name in each.near if name in known), "")
        for column in columns:
            if column.name == owner:
                mine[owner].append([*_shaped(column, each.literal, keys)])
            elif each.literal.kind != "name":
                others[column.name] += _shaped(column, each.literal, keys)
    together: dict[str, list[str]] = {}
    for column in columns:
        long = into.long.setdefault(column.name, [])
        lengths = [one for each in sought(of) for one in _lengthy(column, each.literal) if one not in long]
        long += [*dict.fromkeys(lengths)][: MOST_LONG - len(long)]
        # The literals themselves come first, and what is made of them behind.
        turns = itertools.chain.from_iterable(itertools.zip_longest(*mine[column.name]))
        first = _good(asking, column, [one for one in turns if one is not None])
        more = _good(asking, column, others[column.name])
        held = into.single.setdefault(column.name, [])
        held += [one for one in (*first, *more) if one not in held][: MOST_SINGLE - len(held)]
        if column.category == "B":
            first = [f"{one}::boolean" for one in ("true", "false")]
        if first or more:
            together[column.name] = (first or more)[:MOST_JOINT]
    if named and together and len(into.joint) < MOST_STATEMENTS:
        into.joint.append(together)


def _good(asking: Asking, column: Column, values: Sequence[str]) -> list[str]:
    """Those that are values of this column; asked at once, and one by one where one is none."""
    found = [*dict.fromkeys(values)]
    if not found or _are(asking, found, column):
        return found
    return [each for each in found if _are(asking, [each], column)]


def _are(asking: Asking, values: Sequence[str], column: Column) -> bool:
    return _answers(asking, ", ".join(f"({value})::{column.base}" for value in values))


def _shaped(column: Column, word: Word, keys: Sequence[str]) -> Iterator[str]:
    """Expressions of this column's type, made of one literal."""
    base = column.base
    if word.kind == "name":
        yield from () if column.required else (f"NULL::{base}",)
        return
    if base in {"json", "jsonb"}:
        texts: Iterator[str] = _objects(word, keys)
    elif base.endswith("[]"):
        yield from _arrays(base, word)
        texts = iter((word.text,)) if word.text.startswith("{") else iter(())
    elif column.category == "S":
        texts = _texts(word)
    elif column.category == "N":
        texts = _numbers(word.text)
    elif column.category == "D" and word.kind == "text":
        yield f"{literal(word.text)}::{base}"
        yield from (f"({literal(word.text)}::{base} {way} interval '1 day')::{base}" for way in "+-")
        return
    else:
        texts = iter((word.text,) if word.kind == "text" else ())
    yield from (f"{literal(each)}::{base}" for each in texts)


def _texts(word: Word) -> Iterator[str]:
    text = word.text
    if word.kind == "number":
        yield text
        if text.isdigit() and 0 < int(text) < LONG:
            yield from (("Abc Dé" * (int(text) // 6 + 1))[: int(text) + more] for more in (0, 1))
        return
    if "%" in text or "_" in text:
        yield text.replace("%", "").replace("_", "q")
        yield text.replace("%", "Zz").replace("_", "q")
    yield text
    yield from (around.format(text) for around in _AROUND if text and "{" not in text)
    yield from (each for each in (text.upper(), text.lower(), text.title()) if each != text)


def _lengthy(column: Column, word: Word) -> Iterator[str]:
    """Texts of as many letters as a number says, and of one more."""
    size = sized(column.base)[1]
    if word.kind == "number" and word.text.isdigit() and column.category == "S" and not column.labels:
        for many in (int(word.text), int(word.text) + 1):
            if LONG <= many <= LONGEST + 1 and not 0 < size < many:
                yield f"left(repeat('Abc Dé', {many // 6 + 1}), {many})::{column.base}"


def _numbers(text: str) -> Iterator[str]:
    yield text
    if text.lstrip("-").isdigit():
        yield from (str(int(text) + step) for step in (-1, 1))
        return
    whole, _, parts = text.partition(".")
    if parts.isdigit() and whole.lstrip("-").isdigit():
        last = 10 ** len(parts)
        number = int(f"{whole}{parts}")
        for each in (number - 1, number + 1):
            yield f"{'-' if each < 0 else ''}{abs(each) // last}.{abs(each) % last:0{len(parts)}d}"


def _objects(word: Word, keys: Sequence[str]) -> Iterator[str]:
    """Objects with this as a key, as a value, and as a path."""
    text = word.text
    try:
        if isinstance(json.loads(text), dict):
            yield text
    except ValueError:
        pass
    if word.kind != "text":
        return
    path = [part.strip(' "') for part in text[1:-1].split(",")] if text[:1] + text[-1:] == "{}" else [text]
    for inside in ("Vv 1", {"Deep": [1, " x "]}, None):
        made: object = inside
        for part in reversed([part for part in path if part]):
            made = {part: made}
        yield json.dumps(made)
    yield from (json.dumps({key: text, "Other": 1.5}) for key in keys[:4] if key != text)


def _arrays(base: str, word: Word) -> Iterator[str]:
    kind = base.removesuffix("[]")
    each = f"{literal(word.text)}::{kind}"
    yield f"ARRAY[{each}]::{base}"
    yield f"ARRAY[{each}, NULL, {each}]::{base}"
    if word.kind == "number" and word.text.isdigit() and int(word.text) <= MOST_ELEMENTS:
        element = next(iter(palette(kind)), f"'1'::{kind}")
        yield from (f"array_fill({element}, ARRAY[{int(word.text) + more}])::{base}" for more in (0, 1))
