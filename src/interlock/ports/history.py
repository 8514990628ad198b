"""The port to a repository's past, for the look-back and the first survey."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from interlock.core.facts.survey import PastChange, Survey


class History(Protocol):
    """What happened before interlock was there. Reads only; idempotent; bounded by its own limits."""

    def survey(self, root: Path, *, since: datetime) -> Survey:
        """Tracked paths, and who wrote commits since then.

        Raises:
            InvalidInput: ``root`` is no git repository, or one without a commit.
        """

    def merges(self, root: Path, *, since: datetime, limit: int) -> tuple[PastChange, ...]:
        """What entered the current branch since then, newest first: one change per first-parent commit."""
