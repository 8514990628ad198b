"""The port of a reviewer: a program somewhere else that looks at a change and has concerns.

Rules:
1. Making one touches nothing. ``body`` is exactly what ``review`` sends, and sends nothing itself.
2. ``review`` may be repeated: it changes nothing anywhere. It costs what the endpoint charges, for each try.
3. It ends within ``settings.seconds``, all tries and waiting together, whatever the other side does; it reads a
   bounded number of bytes, follows no redirect, and goes through the proxies that the environment names.
4. What it gives back is what the other side put into the demanded form, unread: ``core.review.reply`` reads it.
5. Used by one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from interlock.core.change.canonical import Json
from interlock.core.review.ask import Ask
from interlock.core.review.settings import ReviewerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """``answers`` are the filled-in forms; ``beside`` counts what else was in the answer, by its kind."""

    answers: Sequence[Json]
    beside: Mapping[str, int] = field(default_factory=dict)


class Reviewer(Protocol):
    """Asks one endpoint."""

    def missing(self) -> str:
        """What is not installed here, with what installs it; empty where nothing is. Touches nothing."""

    def body(self, ask: Ask) -> Mapping[str, Json]:
        """The request's body as JSON."""

    def review(self, ask: Ask) -> Answered:
        """What it answers.

        Raises:
            Unavailable: ``review-silent``: nobody answers, or not within the time.
            Rejected: ``review-refused``: the endpoint refuses, or points somewhere else.
            BadReply: ``review-unreadable``: no answer of the demanded form, a cut-off or an endless one.
        """


class MakesReviewer(Protocol):
    """A reviewer's factory, as ``interlock.reviewers`` names it."""

    def __call__(self, settings: ReviewerSettings, key: str) -> Reviewer:
        """One for these settings; ``key`` is the secret for the endpoint, empty for none."""
