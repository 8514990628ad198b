"""One shard's cumulative counts over a short time, and what they were at any moment between two of them.

Rules:
1. A sample that is not newer than the last one changes nothing: the source has not renewed it.
2. Between two samples the count is taken to have risen evenly, so that all shards can be read at the same moment.
   The count at a moment is rounded down, and a tick is the difference of two such counts: nothing is lost to
   rounding, nothing is counted twice, and no difference is negative.
3. A value that fell, or another life of the counter, is a reset: what came before is forgotten, and the shard has
   no base until a window has begun after it.
4. At most ``KEPT`` samples are kept.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from interlock.core.rollout.samples import GONE

KEPT = 128


class Series:
    """Counts of one shard of one metric (or what the router assigned). ``why`` says why there is no base."""

    __slots__ = ("_ats", "_life", "_values", "base", "seen", "since", "why")

    def __init__(self, why: str) -> None:
        self._ats: list[float] = []
        self._values: list[tuple[float, ...]] = []
        self.base: tuple[int, ...] | None = None
        self.why = why
        self.since = self._life = ""
        self.seen = 0.0

    @property
    def newest(self) -> float:
        """The moment of the newest sample; minus infinity before the first."""
        return self._ats[-1] if self._ats else -math.inf

    def add(self, at: float, values: tuple[float, ...], since: str) -> None:
        """Take a sample, unless it is not newer than the last."""
        if self._ats and at <= self._ats[-1]:
            return
        fell = self._values and any(new < old for new, old in zip(values, self._values[-1], strict=True))
        if self._ats and (fell or (since and self._life and since != self._life)):
            self.restart("counter-reset")
        self.since, self._life = since, since or self._life
        self._ats.append(at)
        self._values.append(values)
        if len(self._ats) > KEPT:
            del self._ats[0], self._values[0]

    def restart(self, why: str) -> None:
        """Forget all; ``why`` is what a window over this moment is discarded for."""
        self._ats.clear()
        self._values.clear()
        self.base, self.why = None, why

    def whole(self, at: float) -> tuple[int, ...] | None:
        """The counts at ``at``, rounded down; None where no two samples (or an exact one) speak of it."""
        right = bisect_right(self._ats, at)
        if right == 0:
            # What is gone has counted nothing since it went, whenever that was.
            return (0,) * len(self._values[0]) if self._ats and self.since == GONE else None
        before = self._values[right - 1]
        if self._ats[right - 1] == at:
            return tuple(math.floor(value) for value in before)
        if right == len(self._ats):
            return None
        share = (at - self._ats[right - 1]) / (self._ats[right] - self._ats[right - 1])
        after = self._values[right]
        return tuple(
            math.floor(min(new, old + (new - old) * share)) for old, new in zip(before, after, strict=True)
        )

    def distance(self, at: float) -> float:
        """Seconds from ``at`` to the nearest sample: how much of the count there is a guess."""
        right = bisect_right(self._ats, at)
        near = self._ats[max(0, right - 1) : right + 1]
        return min((abs(at - each) for each in near), default=math.inf)

    def trim(self, at: float) -> None:
        """Drop what lies before the last sample that is not after ``at``."""
        keep = bisect_right(self._ats, at) - 1
        if keep > 0:
            del self._ats[:keep], self._values[:keep]
