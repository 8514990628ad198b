"""The port to programs: the steps of a rollout are run by it.

Rules:
1. A program is run with its arguments, never as a shell's line.
2. Ending badly is a value, not an error: so is not ending in time, being ended, and not starting at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended: its exit code, None where it was ended or did not start; its last line."""

    code: int | None
    said: str = ""

    @property
    def good(self) -> bool:
        """Whether it ended well."""
        return self.code == 0


def wanted() -> bool:
    """Nobody wants it ended before its time."""
    return False


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
