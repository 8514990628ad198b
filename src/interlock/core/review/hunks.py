"""What changed in one file, line by line, from git's patch of it.

Rules:
1. Each line carries its number in the new file, 0 where the change takes it away.
2. Lines are counted by the hunk's own head, so that no line of a file is ever taken for a head.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from interlock.core.change.errors import IntegrityError
from interlock.core.change.paths import readable

_HEAD = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_SIGNS: dict[bytes, Literal[" ", "+", "-"]] = {b" ": " ", b"+": "+", b"-": "-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; ``sign`` says whether it stays, comes or goes."""

    number: int
    sign: Literal[" ", "+", "-"]
    text: str

    def written(self) -> str:
        """The line as a reviewer reads it."""
        return f"{self.number or '':>6} {self.sign} {self.text}"


def read_hunks(patch: bytes) -> tuple[Line, ...]:
    """The lines of one file's patch; none where only its mode or name changed.

    Raises:
        IntegrityError: ``git-failed`` where it is none.
    """
    return tuple(_lines(iter(patch.split(b"\n"))))


def _lines(rest: Iterator[bytes]) -> Iterator[Line]:
    for text in rest:
        head = _HEAD.match(text)
        if head is None:
            continue
        old, start, new = int(head[1] or 1), int(head[2]), int(head[3] or 1)
        yield from _hunk(rest, old, start, new)


def _hunk(rest: Iterator[bytes], old: int, number: int, new: int) -> Iterator[Line]:
    while old or new:
        text = next(rest, None)
        sign = _SIGNS.get(text[:1]) if text else None
        if text is None or (sign is None and not text.startswith(b"\\")):
            raise IntegrityError(
                "expected `git diff-tree` to give whole hunks, got one that ends early",
                code="git-failed",
                hint="check the repository with git fsck, and that git is 2.36 or newer",
            )
        if sign is None:  # "\ No newline at end of file"
            continue
        yield Line(number=0 if sign == "-" else number, sign=sign, text=readable(text[1:].rstrip(b"\r")))
        old -= sign != "+"
        new -= sign != "-"
        number += sign != "-"
