"""Which share of the exposure the canary had in a tick, from what the router assigned.

Rules:
1. An event of this tick may belong to a request of the tick before, so the share is of both together. Each request
   so counts in two ticks by halves: what is early in one is late in the next, and errors do not add up.
2. The share that was set weighs as much as one request of the canary: a tick without any has a share all the same.
3. At 0 and 1 there is nothing to compare, whatever stray requests there were.
4. It is never the share of a whole stage: traffic taken away in its midst would then convict a version that no
   longer has any.
5. A share has three significant digits: a half of the last one is far below the smallest harm that is looked for,
   and the judge keeps the logarithms of those that it has met.
"""

from __future__ import annotations

from interlock.core.judge.tick import Assigned

_DIGITS = 3
_MOST = 0.999


class AssignedShare:
    """Ask it once for each window, in order; tell it when another share (0…1) is set."""

    def __init__(self, nominal: float = 0.0) -> None:
        self._nominal = nominal
        self._before = Assigned(canary=0, control=0)

    def begin(self, nominal: float) -> None:
        """From now on the router is to assign this share to the canary."""
        if nominal != self._nominal:
            self._nominal, self._before = nominal, Assigned(canary=0, control=0)

    def __call__(self, assigned: Assigned) -> float:
        """The share of the tick in which the router assigned this."""
        before, self._before = self._before, assigned
        if not 0.0 < self._nominal < 1.0:
            return self._nominal
        canary = assigned.canary + before.canary + 1.0
        share = canary / (canary - 1.0 + assigned.control + before.control + 1.0 / self._nominal)
        return min(float(f"{share:.{_DIGITS}g}"), _MOST)
