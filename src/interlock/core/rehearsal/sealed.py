"""The seal of a journal: what a runner signs of it, and what of a journal is not as it was signed.

Rules:
1. Signed is the digest of the whole file, up to the line that says how it ended. That alone decides.
2. Signed beside it is the beginning of each line's digest, of the first ``MOST_LINES``: so whoever finds the file
   edited is told where, as far as that can be known. A line that is gone or that came in moves all after it.
3. A place that was left dirty is brought back later, which is written into the same file: what recovery writes may
   follow what was signed, and nothing else may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from interlock.core.change.canonical import Json, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.strict_json import read_json
from interlock.core.rehearsal.journal import MAX_JOURNAL

MOST_LINES = 400
_LETTERS = 12
_SHOWN = 5
_SHORT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How a journal stands against its seal: ``broken`` says where it differs, nothing where it is as signed.

    ``later`` is the number of lines that recovery wrote afterwards.
    """

    broken: tuple[str, ...]
    later: int = 0


def seal(content: bytes) -> dict[str, Json]:
    """What is signed of a journal that is over: its digest, how many lines it has, and of each a digest."""
    lines = _lines(content)
    return {
        "journal": sha256(content),
        "journal_lines": len(lines),
        "journal_marks": [_mark(line) for line in lines[:MOST_LINES]],
    }


def is_sealed(said: Mapping[str, Json]) -> bool:
    """Whether a predicate names its journal."""
    return isinstance(said.get("journal"), str)


def held(said: Mapping[str, Json], content: bytes) -> Held:
    """How the journal ``content`` stands against the predicate that names it."""
    digest, count, marks = said.get("journal"), said.get("journal_lines"), said.get("journal_marks")
    if not isinstance(digest, str) or not isinstance(count, int) or not isinstance(marks, list):
        return Held(broken=("the statement names no journal",))
    lines = _lines(content)
    if sha256(b"".join(lines[:count])) != digest:
        return Held(broken=tuple(_where(lines, count, [str(one) for one in marks])))
    dirty = count > 0 and _says(lines[count - 1]) == ("over", "dirty")
    for number, line in enumerate(lines[count:], start=count + 1):
        what = _says(line)[0]
        if not dirty or what not in {"program", "over"}:
            return Held(broken=(f"line {number} was added after it was signed: {_cut(line)}",))
    return Held(broken=(), later=len(lines) - count)


def _where(lines: list[bytes], count: int, marks: list[str]) -> Iterator[str]:
    differing = [
        number
        for number, (line, mark) in enumerate(zip(lines, marks, strict=False), start=1)
        if _mark(line) != mark
    ]
    for number in islice(differing, _SHOWN):
        yield f"line {number} is not the one that was signed: {_cut(lines[number - 1])}"
    if len(differing) > _SHOWN:
        yield f"and {len(differing) - _SHOWN} lines more"
    if len(lines) < count:
        yield f"it has {len(lines)} lines, and {count} were signed"
    if not differing and len(lines) >= count:
        yield f"something differs after line {len(marks)}"


def _says(line: bytes) -> tuple[str, str]:
    """What a line is about, and how it says a run ended; empty where it is no line of a journal."""
    try:
        value = read_json(line, what="a line of a journal", limit=MAX_JOURNAL)
    except InvalidInput:
        return "", ""
    if not isinstance(value, dict):
        return "", ""
    return str(value.get("what", "")), str(value.get("ended", ""))


def _lines(content: bytes) -> list[bytes]:
    """Each with its end; the last may lack one."""
    *whole, rest = content.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _mark(line: bytes) -> str:
    return sha256(line).removeprefix("sha256:")[:_LETTERS]


def _cut(line: bytes) -> str:
    shown = line.decode(errors="replace").rstrip("\n")
    return shown if len(shown) <= _SHORT else f"{shown[: _SHORT - 1]}…"
