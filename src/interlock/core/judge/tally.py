"""What was counted so far: events of each series, what the canary was due, and the profile of the likelihood.

Rules:
1. What the canary would have had with the control's rate is the control's events times ρ/(1 − ρ), tick by tick.
2. Of every start that is still apart a copy is kept, so that harm can be estimated from where it most likely
   began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlock.core.judge.arithmetic import Floats
from interlock.core.judge.series import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The tally at one moment."""

    canary: tuple[int, ...]
    expected: tuple[float, ...]
    due: tuple[float, ...]
    profile: Floats


class Tally:
    """Sums since the rollout began. ``due`` are the events of both arms times ρ."""

    def __init__(self, plan: Layout) -> None:
        count = len(plan.series)
        self.canary, self.control = [0] * count, [0] * count
        self.expected, self.due = [0.0] * count, [0.0] * count
        self.profile: Floats = np.zeros((count, plan.thetas.shape[1] - plan.harmful))
        self.began = self.now()
        self._marks: dict[float, Mark] = {}

    def add(self, canary: Sequence[int], control: Sequence[int], share: float, increments: Floats) -> None:
        """One tick that counts; ``increments`` are the profile's log-likelihoods."""
        odds = share / (1.0 - share)
        for place, events in enumerate(canary):
            others = control[place]
            self.canary[place] += events
            self.control[place] += others
            self.expected[place] += others * odds
            self.due[place] += (events + others) * share
        self.profile += increments

    def now(self) -> Mark:
        """A copy."""
        return Mark(
            canary=tuple(self.canary),
            expected=tuple(self.expected),
            due=tuple(self.due),
            profile=self.profile.copy(),
        )

    def keep(self, began: Sequence[float]) -> None:
        """Remember how things stand at the newest of ``began``, and forget the starts that are not in it."""
        self._marks[began[0]] = self.now()
        for gone in [start for start in self._marks if start not in began]:
            del self._marks[gone]

    def at(self, start: float) -> Mark:
        """How things stood when this start opened."""
        return self._marks.get(start, self.began)
