"""Evidence of harm: an e-process for every series, over effect sizes and over moments at which it may have begun.

Rules:
1. The evidence E of a series is the weighted mean, over the harmful θ and over starts, of exp(log-likelihood
   since that start ÷ φ(time since it)). Half of the weight is on the start at 0. The other half is on one start
   every ``starts_every`` seconds: seven eighths of it equally within the planned length, seven eighths of the
   rest within as much time again, and so on, so that harm that begins in an overlong rollout is found as well.
2. Starts not yet reached stay in the mean with 1. So E begins at 1, and if nothing is wrong its expectation
   stays at most 1: it ever reaches 1/α with a probability of at most α.
3. State is bounded: beyond the longest window φ is a constant, and starts older than that collapse into one
   number for each θ, exactly.
4. What one tick may add to the evidence of a rise is capped (``MOST_OF_A_TICK``), which can only take evidence
   away: bad events come in bursts, and one burst is one unlucky moment.
5. Arrays have a row for each start and a column for each θ of each series, θ after θ: a tick is a dozen
   operations on whole arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interlock.core.judge.ages import Ages
from interlock.core.judge.arithmetic import (
    ORIGIN,
    STEPS,
    Floats,
    exact_log,
    log,
    log_each,
    near_powers,
    powers,
)
from interlock.core.judge.series import Layout, Normalisers
from interlock.core.judge.settings import JudgeSettings

MOST_OF_A_TICK = 6.0
"""Nats, after φ."""
_NEVER = -1e6
_WITHIN = 7 / 8
_MANY = 10**12
"""Events up to which no log-likelihood comes near the end of whole numbers."""
OLD = 0
"""The place of the collapsed starts; the others follow from the newest to the oldest."""


class Evidence:
    """The mixture of all series of one rollout. ``each`` is E of every series, ``log_e`` of all together."""

    def __init__(self, settings: JudgeSettings, plan: Layout, ages: Ages, norms: Normalisers) -> None:
        self._plan, self._ages, self._norms, self._every = plan, ages, norms, settings.starts_every
        self._planned = max(1, round(settings.planned_minutes * 60 / settings.starts_every))
        self._count = len(plan.series)
        width = plan.harmful * self._count
        self._sum = np.zeros(width)
        self._own = _logs(plan.share_of).T.reshape(-1) * STEPS + ORIGIN
        self._row_weights = [_NEVER]
        self._before, self._weights = np.zeros((1, width)), np.full((1, width), _NEVER * STEPS)
        self._caps = np.tile(_caps(plan, ages), plan.harmful)
        self._spread = np.tile(np.arange(2 * self._count).reshape(2, -1), plan.harmful)
        self._capped = any(row.kind == "bad" for row in plan.series)
        self._events = 0
        self._newest, self._starts, self._unreached = 0.0, 0, 1.0
        self._open(0.0, 0.5)
        self.each = [1.0] * self._count

    @property
    def began(self) -> list[float]:
        """When the starts that are not collapsed began, from the newest to the oldest."""
        return [self._newest - place * self._every for place in range(len(self._row_weights) - 1)]

    def due(self, t: float) -> bool:
        """Whether a tick that begins at ``t`` opens a start."""
        return t >= (self._starts + 1) * self._every

    def advance(self, t: float) -> None:
        """Open the starts that are due until a tick begins at ``t``."""
        while self.due(t):
            self._starts += 1
            period = (self._starts - 1) // self._planned
            self._open(self._starts * self._every, 0.5 * _WITHIN * (1 - _WITHIN) ** period / self._planned)

    def add(self, canary: Sequence[int], total: Sequence[int], share: float) -> None:
        """One tick's events of every series: those of the canary, and of both arms."""
        self._events += sum(total)
        counts = np.array([*canary, *total], dtype=np.float64).take(self._spread)
        counts *= self._norms.harmful(share)
        increments = np.add.reduce(counts, axis=0)
        if self._capped:
            np.minimum(increments, self._caps, out=increments)
        self._sum += increments

    def weigh(self, t: float) -> float:
        """Bring ``each`` up to ``t``; the logarithm of the combined evidence."""
        places = self._places(t)
        parts = near_powers(places) if self._events < _MANY else powers(places)
        total, unreached = 0.0, self._unreached
        sums = _by_series(np.add.reduce(parts, axis=0), self._count)
        self.each = each = [unreached + part for part in sums]
        for weight, found in zip(self._plan.weights, each, strict=True):
            total += weight * found
        return log(total)

    def _places(self, t: float) -> Floats:
        """Every start's part of the mean, for every θ and series, as a place in the table of powers."""
        places = self._sum - self._before
        places *= self._ages.rows(t - self._newest)[: len(self._row_weights)]
        places += self._weights
        return places

    def _open(self, began: float, weight: float) -> None:
        self._unreached -= weight
        if len(self._row_weights) > self._ages.starts:
            self._collapse()
        self._row_weights.insert(1, exact_log(weight) if weight > 0 else _NEVER)
        self._before = np.concatenate([self._before[:1], self._sum[None], self._before[1:]])
        self._weights = np.array(self._row_weights)[:, None] * STEPS + self._own
        self._newest = began

    def _collapse(self) -> None:
        """Fold the oldest start into the collapsed ones: ln(e^a + e^b) for each θ."""
        inverse = np.tile(self._ages.constant(), self._plan.harmful)
        new = self._row_weights.pop() - self._before[-1] * inverse
        old = self._row_weights[OLD] - self._before[OLD] * inverse
        high, low = np.maximum(old, new), np.minimum(old, new)
        both = high + log_each(1.0 + powers((low - high) * STEPS + ORIGIN))
        self._before = self._before[:-1]
        self._before[OLD] = -both / inverse
        self._row_weights[OLD] = 0.0

    def best_start(self, series: int, t: float) -> int:
        """Which of ``began`` harm most likely began at, for one series."""
        best = self._places(t)[1:, series :: self._count].max(axis=1)
        return int(best.argmax())

    def over(self, series: int, profile: Floats, t: float) -> float:
        """E of one series over a lesser harm, whose log-likelihood since each of ``began`` is ``profile``."""
        rows = len(self._row_weights)
        lesser = profile * self._ages.rows(t - self._newest)[1:rows, series]
        places = self._places(t)[1:, series :: self._count] - lesser[:, None]
        return float(np.cumsum(powers(places))[-1])


def _by_series(parts: Floats, count: int) -> list[float]:
    """The sum of each series' θ, in their order."""
    if count == 1:
        return [float(np.cumsum(parts)[-1])]
    found: list[float] = np.add.reduce(parts.reshape(-1, count), axis=0).tolist()
    return found


def _logs(shares: Floats) -> Floats:
    return np.array([[exact_log(share) if share > 0 else _NEVER for share in row] for row in shares.tolist()])


def _caps(plan: Layout, ages: Ages) -> Floats:
    inverse = ages.at(0.0)
    bad = [row.kind == "bad" for row in plan.series]
    return np.array([MOST_OF_A_TICK / inverse[row] if each else np.inf for row, each in enumerate(bad)])
