"""What a runner signs about a review: who was asked what, and every concern.

Rules:
1. There is no verdict in it, and nothing from which one could be made.
2. What was not sent, cut, moved or ignored is said, so that nobody takes the list for more than it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.core.change.canonical import Json, sha256
from interlock.core.review.reply import Heard
from interlock.core.review.sendable import Kept
from interlock.core.review.settings import ReviewerSettings

MOST_KEPT_NAMED, _LONGEST = 30, 100


def predicate(
    settings: ReviewerSettings,
    heard: Heard,
    *,
    body: bytes,
    sent: int,
    kept: Sequence[Kept],
    beside: Mapping[str, int],
) -> dict[str, Json]:
    """The statement's predicate. ``body`` is what was sent, ``sent`` how many files are in it."""
    return {
        "tool": f"review by {settings.model} at {settings.host}",
        "kind": settings.kind,
        "model": settings.model,
        "host": settings.host,
        "request": sha256(body),
        "files": sent,
        "not_sent": [{"path": one.path[:_LONGEST], "why": one.why} for one in kept[:MOST_KEPT_NAMED]],
        "not_sent_count": len(kept),
        "concerns": [one.body() for one in heard.concerns],
        "cut": heard.cut,
        "shortened": heard.shortened,
        "moved": heard.moved,
        "ignored": dict(heard.ignored),
        "beside": dict(beside),
    }
