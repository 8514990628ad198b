"""What was counted so far: events of each series, what the canary was due, and the profile of the likelihood.

Rules:
1. What the canary would have had with the control's rate is the control's events times ρ/(1 − ρ), tick by tick.
2. Of every start that is still apart a copy is kept, so that harm can be estimated from where it most likely
   began.
3. Ticks are added up together, those of one share at once. When depends on ticks and stages alone, never on who
   looks in between: a record is recomputed with the same sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlock.core.judge.arithmetic import Floats
from interlock.core.judge.series import Layout, Normalisers

MOST_WAITING = 32
"""Ticks that wait to be added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The tally at one moment. ``due`` are the events of both arms times ρ. Arrays are never changed."""

    canary: tuple[int, ...]
    control: tuple[int, ...]
    expected: tuple[float, ...]
    due: tuple[float, ...]
    profile: Floats


class Tally:
    """Sums since the rollout began."""

    def __init__(self, plan: Layout, norms: Normalisers) -> None:
        count = len(plan.series)
        self._norms = norms
        self._logs = plan.logs[:, plan.harmful :]
        self._settled = self.began = Mark(
            canary=(0,) * count,
            control=(0,) * count,
            expected=(0.0,) * count,
            due=(0.0,) * count,
            profile=np.zeros(self._logs.shape),
        )
        self._waiting: list[tuple[float, Sequence[int], Sequence[int]]] = []
        self._marks: dict[float, Mark] = {}

    def add(self, canary: Sequence[int], total: Sequence[int], share: float) -> None:
        """One tick that counts: the canary's events and those of both arms. Both sequences are kept."""
        self._waiting.append((share, canary, total))
        if len(self._waiting) >= MOST_WAITING:
            self.settle()

    def settle(self) -> Mark:
        """Add up what waits."""
        self._settled = self.now()
        self._waiting.clear()
        return self._settled

    def now(self) -> Mark:
        """How things stand, without adding up."""
        if not self._waiting:
            return self._settled
        shares: dict[float, list[tuple[Sequence[int], Sequence[int]]]] = {}
        for share, canary, total in self._waiting:
            shares.setdefault(share, []).append((canary, total))
        canaries, totals = zip(
            *([_columns(each) for each in zip(*ticks, strict=True)] for ticks in shares.values()), strict=True
        )
        return self._with(self._settled, list(shares), canaries, totals)

    def _with(
        self, before: Mark, shares: list[float], canaries: Sequence[list[int]], totals: Sequence[list[int]]
    ) -> Mark:
        """Events of some shares, one row each."""
        canary, expected, due = _columns(canaries), list(before.expected), list(before.due)
        for share, ones, boths in zip(shares, canaries, totals, strict=True):
            odds = share / (1.0 - share)
            for row, (one, both) in enumerate(zip(ones, boths, strict=True)):
                expected[row] += (both - one) * odds
                due[row] += both * share
        norms = np.array([self._norms.profile(share) for share in shares])
        norms *= np.array(totals, dtype=np.float64)[:, :, None]
        gained = np.array(canary, dtype=np.float64)[:, None] * self._logs - np.add.reduce(norms, axis=0)
        total = _columns(totals)
        return Mark(
            canary=tuple(old + new for old, new in zip(before.canary, canary, strict=True)),
            control=tuple(old + both - one for old, both, one in zip(before.control, total, canary, strict=True)),
            expected=tuple(expected),
            due=tuple(due),
            profile=before.profile + gained,
        )

    def keep(self, began: Sequence[float]) -> None:
        """Remember how things stand at the newest of ``began``, and forget the starts that are not in it."""
        self._marks[began[0]] = self.settle()
        for gone in [start for start in self._marks if start not in began]:
            del self._marks[gone]

    def at(self, start: float) -> Mark:
        """How things stood when this start opened."""
        return self._marks.get(start, self.began)


def _columns(rows: Sequence[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]
