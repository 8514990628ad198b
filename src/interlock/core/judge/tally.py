"""What was counted so far: events of each series, what the canary was due, and the profile of the likelihood.

Rules:
1. What the canary would have had with the control's rate is the control's events times ρ/(1 − ρ), tick by tick.
2. Of every start that is still apart a copy is kept, so that harm can be estimated from where it most likely
   began.
3. Ticks are added up together. When depends on ticks and stages alone, never on who looks in between: a record
   is recomputed with the same sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, itemgetter, sub

import numpy as np

from interlock.core.judge.arithmetic import Floats
from interlock.core.judge.series import Layout, Normalisers

MOST_WAITING = 32
"""Shares, one after the other, whose ticks wait to be added up."""


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
        self._waiting: list[_Part] = []
        """Ticks that wait: those of one share after one another together, but apart where a start opened."""
        self._apart = True
        self._marks = {0: self.began}
        self._cuts: dict[int, int] = {}

    def add(self, canary: Sequence[int], total: Sequence[int], share: float) -> None:
        """One tick that counts: the canary's events and those of both arms."""
        if self._apart or self._waiting[-1].share != share:
            if len(self._waiting) >= MOST_WAITING:
                self.settle()
            self._waiting.append(_Part(share, canary, total))
            self._apart = False
        else:
            self._waiting[-1].add(canary, total)

    def settle(self) -> Mark:
        """Add up what waits."""
        if self._waiting:
            cuts = sorted(self._cuts.items(), key=itemgetter(1))
            *kept, self._settled = self._after([*(count for _, count in cuts), len(self._waiting)])
            self._marks |= zip((number for number, _ in cuts), kept, strict=True)
            self._waiting.clear()
            self._cuts.clear()
            self._apart = True
        return self._settled

    def now(self) -> Mark:
        """How things stand, without adding up."""
        return self._after([len(self._waiting)])[0] if self._waiting else self._settled

    def keep(self, apart: range) -> None:
        """Remember how things stand for those starts that just opened, and forget those that are apart no more.

        ``apart`` are their numbers, from the newest to the oldest. Several open at once after a gap.
        """
        for number in apart:
            if number in self._marks or number in self._cuts:
                break
            if self._waiting:
                self._cuts[number] = len(self._waiting)
            else:
                self._marks[number] = self._settled
        self._apart = True
        for known in (self._marks, self._cuts):
            for gone in [number for number in known if number < apart[-1]]:
                del known[gone]

    def at(self, start: int) -> Mark:
        """How things stood when this start opened."""
        self.settle()
        return self._marks[start]

    def _after(self, counts: Sequence[int]) -> list[Mark]:
        """How things stand after each of these numbers of parts."""
        found, mark, done = [], self._settled, 0
        for count in counts:
            for part in self._waiting[done:count]:
                mark = self._with(mark, part)
            found.append(mark)
            done = count
        return found

    def _with(self, mark: Mark, part: _Part) -> Mark:
        share, odds = part.share, part.share / (1.0 - part.share)
        control = list(map(sub, part.total, part.canary))
        canary, total = np.array([part.canary, part.total], dtype=np.float64)[:, :, None]
        gained: Floats = canary * self._logs
        gained -= total * self._norms.profile(share)
        gained += mark.profile
        return Mark(
            canary=tuple(map(add, mark.canary, part.canary)),
            control=tuple(map(add, mark.control, control)),
            expected=tuple([had + seen * odds for had, seen in zip(mark.expected, control, strict=True)]),
            due=tuple([had + both * share for had, both in zip(mark.due, part.total, strict=True)]),
            profile=gained,
        )


class _Part:
    """Ticks of one share: the canary's events and those of both arms, by series."""

    __slots__ = ("canary", "share", "total")

    def __init__(self, share: float, canary: Sequence[int], total: Sequence[int]) -> None:
        self.share, self.canary, self.total = share, canary, total

    def add(self, canary: Sequence[int], total: Sequence[int]) -> None:
        self.canary, self.total = list(map(add, self.canary, canary)), list(map(add, self.total, total))
