"""A statement that was sent, read for what it looks for: what it does, to which names, with which literals.

Rules:
1. It is read word by word and not understood: nothing here decides what a migration does. What it finds are values
   that are worth a try in rows that are made up, and names for people.
2. A literal belongs to the name before it, or to the one behind it where none is before (``'x' = ANY (tags)``).
3. A body in dollar quotes has statements of its own. So has a WITH.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

Kind = Literal["name", "text", "number", "place", "body", "mark"]
DATA = ("UPDATE", "DELETE", "INSERT", "MERGE")
"""What changes rows."""

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')|(?P<text>[nN]?'(?:[^']|'')*')
    |(?P<body>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)|(?P<place>\$\d+)
    |(?P<quoted>"(?:[^"]|"")*")|(?P<number>(?<![\w.])(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<name>[^\W\d][\w$]*)|(?P<space>\s+)|(?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)
_SHOWN = 90
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_STARTS = frozenset({*DATA, "SELECT"})
_NOT_NAMES = frozenset(
    [
        "ALL",
        "AND",
        "ANY",
        "ARRAY",
        "AS",
        "ASC",
        "BETWEEN",
        "BY",
        "CASE",
        "CAST",
        "COALESCE",
        "CROSS",
        "DATE",
        "DEFAULT",
        "DELETE",
        "DESC",
        "DISTINCT",
        "DO",
        "ELSE",
        "END",
        "EXISTS",
        "FALSE",
        "FROM",
        "GROUP",
        "HAVING",
        "ILIKE",
        "IN",
        "INNER",
        "INSERT",
        "INTERVAL",
        "INTO",
        "IS",
        "JOIN",
        "LEFT",
        "LIKE",
        "LIMIT",
        "LOWER",
        "NOT",
        "NOW",
        "NULL",
        "NULLIF",
        "OFFSET",
        "ON",
        "OR",
        "ORDER",
        "OUTER",
        "RETURNING",
        "RIGHT",
        "ROW",
        "SELECT",
        "SET",
        "SIMILAR",
        "THEN",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "TO",
        "TRIM",
        "TRUE",
        "UNION",
        "UPDATE",
        "UPPER",
        "USING",
        "VALUES",
        "WHEN",
        "WHERE",
        "WITH",
    ]
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: a name in small letters unless it was quoted, a text without its quotes; ``raw`` is as written."""

    kind: Kind
    text: str
    raw: str = field(default="", compare=False)

    def says(self, *words: str) -> bool:
        """Whether it is one of these words of SQL."""
        return self.kind == "name" and self.text.upper() in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A literal, and the names that it may belong to: the nearest first."""

    literal: Word
    near: tuple[str, ...]


def words(statement: str) -> list[Word]:
    """The words of a statement, without comments."""
    found: list[Word] = []
    gap = ""
    for part in _TOKEN.finditer(statement):
        kind = part.lastgroup if part.lastgroup != "tag" else "body"
        text = part[0]
        raw, gap = f"{gap}{text}", "" if kind not in {"space", "comment"} else " "
        if kind == "quoted":
            found.append(Word("name", text[1:-1].replace('""', '"'), raw))
        elif kind == "escaped":
            found.append(Word("text", _unescaped(text[2:-1]), raw))
        elif kind == "text":
            found.append(Word("text", text[text.index("'") + 1 : -1].replace("''", "'"), raw))
        elif kind == "body":
            found.append(Word("body", text[text.index("$", 1) + 1 : text.rindex("$", 0, -1)], raw))
        elif kind == "name":
            found.append(Word("name", text.lower(), raw))
        elif kind in {"number", "place", "mark"}:
            found.append(Word(kind, text, raw))  # type: ignore[arg-type]  # one of the three
    return found


def written(of: Sequence[Word]) -> str:
    """Words as they were written, in one line."""
    return "".join(each.raw or f" {each.text}" for each in of).strip()


def shortened(text: str) -> str:
    """A statement in one line, for people."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)|''", lambda one: _ESCAPES.get(one[1], one[1]) if one[1] else "'", text, flags=re.DOTALL)


def verb(of: Sequence[Word]) -> str:
    """What a statement does, behind its WITH, as a word of SQL."""
    first = of[0].text.upper() if of and of[0].kind == "name" else ""
    if first != "WITH":
        return first
    depth = 0
    for each in of[1:]:
        depth += (each.text == "(") - (each.text == ")") if each.kind == "mark" else 0
        if not depth and each.says(*_STARTS):
            return each.text.upper()
    return first


