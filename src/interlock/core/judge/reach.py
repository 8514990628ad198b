"""Whether evidence may have come near enough to matter, from a few sums and without weighing it.

Rules:
1. ln(1 + ρv) is concave in ρ and 0 at 0: events of ticks with different shares bring at most what as many expected
   ones would bring at the largest of them. So over several ticks no θ of a series gains more than n·KL(x/n ‖ ρ),
   with x events of the canary, a expected ones, and n = a/ρ. The largest 1/φ of all ages applies.
2. KL is at most χ²: (x − a)² / (a·(1 − ρ)) mostly says that nothing happened, and no logarithm is needed.
3. An event brings at most ln of the largest θ, which is less where hardly any are expected.
4. E of a series grew from E₀ to no more than (E₀ + 1)·e^gain, because what is against harm may fade as φ grows, to
   no more than nothing. So all together did from E₀ to (E₀ + 1) times the largest of these.
5. It errs on one side only: where it says "not near", whoever had weighed would have found less.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from interlock.core.judge.arithmetic import exact_log, log
from interlock.core.judge.series import Layout

_NOTHING = 1e-9
"""Events that are too few to divide by."""
_ROUNDED = 0.02
"""Nats that powers are read too low, at the last weighing and at the next."""


class Reach:
    """Sums since evidence was last weighed. ``near`` is in nats."""

    def __init__(self, plan: Layout, near: float) -> None:
        self._near = near
        self._rises = [row.kind == "bad" for row in plan.series]
        self._most = [exact_log(max(row)) for row in plan.thetas[:, : plan.harmful].tolist()]
        self.begin(1.0, [1.0] * len(plan.series))

    def begin(self, evidence: float, inverses: Sequence[float]) -> None:
        """E was weighed just now, and was this; ``inverses`` are the largest 1/φ of each series from here on."""
        self._room = self._near - log(evidence + 1.0) - _ROUNDED
        self._inverses = inverses
        self._events = [0] * len(self._most)
        self._expected = [0.0] * len(self._most)
        self._share = 0.0

    def add(self, canary: Sequence[int], total: Sequence[int], share: float) -> None:
        """One tick's events of every series."""
        events, expected = self._events, self._expected
        for row, seen in enumerate(canary):
            events[row] += seen
            expected[row] += total[row] * share
        self._share = max(self._share, share)

    def touched(self) -> bool:
        """Whether it may have come as near as that."""
        room, free = self._room, 1.0 - self._share
        if room <= 0.0:
            return True
        for row, (seen, due) in enumerate(zip(self._events, self._expected, strict=True)):
            gap = seen - due if self._rises[row] else due - seen
            if gap <= 0.0 or gap * gap * self._inverses[row] <= room * due * free:
                continue
            if self._gain(row, seen, due) * self._inverses[row] > room:
                return True
        return False

    def _gain(self, row: int, seen: int, due: float) -> float:
        """The most that any θ on the side of harm may have gained, before φ."""
        most = seen * self._most[row] if self._rises[row] else inf
        others = due * (1.0 - self._share) / self._share
        rest = others + due - seen
        if min(rest, others, due) < _NOTHING:
            return most
        return min(most, rest * log(rest / others) + (seen * log(seen / due) if seen else 0.0))
