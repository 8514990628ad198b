r"""A file of SQL as its statements: what ``psql`` would send one by one, without anything that it does by itself.

Rules:
1. A statement ends at a semicolon outside of quotes, comments, parentheses and a body behind BEGIN ATOMIC.
2. A command for ``psql`` is refused: ``\!`` would run anything here. What newer dumps write around themselves
   (``\restrict``) is left out.
3. ``COPY … FROM stdin`` has its rows behind it, up to the line ``\.``.
4. A file that is split wrongly is SQL that a server refuses. Nothing of it is ever a program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_PART = re.compile(
    r"""(?P<comment>--[^\n]*)|(?P<block>/\*)|(?P<ours>^\\(?:un)?restrict\ [^\n]*)|(?P<psql>\\)
    |[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"
    |\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    |(?P<word>[^\W\d][\w$]*)|(?P<end>;)|(?P<open>\()|(?P<close>\))|[\d.]\w*|.""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_BLOCK = re.compile(r"/\*|\*/")
_ROWS_END = re.compile(r"^\\\.\r?$\n?", re.MULTILINE)


class NotSql(Exception):
    """What is no SQL in a file; its message says which line, for people."""


@dataclass(slots=True)
class Statement:
    """One statement; ``rows`` are those of a COPY, None where it is none."""

    text: str = ""
    rows: str | None = None
    words: list[str] = field(default_factory=list)
    open: int = 0
    bodies: int = 0

    def take(self, text: str) -> None:
        """One more part of it."""
        self.text += text

    def word(self, text: str) -> None:
        """One more word of it, which may begin or end a body."""
        self.take(text)
        word, before = text.upper(), self.words[-1] if self.words else ""
        if (before, word) == ("BEGIN", "ATOMIC") or (self.bodies and word == "CASE"):
            self.bodies += 1
        elif self.bodies and word == "END":
            self.bodies -= 1
        self.words.append(word)

    @property
    def copies(self) -> bool:
        """Whether rows follow."""
        pairs = zip(self.words, self.words[1:], strict=False)
        return self.words[:1] == ["COPY"] and ("FROM", "STDIN") in pairs


def statements(text: str) -> Iterator[Statement]:
    """Every statement of a file.

    Raises:
        NotSql: it holds a command for ``psql``.
    """
    place, one = 0, Statement()
    while place < len(text):
        part = _PART.match(text, place)
        if part is None:  # there is a way for every letter
            raise NotSql(f"line {_line(text, place)} cannot be read")
        kind, begin, place = part.lastgroup, place, part.end()
        if kind == "block":
            one.take(" ")
            place = _behind(text, place)
        elif kind == "psql":
            said = text[begin:].partition("\n")[0].strip()[:40]
            raise NotSql(f"line {_line(text, begin)} has a command for psql, which is no SQL: {said}")
        elif kind == "word":
            one.word(part[0])
        elif kind == "end" and not one.open and not one.bodies:
            if one.copies:
                one.rows, place = _rows(text, place)
            yield one
            one = Statement()
        elif kind not in {"comment", "ours"}:
            one.open += (kind == "open") - (kind == "close")
            one.take(part[0])
    if one.text.strip():
        yield one


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _behind(text: str, place: int) -> int:
    """Behind a comment, which may hold others."""
    depth = 1
    for mark in _BLOCK.finditer(text, place):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(text)


def _rows(text: str, place: int) -> tuple[str, int]:
    begin = text.find("\n", place) + 1 or len(text)
    end = _ROWS_END.search(text, begin)
    return (text[begin : end.start()], end.end()) if end else (text[begin:], len(text))
