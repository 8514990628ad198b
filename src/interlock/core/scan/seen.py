"""What is scanned, and what a scanner saw in it.

Rules:
1. A change is scanned on two sides: its files as they are at its head, and as they were at its base. ``past`` are
   versions in between, which the range publishes as well.
2. What a scanner says about a secret often repeats it: of a secret only ``identity`` is kept, which is never
   shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Side = Literal["head", "base", "past"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of one side. ``lineage`` is its path at the base, by which it is known across a rename.

    ``commit`` is where a version of ``past`` was written, else empty. Of a ``link`` the content is where it leads;
    of ``cells`` it is the code of a notebook.
    """

    side: Side
    path: str
    content: bytes = field(repr=False)
    lineage: str = ""
    commit: str = ""
    link: bool = False
    cells: bool = False

    @property
    def place(self) -> str:
        """Where people find it; of a past version with its commit."""
        return f"{self.path} in {self.commit[:12]}" if self.commit else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One finding. Lines count from 1; ``level`` is SARIF's. ``identity`` tells one secret from another."""

    source: Source
    line: int
    rule: str
    tool: str
    level: str
    message: str = ""
    end: int = 0
    cwes: frozenset[int] = frozenset()
    identity: str = field(default="", repr=False)

    @property
    def lines(self) -> range:
        """All its lines."""
        return range(self.line, max(self.line, self.end) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What one scanner came to. ``unread`` are files it could not read, with the reason, by ``place`` and side.

    ``fault`` says why it did not come to its end; then nothing it saw, or did not see, can be relied on.
    """

    tool: str
    version: str = ""
    seen: tuple[Seen, ...] = ()
    unread: tuple[tuple[Source, str], ...] = ()
    fault: str = ""
