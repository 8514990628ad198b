r"""A file of SQL as its statements: what ``psql`` would send one by one, without anything that it does by itself.

Rules:
1. A statement ends at a semicolon outside of quotes, comments, parentheses and a body behind BEGIN ATOMIC.
2. A command for ``psql`` is refused wherever it stands: ``\!`` would run anything here. What newer dumps write
   around themselves (``\restrict``) is left out.
3. ``COPY … FROM stdin`` has its rows behind it, from the next line up to the line ``\.``; behind them goes on what
   else its own line says.
4. A file is read line by line and a statement is what is kept of it, so a large one needs no more room than its
   largest statement.
5. A file that is split wrongly is SQL that a server refuses. Nothing of it is ever a program.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_LETTER, _MORE = r"[A-Za-z_\x80-\U0010ffff]", r"[\w$\x80-\U0010ffff]"
_PART = re.compile(
    rf"""(?P<comment>--[^\n\r]*)|(?P<block>/\*)|(?P<ours>^\\(?:un)?restrict\ [^\n]*)|(?P<psql>\\)
    |(?P<escaped>[eE]')|(?P<quoted>')|(?P<named>")|(?P<dollar>\$(?:{_LETTER}[\w\x80-\U0010ffff]*)?\$)
    |(?P<word>{_LETTER}{_MORE}*)|(?P<end>;)|(?P<open>\()|(?P<close>\))|[\d.]\w*|[\s,=]+|.""",
    re.DOTALL | re.VERBOSE,
)
_BLOCK = re.compile(r"/\*|\*/")
_ESCAPES = re.compile(r"\\.|''|'", re.DOTALL)
_STRINGS = re.compile(
    r"\s*SET\s+(?:SESSION\s+)?standard_conforming_strings\s*(?:=|TO)\s*'?(\w+)'?\s*", re.IGNORECASE
)
_CHUNK = 1 << 16


class NotSql(Exception):
    """What is no SQL in a file; its message says which line, for people."""


@dataclass(slots=True)
class Statement:
    """One statement, from ``line`` on; ``rows`` are those of a COPY, to be read once, None where it is none."""

    line: int = 1
    rows: Iterator[str] | None = None
    parts: list[str] = field(default_factory=list)
    first: str = ""
    last: str = ""
    copies: bool = False
    open: int = 0
    bodies: int = 0

    @property
    def text(self) -> str:
        """All of it, without its semicolon and without comments."""
        return "".join(self.parts)

    def word(self, text: str) -> None:
        """One more word of it, which may begin or end a body, or say that rows follow."""
        self.parts.append(text)
        word = text.upper()
        if (self.last, word) == ("BEGIN", "ATOMIC") or (self.bodies and word == "CASE"):
            self.bodies += 1
        elif self.bodies and word == "END":
            self.bodies -= 1
        self.first = self.first or word
        self.copies |= self.first == "COPY" and (self.last, word) == ("FROM", "STDIN")
        self.last = word


class _Within(NamedTuple):
    """What is open: a quote up to ``end``, which backslashes may escape, or ``depth`` comments."""

    end: str
    escapes: bool = False
    depth: int = 0


def statements(text: str) -> Iterator[Statement]:
    """Every statement of a text; see ``split``."""
    return split(io.StringIO(text, newline="\n"))


def split(lines: Iterable[str]) -> Iterator[Statement]:
    """Every statement of a file, by its lines. The rows of one are gone when the next is asked for.

    Raises:
        NotSql: it holds a command for ``psql``, ends in the middle of something, or is no text.
    """
    splitter = _Splitter(lines)
    for line in splitter.lines():
        yield from splitter.scanned(line)
    yield from splitter.ended()


class _Splitter:
    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._number = iter(lines), 0
        self._one, self._escapes = Statement(), False
        self._within: _Within | None = None

    def lines(self) -> Iterator[str]:
        for line in self._lines:
            self._number += 1
            if "\0" in line:
                raise NotSql(
                    f"line {self._number} holds a zero byte: SQL is text, of one byte for each letter of ASCII"
                )
            yield line

    def scanned(self, line: str) -> Iterator[Statement]:
        """The statements that end in this line."""
        place = 0
        while place < len(line):
            begin = place
            if self._within is not None:
                place, within = _through(line, place, self._within)
                if not self._within.depth:
                    self._one.parts.append(line[begin:place])
                self._within = within
                continue
            part = _PART.match(line, place)
            assert part is not None  # noqa: S101  # there is a way for every letter
            place = part.end()
            if part.lastgroup == "end" and not self._one.open and not self._one.bodies:
                yield from self._whole()
            else:
                self._take(part.lastgroup, part[0], line[begin:])

    def ended(self) -> Iterator[Statement]:
        """The last one, which may do without its semicolon."""
        if self._within is not None:
            what = "a comment" if self._within.depth else f"what stands between {self._within.end} and its like"
            raise NotSql(f"it ends in {what}, begun after line {self._one.line}: it is cut off")
        if self._one.text.strip():
            yield self._one

    def _take(self, kind: str | None, text: str, rest: str) -> None:
        one = self._one
        if kind == "psql":
            said = rest.partition("\n")[0].strip()[:40]
            raise NotSql(f"line {self._number} has a command for psql, which is no SQL: {said}")
        if not one.parts and kind not in {"comment", "block", "ours"} and text.strip():
            one.line = self._number
        if kind == "word":
            one.word(text)
        elif kind == "block":
            one.parts.append(" ")
            self._within = _Within("*/", depth=1)
        elif kind in {"escaped", "quoted", "named", "dollar"}:
            one.parts.append(text)
            escapes = kind == "escaped" or (kind == "quoted" and self._escapes)
            self._within = _Within(text if kind == "dollar" else text[-1], escapes)
        elif kind not in {"comment", "ours"} and (one.parts or text.strip()):
            one.open = max(0, one.open + (kind == "open") - (kind == "close"))
            one.parts.append(text)

    def _whole(self) -> Iterator[Statement]:
        one, self._one = self._one, Statement(line=self._number)
        if one.copies:
            one.rows = self._rows()
            yield one
            for _ in one.rows:
                pass
            return
        if one.first == "SET" and (said := _STRINGS.fullmatch(one.text)):
            self._escapes = said[1].lower() not in {"on", "true", "yes", "1"}
        yield one

    def _rows(self) -> Iterator[str]:
        """The rows behind a COPY, many at once."""
        begin, kept, size = self._number, [], 0
        for line in self._lines:
            self._number += 1
            if line.startswith("\\.") and line.rstrip("\r\n") == "\\.":
                break
            kept.append(line)
            size += len(line)
            if size > _CHUNK:
                yield "".join(kept)
                kept, size = [], 0
        else:
            raise NotSql(f"it ends in the rows of a table, begun at line {begin}: it is cut off")
        if kept:
            yield "".join(kept)


def _through(line: str, place: int, within: _Within) -> tuple[int, _Within | None]:
    """Where in this line it ends, and what is open there."""
    if within.depth:
        depth = within.depth
        for mark in _BLOCK.finditer(line, place):
            depth += 1 if mark[0] == "/*" else -1
            if not depth:
                return mark.end(), None
        return len(line), within._replace(depth=depth)
    if within.escapes:
        for mark in _ESCAPES.finditer(line, place):
            if mark[0] == within.end:
                return mark.end(), None
        return len(line), within
    end = line.find(within.end, place)
    return (end + len(within.end), None) if end >= 0 else (len(line), within)
