"""Whether evidence may have come near enough to matter, from a few sums and without weighing it.

Rules:
1. ln(1 + ρv) is concave in ρ and 0 at 0: events of ticks with different shares bring at most what as many expected
   ones would bring at the largest of them. So over several ticks no θ of a series gains more than n·KL(x/n ‖ ρ),
   with x events of the canary, a expected ones, and n = a/ρ. The largest 1/φ of all ages applies.
2. With g = |x − a| that is at most ½·g²/(a·(1 − ρ))·(1 + g/s), where s is what was expected on the side that has
   less: (1 + u)·ln(1 + u) − u is at most u²/2 above 0, and u²/2·(1 + |u|) below. Mostly this says that nothing
   happened, and no logarithm is needed.
3. An event brings at most ln of the largest θ, which is less where hardly any are expected.
4. E of a series grew from E₀ to no more than (E₀ + 1)·e^gain, because what is against harm may fade as φ grows, to
   no more than nothing. So all together did from E₀ to (E₀ + 1) times the largest of these: where that is enough
   nothing more is asked; else to the mean of what each series may have grown to.
5. It errs on one side only: where it says "not near", whoever had weighed would have found less.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, inf

from interlock.core.judge.arithmetic import exact_log, log, power_above
from interlock.core.judge.series import Layout

_NOTHING = 1e-9
"""Events that are too few to divide by."""
_FAR = 30.0
"""Nats beyond which no weight of a series matters."""
_ROUNDED = 0.02
"""Nats that powers are read too low, at the last weighing and at the next."""


class Reach:
    """Sums since evidence was last weighed. ``near`` is in nats."""

    def __init__(self, plan: Layout, near: float) -> None:
        self._near = near - _ROUNDED
        self._weights = plan.weights
        self._rises = [row.kind == "bad" for row in plan.series]
        self._most = [exact_log(max(row)) for row in plan.thetas[:, : plan.harmful].tolist()]
        self.begin([1.0] * len(plan.series), [1.0] * len(plan.series))

    def begin(self, evidence: Sequence[float], inverses: Sequence[float]) -> None:
        """E of each series was weighed just now, and was this; the largest 1/φ of each from here on."""
        self._held = [weight * (found + 1.0) for weight, found in zip(self._weights, evidence, strict=True)]
        self._room = self._near - log(fsum(self._held))
        self._inverses = inverses
        self._events = [0] * len(self._most)
        self._expected = [0.0] * len(self._most)
        self._share = 0.0
        self.touched = self._room <= 0.0
        """Whether evidence may have come near."""

    def add(self, canary: Sequence[int], total: Sequence[int], share: float) -> None:
        """One tick's events of every series."""
        self._share = largest = max(self._share, share)
        free, events, expected = 1.0 - largest, self._events, self._expected
        most, odds, far = 2.0 * self._room * free, largest / free, False
        for row, rises in enumerate(self._rises):
            seen = events[row] = events[row] + canary[row]
            due = expected[row] = expected[row] + total[row] * share
            gap = seen - due if rises else due - seen
            if (
                gap > 0.0
                and gap * gap * self._inverses[row] * (due + gap * (odds if rises else 1.0)) > most * due * due
            ):
                far = True
        self.touched = self._room <= 0.0 or (far and self._grown() > self._near)

    def _grown(self) -> float:
        """What all together may have grown to."""
        total = 0.0
        for row, (held, inverse) in enumerate(zip(self._held, self._inverses, strict=True)):
            seen, due = self._events[row], self._expected[row]
            gap = seen - due if self._rises[row] else due - seen
            gain = self._gain(row, seen, due) * inverse if gap > 0.0 else 0.0
            if gain > self._near + _FAR:
                return inf
            total += held * power_above(gain) if gain > 0.0 else held
        return log(total)

    def _gain(self, row: int, seen: int, due: float) -> float:
        """The most that any θ on the side of harm may have gained, before φ."""
        most = seen * self._most[row] if self._rises[row] else inf
        others = due * (1.0 - self._share) / self._share
        rest = others + due - seen
        if min(rest, others, due) < _NOTHING:
            return most
        return min(most, rest * log(rest / others) + (seen * log(seen / due) if seen else 0.0))
