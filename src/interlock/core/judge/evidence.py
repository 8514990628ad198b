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
   operations on whole arrays. Ticks are added up together, one after the other, so that it makes no difference
   when; the mixture is weighed when somebody asks. Who looks in between changes nothing.
6. Another φ (see ``sizes``) holds for all that was gathered, collapsed starts included: of a mixture M of mass W
   that becomes W·(M/W)^r, whose expectation is no more than W where M's was, since r is at most 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
MOST_WAITING = 32
"""Ticks that wait to be added up."""
_NEVER = -1e6
_WITHIN = 7 / 8
_MANY = 10**12
"""Events up to which no log-likelihood comes near the end of whole numbers."""
OLD = 0
"""The place of the collapsed starts; the others follow from the newest to the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """E of all series together, and of each."""

    total: float
    each: Sequence[float]

    @property
    def log_e(self) -> float:
        """The logarithm of all together."""
        return log(self.total)


class Evidence:
    """The mixture of all series of one rollout."""

    def __init__(self, settings: JudgeSettings, plan: Layout, ages: Ages, norms: Normalisers) -> None:
        self._plan, self._ages, self._norms, self._every = plan, ages, norms, settings.starts_every
        self._planned = max(1, round(settings.planned_minutes * 60 / settings.starts_every))
        self._count = len(plan.series)
        width = plan.harmful * self._count
        self._sum = np.zeros(width)
        self._own = _logs(plan.share_of).T.reshape(-1) * STEPS + ORIGIN
        self._row_weights = [_NEVER]
        self._before, self._weights = np.zeros((1, width)), np.full((1, width), _NEVER * STEPS)
        self._masses: list[float] = []
        self._folded = 0.0
        self._caps = np.tile(_caps(plan, ages), plan.harmful)
        self._spread = np.tile(np.arange(2 * self._count).reshape(2, -1), plan.harmful)
        self._capped = any(row.kind == "bad" for row in plan.series)
        self._events = 0
        self._waiting: list[list[int]] = []
        self._shares: list[float] = []
        self._newest, self._starts, self._unreached = 0.0, 0, 1.0
        self._open(0.0, 0.5)

    @property
    def began(self) -> list[float]:
        """When the starts that are not collapsed began, from the newest to the oldest."""
        return [self._newest - place * self._every for place in range(len(self._row_weights) - 1)]

    @property
    def fastest(self) -> list[float]:
        """The largest 1/φ of each series: that of an age of 0."""
        return self._ages.at(0.0)

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
        self._waiting.append([*canary, *total])
        self._shares.append(share)
        if len(self._waiting) >= MOST_WAITING:
            self._settle()

    def _settle(self) -> None:
        """Add up what waits, tick after tick."""
        if not self._waiting:
            return
        counts = np.array(self._waiting, dtype=np.float64)
        self._events += int(counts[:, self._count :].sum())
        each = counts.take(self._spread, axis=1)
        each *= self._norms.harmful(self._shares)
        increments = np.add.reduce(each, axis=1)
        if self._capped:
            np.minimum(increments, self._caps, out=increments)
        for increment in increments:
            self._sum += increment
        self._waiting.clear()
        self._shares.clear()

    def weigh(self, t: float) -> Weighed:
        """The mixture at ``t``; changes nothing."""
        self._settle()
        places = self._places(t)
        parts = near_powers(places) if self._events < _MANY else powers(places)
        sums = _by_series(np.add.reduce(parts, axis=0), self._count)
        each = [self._unreached + part for part in sums]
        total = 0.0
        for weight, found in zip(self._plan.weights, each, strict=True):
            total += weight * found
        return Weighed(total=total, each=each)

    def refit(self, ages: Ages) -> None:
        """Take another φ from here on, for all that was gathered as well; see rule 6."""
        self._settle()
        was, now = (np.tile(one.constant(), self._plan.harmful) for one in (self._ages, ages))
        if self._folded:
            mass = exact_log(self._folded)
            held = -self._before[OLD] * was
            self._before[OLD] = -((held - mass) * (now / was) + mass) / now
        self._ages = ages
        self._caps = np.tile(_caps(self._plan, ages), self._plan.harmful)

    def _places(self, t: float) -> Floats:
        """Every start's part of the mean, for every θ and series, as a place in the table of powers."""
        places = self._sum - self._before
        places *= self._ages.rows(t - self._newest)[: len(self._row_weights)]
        places += self._weights
        return places

    def _open(self, began: float, weight: float) -> None:
        self._settle()
        self._unreached -= weight
        if len(self._row_weights) > self._ages.starts:
            self._collapse()
        self._row_weights.insert(1, exact_log(weight) if weight > 0 else _NEVER)
        self._masses.insert(0, weight)
        self._before = np.concatenate([self._before[:1], self._sum[None], self._before[1:]])
        self._weights = np.array(self._row_weights)[:, None] * STEPS + self._own
        self._newest = began

    def _collapse(self) -> None:
        """Fold the oldest start into the collapsed ones: ln(e^a + e^b) for each θ."""
        inverse = np.tile(self._ages.constant(), self._plan.harmful)
        self._folded += self._masses.pop()
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
