"""A run of a producer: who is looking at a change right now, and how the looking ended.

Rules:
1. A run says beforehand how long it can take at most. Once that is over and nobody said how it ended, it is
   *lost*: what it left half-way must be brought back where it ran.
2. It is about the digest that the change had when it began; a push makes it a run about something else.
3. It proves nothing: only evidence does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from interlock.core.change.errors import IllegalTransition

Producer = Literal["rehearsal", "alerts", "tests", "scan", "local", "snapshot", "knowledge", "review"]
Ended = Literal["passed", "failed", "undecidable", "cancelled", "dirty"]

MOST_SECONDS = 86_400.0
"""The longest that a run may say it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRun:
    """One run. ``about`` says in a few words of what, ``host`` where it runs, ``until`` when it must be over.

    ``ended`` is empty while it goes on; ``left`` is what is still not as it was; ``evidence`` what was handed in.
    """

    id: str
    change: str
    digest: str
    producer: Producer
    about: str
    by: str
    host: str
    began_at: datetime
    until: datetime
    ended_at: datetime | None = None
    ended: str = ""
    left: tuple[str, ...] = ()
    evidence: str | None = None
    version: int = 1

    def end(
        self, how: Ended, *, now: datetime, left: tuple[str, ...] = (), evidence: str | None = None
    ) -> EvidenceRun:
        """The run once it is over. What left something may still be told to be in order.

        Raises:
            IllegalTransition: ``evidence-run-over``.
        """
        if self.ended not in {"", "lost", "dirty"}:
            raise IllegalTransition(
                f"expected a run that goes on, got `{self.id}`, which ended: {self.ended}",
                code="evidence-run-over",
                hint="begin another: interlock evidence run",
            )
        return replace(
            self, ended=how, ended_at=now, left=left, evidence=evidence or self.evidence, version=self.version + 1
        )

    def at(self, now: datetime) -> EvidenceRun:
        """As it stands at ``now``: lost where nobody said in its time how it ended."""
        return replace(self, ended="lost") if not self.ended and now >= self.until else self
