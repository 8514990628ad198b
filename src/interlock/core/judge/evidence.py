"""Evidence of harm: an e-process for every series, over effect sizes and over moments at which it may have begun.

Rules:
1. The evidence E of a series is the weighted mean, over the harmful θ and over starts, of exp(log-likelihood
   since that start ÷ φ(time since it)). Half of the weight is on the start at 0. The other half is on one start
   every ``starts_every`` seconds: seven eighths of it equally within the planned length, seven eighths of the
   rest within as much time again, and so on, so that harm that begins in an overlong rollout is found as well.
2. Starts not yet reached stay in the mean with 1. So E begins at 1, and if nothing is wrong its expectation
   stays at most 1: it ever reaches 1/α with a probability of at most α.
3. State is bounded: beyond the longest window φ is a constant, and starts older than that are folded into one
   number for each θ, exactly (see ``starts``).
4. What one tick may add to the evidence of a rise is capped (``MOST_OF_A_TICK``), which can only take evidence
   away: bad events come in bursts, and one burst is one unlucky moment.
5. Arrays have a row for each start and a column for each θ of each series, θ after θ: a tick is a dozen
   operations on whole arrays. Ticks are added up together, one after the other, so that it makes no difference
   when; the mixture is weighed when somebody asks. Who looks in between changes nothing.
6. Another φ (see ``sizes``) holds for all that was gathered, folded starts included: of a mixture M of mass W
   that becomes W·(M/W)^r, whose expectation is no more than W where M's was, since r is at most 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlock.core.judge.ages import Ages
from interlock.core.judge.arithmetic import ORIGIN, STEPS, Floats, exact_log, log, near_powers, powers
from interlock.core.judge.series import Layout, Normalisers
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.starts import NEVER, Starts

MOST_OF_A_TICK = 6.0
"""Nats, after φ."""
MOST_WAITING = 32
"""Ticks that wait to be added up."""
_WITHIN = 7 / 8
_MANY = 10**12
"""Events up to which no log-likelihood comes near the end of whole numbers."""


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
        self._starts = Starts(ages.starts, _logs(plan.share_of).T.reshape(-1) * STEPS + ORIGIN)
        self._oldest = self._constant()
        self._caps = np.tile(_caps(plan, ages), plan.harmful)
        self._spread = np.tile(np.arange(2 * self._count).reshape(2, -1), plan.harmful)
        self._capped = any(row.kind == "bad" for row in plan.series)
        self._events = 0
        self._waiting: list[int] = []
        """Events, tick after tick: those of the canary and of both arms in each series."""
        self._added = np.empty((MOST_WAITING + 1, width))
        self._shares: list[float] = []
        self._newest, self._next, self._opened, self._unreached = 0.0, self._every, 0, 1.0
        self._open(0.0, 0.5)

    @property
    def apart(self) -> range:
        """Numbers of the starts not folded, from the newest to the oldest; 0 is the beginning of the rollout."""
        return range(self._opened, self._opened - len(self._starts) + 1, -1)

    @property
    def fastest(self) -> list[float]:
        """The largest 1/φ of each series: that of an age of 0."""
        return self._ages.at(0.0)

    def due(self, t: float) -> bool:
        """Whether a tick that begins at ``t`` opens a start."""
        return t >= self._next

    def advance(self, t: float) -> None:
        """Open the starts that are due until a tick begins at ``t``."""
        while self.due(t):
            period, self._opened = self._opened // self._planned, self._opened + 1
            self._open(self._next, 0.5 * _WITHIN * (1 - _WITHIN) ** period / self._planned)
            self._next = (self._opened + 1) * self._every

    def add(self, canary: Sequence[int], total: Sequence[int], share: float) -> None:
        """One tick's events of every series: those of the canary, and of both arms."""
        self._waiting += canary
        self._waiting += total
        self._shares.append(share)
        if len(self._shares) >= MOST_WAITING:
            self._settle()

    def _settle(self) -> None:
        """Add up what waits, tick after tick."""
        if not self._waiting:
            return
        self._events += sum(self._waiting)
        counts = np.array(self._waiting, dtype=np.float64).reshape(-1, 2 * self._count)
        each = counts.take(self._spread, axis=1)
        each *= self._norms.harmful(self._shares)
        added = self._added[: len(counts) + 1]
        np.add.reduce(each, axis=1, out=added[1:])
        if self._capped:
            np.minimum(added[1:], self._caps, out=added[1:])
        added[0] = self._sum
        self._sum = np.add.reduce(added, axis=0)
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
        was, self._ages = self._oldest, ages
        self._oldest = self._constant()
        self._starts.refit(was, self._oldest)
        self._caps = np.tile(_caps(self._plan, ages), self._plan.harmful)

    def _constant(self) -> Floats:
        """1/φ of each column beyond the longest window."""
        return np.tile(self._ages.constant(), self._plan.harmful)

    def _places(self, t: float) -> Floats:
        """Every start's part of the mean, for every θ and series, as a place in the table of powers."""
        starts = self._starts
        places = self._sum - starts.sums
        places *= self._ages.rows(t - self._newest)[: len(starts)]
        places += starts.parts
        return places

    def _open(self, began: float, weight: float) -> None:
        self._settle()
        self._unreached -= weight
        self._starts.open(self._sum, weight, self._oldest)
        self._newest = began

    def best_start(self, series: int, t: float) -> int:
        """Which of ``apart`` harm most likely began at, for one series."""
        best = self._places(t)[:-1, series :: self._count].max(axis=1)
        return self.apart[int(best.argmax())]

    def over(self, series: int, profile: Floats, t: float) -> float:
        """E of one series over a lesser harm, whose log-likelihood since each of ``apart`` is ``profile``."""
        lesser = profile * self._ages.rows(t - self._newest)[: len(profile), series]
        places = self._places(t)[:-1, series :: self._count] - lesser[:, None]
        return float(np.cumsum(powers(places))[-1])


def _by_series(parts: Floats, count: int) -> list[float]:
    """The sum of each series' θ, in their order."""
    if count == 1:
        return [float(np.cumsum(parts)[-1])]
    found: list[float] = np.add.reduce(parts.reshape(-1, count), axis=0).tolist()
    return found


def _logs(shares: Floats) -> Floats:
    return np.array([[exact_log(share) if share > 0 else NEVER for share in row] for row in shares.tolist()])


def _caps(plan: Layout, ages: Ages) -> Floats:
    inverse = ages.at(0.0)
    bad = [row.kind == "bad" for row in plan.series]
    return np.array([MOST_OF_A_TICK / inverse[row] if each else np.inf for row, each in enumerate(bad)])
