"""ρ of a tick: the canary's share of the exposure, from what the router assigned, smoothed against its own chance.

Rules:
1. An event belongs to a request that was assigned a moment ago, often in the tick before: an order takes a
   tenth of a second, a time-out a whole one. At three canary requests a second the share that one tick happened
   to assign says little about the events that happened to end in it, and events of the canary in a tick that
   assigned it nothing would be impossible. So ρ is the share since the stage began, and never that of one tick.
2. It begins at the share that was set, as if so much had been seen in ``PRIOR`` requests: a router that assigns
   something else moves it within a second or two, chance does not.
3. What was assigned before a change of weight ends after it. A tick that touches a change must be discarded by
   whoever cuts the ticks, except the first change from 0: nothing of the canary can end before it was assigned,
   and what ends late is only counted late.
4. ρ has four significant digits, which is far finer than it is known, and lets logarithms be kept.
"""

from __future__ import annotations

from interlock.core.judge.tick import Assigned

PRIOR = 300
"""Requests that the share which was set counts for."""
_DIGITS = 4


class Exposure:
    """The share of one rollout's ticks, stage by stage. Callable, as the windows want it."""

    def __init__(self, share: float = 0.0) -> None:
        self._set, self._canary, self._all = share, 0, 0

    def begin(self, share: float) -> None:
        """The router was told to assign this share (0…1) from now on. The same one again changes nothing."""
        if share != self._set:
            self._set, self._canary, self._all = share, 0, 0

    def __call__(self, assigned: Assigned) -> float:
        """ρ of the tick in which this was assigned."""
        self._canary += assigned.canary
        self._all += assigned.canary + assigned.control
        if self._set in (0.0, 1.0):
            return self._set
        share = (self._canary + PRIOR * self._set) / (self._all + PRIOR)
        return float(f"{share:.{_DIGITS}g}")
