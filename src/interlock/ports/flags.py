"""The port to flags that interlock serves itself, as the router of that name moves them.

Rules:
1. Every server that answers evaluations sees a moved flag within ``STALE`` seconds.
2. What was counted is readable within ``FLUSHED`` seconds; a server that is killed loses what it counted since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from interlock.core.rollout.flags import Value

STALE = 0.5
FLUSHED = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagStanding:
    """How a flag stands: its weight in percent, and how many users each arm was given since ``since`` began."""

    percent: float
    canary: int
    control: int
    since: str


class Flags(Protocol):
    """Flags by name. Safe between threads and servers; a call takes one short transaction."""

    def look(self, flag: str) -> FlagStanding | None:
        """How it stands, None where nobody ever moved it.

        Raises:
            Unavailable: the state does not answer.
        """

    def move(self, flag: str, percent: float, *, canary: Value, control: Value) -> bool:
        """Let ``percent`` of the users get ``canary``; whether that changed anything. Idempotent, durable.

        Raises:
            Unavailable: the state does not answer.
        """
