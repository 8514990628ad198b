"""The port to programs: the steps of a rollout are run by it.

Rules:
1. A program is run with its arguments, never as a shell's line.
2. Ending badly is a value, not an error: so is not ending in time, being ended, and not starting at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, Protocol

MOST_OUTPUT = 16 * 1024 * 1024

NoCode = Literal["", "late", "unstarted", "unwanted"]
"""Why there is no exit code: not over in its time, never started, or ended because nobody wanted it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended: its exit code, None where it has none, and ``why``; its last line.

    Of one that did not start ``said`` is what the system says against it.
    """

    code: int | None
    said: str = ""
    why: NoCode = ""

    @property
    def good(self) -> bool:
        """Whether it ended well."""
        return self.code == 0

    @property
    def told(self) -> str:
        """How it ended, for people, in one line."""
        ended = "was ended" if self.code is None else f"ended with {self.code}"
        how = _WITHOUT_CODE.get(self.why, ended)
        return f"{how}: {self.said}" if self.said else how


_WITHOUT_CODE = {
    "late": "did not end in time",
    "unstarted": "could not be started",
    "unwanted": "was ended, since nobody wanted it any more",
}


def wanted() -> bool:
    """Nobody wants it ended before its time."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a program said and how it ended. ``cut``: it said more than was kept, and was ended for it."""

    ran: Ran
    out: bytes = b""
    error: bytes = b""
    cut: bool = False


class Programs(Protocol):
    """Runs programs. Not idempotent by itself: each is told a key. Safe from several threads; nothing is kept."""

    def run(
        self,
        arguments: tuple[str, ...],
        *,
        timeout: float,
        environment: Mapping[str, str],
        unwanted: Callable[[], bool] = wanted,
    ) -> Ran:
        """Run one to its end; after ``timeout`` seconds it and its process group are ended.

        So they are once ``unwanted`` says yes, which is asked several times a second.
        """

    def output(
        self,
        arguments: tuple[str, ...],
        *,
        timeout: float,
        environment: Mapping[str, str],
        most: int = MOST_OUTPUT,
    ) -> Output:
        """Run one as ``run`` does, and keep what it says, at most ``most`` bytes on each stream."""

    def only(self, names: AbstractSet[str]) -> Programs:
        """The same programs, which get no variables of this process but these."""

    def lacks(self, text: str) -> str:
        """Which variables these programs do not get that ``text`` names, and what to do; empty where none is."""

    def missing(self, program: str) -> str:
        """Why ``run`` could not start this program now, in a few words; empty where it could. Starts nothing."""
