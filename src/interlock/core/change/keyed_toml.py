"""TOML with lines: values by the standard library, lines by a scan of keys and table headers.

The library refuses a key that appears twice. A line is where the key or the table's header was written; inside
an inline table or an array it is the line of the key that holds it.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal

from interlock.core.change.canonical import Json
from interlock.core.change.keyed import MAX_DEPTH, Node, Single, malformed, mapping, number, sequence, too_big

_PIECE = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_HEADER = re.compile(r"\s*(\[\[?)")
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)
_WHERE = re.compile(r"at line (\d+)")
_Lines = dict[tuple[str | int, ...], int]


def read_toml(text: str) -> Node:
    """The tree of a TOML text.

    Raises:
        InvalidInput: ``configuration-malformed`` or ``configuration-too-big``.
    """
    try:
        value = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        where = _WHERE.search(str(error))
        problem = str(error).split(" (at")[0]
        raise malformed("TOML", problem[:1].lower() + problem[1:], int(where[1]) if where else None) from error
    except RecursionError as error:
        raise too_big(f"at most {MAX_DEPTH} levels", "deeper nesting", 1) from error
    except ValueError as error:
        raise malformed("TOML", "a number that is too long", None) from error
    return _node(value, (), dict(_lines(text)), 1)


def _node(value: object, path: tuple[str | int, ...], lines: _Lines, line: int) -> Node:
    line = lines.get(path, line)
    if len(path) > MAX_DEPTH:
        raise too_big(f"at most {MAX_DEPTH} levels", "deeper nesting", line)
    if isinstance(value, dict):
        return mapping({key: _node(item, (*path, key), lines, line) for key, item in value.items()}, line)
    if isinstance(value, list):
        return sequence([_node(item, (*path, at), lines, line) for at, item in enumerate(value)], line)
    return Node(_scalar(value), line)


def _scalar(value: object) -> Json:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return (
            number(str(value))
            if math.isfinite(value)
            else Single(number=str(value).lower().replace("infinity", "inf"))
        )
    if isinstance(value, int):
        return number(str(value))
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)


def _lines(text: str) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Each key's path and line. Arrays of tables are counted as their headers appear."""
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for line, statement in _statements(text):
        header = _HEADER.match(statement)
        if header:
            keys = _keys(statement, header.end())
            table = _indexed(keys, counts, new=header[1] == "[[")
            yield table, line
            if header[1] == "[[":
                yield table[:-1], line
            continue
        keys = _keys(statement, 0)
        for end in range(1, len(keys) + 1):
            yield (*table, *keys[:end]), line


def _indexed(keys: list[str], counts: dict[tuple[str | int, ...], int], *, new: bool) -> tuple[str | int, ...]:
    path: tuple[str | int, ...] = ()
    for key in keys[: len(keys) - new]:
        path = (*path, key)
        if path in counts:
            path = (*path, counts[path])
    if new:
        path = (*path, keys[-1])
        counts[path] = counts.get(path, -1) + 1
        path = (*path, counts[path])
    return path


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Start line and text of each statement; strings and brackets may carry one over several lines."""
    start, line, first, depth = 0, 1, 1, 0
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in {"[", "{"}:
            depth += 1
        elif mark in {"]", "}"}:
            depth -= 1
        elif mark == "\n" and depth == 0:
            yield from _told(first, text[start : token.start()])
            start, first = token.end(), line + 1
        line += mark.count("\n")
    yield from _told(first, text[start:])


def _told(line: int, statement: str) -> Iterator[tuple[int, str]]:
    bare = statement.strip()
    if bare and not bare.startswith("#"):
        yield line, statement


def _keys(statement: str, at: int) -> list[str]:
    found: list[str] = []
    while match := _PIECE.match(statement, at):
        if match[1] is not None:
            found.append(next(iter(tomllib.loads(f'"{match[1]}" = 0'))))
        else:
            found.append(match[2] if match[2] is not None else match[3])
        at = match.end()
        if statement[at : at + 1] != ".":
            break
        at += 1
    return found
