"""The port of scanners: each looks at a few files and says what is weak in them.

Rules:
1. A scanner is made from its settings; making it touches nothing and refuses settings it cannot use.
2. ``scan`` is idempotent: it changes nothing and leaves nothing behind. It runs no code of the files, follows no
   link out of them and asks no network. It ends within its own time, ``SECONDS`` where its settings say nothing.
3. That it could not come to its end, or could not read a file, is a value: an answer with a ``fault`` says
   nothing.
4. Of code that no scanner ``reads`` nothing is known, whatever the others say: only one that looks for what code
   does reads it, and one that looks for secrets in every text does not.
5. Used by one thread, beside other scanners in others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from interlock.core.change.canonical import Json
from interlock.core.scan.seen import Scanned, Source

SECONDS = 120.0


def nowhere(expression: str) -> Sequence[Source]:
    """No other files."""
    del expression
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is looked at: ``sources`` of all sides.

    ``near`` gives files of the base, changed or not, that match an extended regular expression, a few at most;
    ``files`` are a scanner's own rule files, by their path below the scan plans.
    """

    sources: Sequence[Source]
    near: Callable[[str], Sequence[Source]] = nowhere
    files: Mapping[str, bytes] = field(default_factory=dict)


class Scanner(Protocol):
    """Looks for weaknesses."""

    def missing(self) -> str:
        """What it needs and is not here, ``: `` and what installs it; empty where nothing is. Starts nothing."""

    def reads(self, source: Source) -> bool:
        """Whether it looks at what the code of this file does. Starts nothing."""

    def scan(self, look: Look) -> Scanned:
        """What is weak in these files. Idempotent."""


class MakesScanner(Protocol):
    """A scanner's factory, as ``interlock.scanners`` names it."""

    def __call__(self, settings: Mapping[str, Json]) -> Scanner:
        """One with these settings.

        Raises:
            InvalidSetting: with the path of the setting that cannot be used.
        """
