"""The starts of one rollout: how the sums stood at each, and what each weighs in the mean.

Rules:
1. Rows are the starts from the newest to the oldest, and last one for all that are folded into one number for
   each θ: ln Σ e^x of their terms x, exact because φ of an age beyond the longest window is a constant.
2. Starts are folded ``SPARE`` at a time, once so many more are there than may be younger than that.
3. Rows are views of one array that is filled from its end to its beginning: to open a start is to write a row.
"""

from __future__ import annotations

import numpy as np

from interlock.core.judge.arithmetic import ORIGIN, STEPS, Floats, exact_log, log_each, powers

NEVER = -1e6
"""The logarithm of a weight of nothing."""
SPARE = 6
_ROOM = 32
"""Starts for which there is room until all rows move back to the end."""


class Starts:
    """``young`` are the most starts that are not beyond the longest window; ``own`` is each column's part."""

    def __init__(self, young: int, own: Floats) -> None:
        self._young, self._own = young, own
        rows = young + SPARE + 2 + _ROOM
        self._sums, self._parts = np.zeros((rows, own.size)), np.full((rows, own.size), NEVER * STEPS)
        self._first = self._last = rows - 1
        self._logs: list[float] = []
        self._masses: list[float] = []
        self._mass, self._log = 0.0, NEVER

    def __len__(self) -> int:
        """How many there are, those that are folded counted as one."""
        return self._last - self._first + 1

    @property
    def sums(self) -> Floats:
        """The sums at each: a row each."""
        return self._sums[self._first : self._last + 1]

    @property
    def parts(self) -> Floats:
        """The logarithm of each one's weight in the mean of each column, as a place in the table of powers."""
        return self._parts[self._first : self._last + 1]

    def open(self, sums: Floats, weight: float, inverses: Floats) -> None:
        """One opens now; ``inverses`` is 1/φ of each column beyond the longest window."""
        if len(self) > self._young + SPARE:
            self._fold(inverses)
        if self._first == 0:
            self._move_back()
        self._first -= 1
        self._masses.append(weight)
        self._logs.append(exact_log(weight) if weight > 0 else NEVER)
        self._sums[self._first] = sums
        np.add(self._own, self._logs[-1] * STEPS, out=self._parts[self._first])

    def refit(self, was: Floats, now: Floats) -> None:
        """Another φ for those that are folded: of a mixture M of mass W that becomes W·(M/W)^(now/was)."""
        if self._mass:
            mass, held = exact_log(self._mass), -self._sums[self._last] * was
            self._sums[self._last] = -((held - mass) * (now / was) + mass) / now

    def _fold(self, inverses: Floats) -> None:
        logs = [*reversed(self._logs[:SPARE]), self._log]
        terms = np.array(logs)[:, None] - self._sums[self._last - SPARE : self._last + 1] * inverses
        high = terms.max(axis=0)
        each = powers((terms - high) * STEPS + ORIGIN)
        self._last -= SPARE
        self._sums[self._last] = -(high + log_each(np.add.reduce(each, axis=0))) / inverses
        self._parts[self._last] = self._own
        for gone in self._masses[:SPARE]:
            self._mass += gone
        self._log = 0.0
        del self._masses[:SPARE], self._logs[:SPARE]

    def _move_back(self) -> None:
        by = len(self._sums) - 1 - self._last
        for rows in (self._sums, self._parts):
            rows[self._first + by : self._last + by + 1] = rows[self._first : self._last + 1].copy()
        self._first, self._last = self._first + by, self._last + by