def inside(of: Sequence[Word]) -> Iterator[list[Word]]:
    """What changes rows in a part of a statement: ``WITH gone AS (DELETE …) SELECT …``."""
    for place, (before, each) in enumerate(pairwise(of)):
        if before != Word("mark", "(") or not each.says(*DATA):
            continue
        depth, end = 1, place + 1
        while end < len(of) and depth:
            depth += (of[end] == Word("mark", "(")) - (of[end] == Word("mark", ")"))
            end += 1
        yield [*of[place + 1 : end - 1]]


def target(of: Sequence[Word]) -> str:
    """The table that a statement changes, or the rows of, without its schema; empty where it cannot be said."""
    what, depth = verb(of), 0
    for place, each in enumerate(of):
        depth += (each == Word("mark", "(")) - (each == Word("mark", ")"))
        if depth or not each.says(what):
            continue
        rest = [*of[place + 1 : place + 8]]
        while rest and rest[0].says("FROM", "INTO", "ONLY", "TABLE", "IF", "EXISTS"):
            del rest[0]
        while len(rest) > 2 and rest[1] == Word("mark", "."):  # noqa: PLR2004  # a schema, a dot and a name
            del rest[:2]
        return rest[0].text if rest and rest[0].kind == "name" else ""
    return ""


def at_top(of: Sequence[Word]) -> Iterator[tuple[int, Word]]:
    """The words outside of parentheses, with their places."""
    depth = 0
    for place, each in enumerate(of):
        depth -= each.kind == "mark" and each.text in ")]"
        if not depth:
            yield place, each
        depth += each.kind == "mark" and each.text in "(["


def parted(of: Sequence[Word]) -> list[list[Word]]:
    """What stands between the commas outside of parentheses."""
    ends = [place for place, each in at_top(of) if each == Word("mark", ",")]
    return [
        [*of[begin:end]] for begin, end in zip([0, *(each + 1 for each in ends)], [*ends, len(of)], strict=True)
    ]


def changed(of: Sequence[Word]) -> tuple[str, ...]:
    """The columns that an UPDATE sets."""
    found: list[str] = []
    depth, setting = 0, False
    for before, each in pairwise(of):
        depth += (before.text == "(") - (before.text == ")") if before.kind == "mark" else 0
        if not depth and before.says("SET"):
            setting = True
        elif not depth and before.says("FROM", "WHERE", "RETURNING"):
            setting = False
        if (setting and not depth and before.kind == "name" and each == Word("mark", "=")) or (
            setting and depth == 1 and before.kind == "name" and _listed(of, before)
        ):
            found.append(before.text)
    return tuple(dict.fromkeys(found))


def _listed(of: Sequence[Word], name: Word) -> bool:
    """Whether a name stands in ``SET (a, b) =``."""
    for place, each in enumerate(of):
        if each.says("SET") and of[place + 1 : place + 2] == [Word("mark", "(")]:
            rest = [*of[place + 2 :]]
            end = rest.index(Word("mark", ")")) if Word("mark", ")") in rest else 0
            return name in rest[:end] and rest[end + 1 : end + 2] == [Word("mark", "=")]
    return False


def names(of: Sequence[Word]) -> tuple[str, ...]:
    """Every name in it, each once."""
    return tuple(dict.fromkeys(each.text for each in of if _is_name(each)))


def _is_name(word: Word) -> bool:
    return word.kind == "name" and word.text.upper() not in _NOT_NAMES


def sought(of: Sequence[Word]) -> Iterator[Sought]:
    """Every literal, in order; ``NULL`` is one where something is asked for that is NULL."""
    for place, each in enumerate(of):
        nothing = each.says("NULL") and place and of[place - 1].says("IS")
        if each.kind not in {"text", "number"} and not nothing:
            continue
        before = [one.text for one in reversed(of[:place]) if _is_name(one)]
        behind = [one.text for one in of[place + 1 : place + 8] if _is_name(one)]
        minus = each.kind == "number" and place and of[place - 1] == Word("mark", "-") and not _minus(of, place)
        literal = Word("number", f"-{each.text}") if minus else each
        yield Sought(literal=literal, near=tuple(dict.fromkeys([*before[:4], *behind, *before[4:]])))


def _minus(of: Sequence[Word], place: int) -> bool:
    """Whether the mark before a number takes it from something."""
    before = of[place - 2] if place > 1 else Word("mark", "(")
    return before.kind in {"number", "place"} or before == Word("mark", ")") or _is_name(before)


def bound(statement: str, values: Sequence[str | None]) -> str:
    """A statement with the values of its places written into it; ``?`` stands for one that cannot be read."""

    def put(part: re.Match[str]) -> str:
        number = int(part["place"][1:]) if part["place"] else 0
        if not 0 < number <= len(values):
            return part[0]
        value = values[number - 1]
        return "NULL" if value is None else value

    return _TOKEN.sub(put, statement)
