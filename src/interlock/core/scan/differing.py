"""The lines in which the two sides of a file differ, with their numbers.

Rules:
1. A line that both sides have, wherever, adds nothing: it is left out, as often as both have it. So a line that
   is moved is nobody's, and one that is copied is the head's.
2. A version in between is held against the base. What has no other side is whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from interlock.core.scan.seen import Side, Source

Lines = Mapping[tuple[Side, str], Sequence[bytes]]
Numbered = Sequence[tuple[int, bytes]]
_OTHER: Mapping[Side, Side] = {"head": "base", "base": "head", "past": "base"}


def lines_of(texts: Sequence[tuple[Source, bytes]]) -> Lines:
    """The lines of each side's files, by the name the file has on both."""
    return {(one.side, one.lineage or one.path): text.split(b"\n") for one, text in texts if one.side != "past"}


def differing(source: Source, text: bytes, sides: Lines) -> Numbered:
    """The lines of ``source`` that the other side has not, with their numbers from 1; empty ones left out."""
    other = Counter(sides.get((_OTHER[source.side], source.lineage or source.path), ()))
    kept = []
    for number, line in enumerate(text.split(b"\n"), 1):
        known = other[line] > 0
        other[line] -= known
        if not known and line.strip():
            kept.append((number, line))
    return kept
