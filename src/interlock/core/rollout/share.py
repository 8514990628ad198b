"""Which share of the exposure the canary had in a tick, from what the router assigned.

Rules:
1. An event of this tick may belong to a request of the tick before: a part of that one's requests is carried
   over, so that what is early in one is late in the next, and errors do not add up. The part is how long a
   request takes, in ticks, and a quarter more for counts that are read at slightly different moments. More would
   delay what is due, and a stop with it: carried over whole, half a tick of lost orders.
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
_APART = 0.25
"""Of a tick, between readings of the router and of what counts."""


class AssignedShare:
    """Ask it once for each window, in order; tell it when another share (0…1) is set."""

    def __init__(self, nominal: float = 0.0, *, under_way: float = 0.0) -> None:
        """``under_way`` is how many ticks pass until what a request leads to is counted."""
        self._nominal, self._carried = nominal, min(1.0, _APART + under_way)
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
        canary = assigned.canary + self._carried * before.canary + 1.0
        control = assigned.control + self._carried * before.control
        share = canary / (canary - 1.0 + control + 1.0 / self._nominal)
        return min(float(f"{share:.{_DIGITS}g}"), _MOST)
