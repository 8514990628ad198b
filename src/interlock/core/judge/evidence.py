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
4. Log-likelihoods of rises are capped in each tick (``FIRST_TICK``), which can only take evidence away: bad
   events come in bursts, and one burst is one unlucky moment.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interlock.core.judge.arithmetic import STEPS, Floats, exact_log, exp_each, log, log_each
from interlock.core.judge.phi import UNKNOWN, PhiTable, inverses
from interlock.core.judge.series import FIRST_TICK, Layout
from interlock.core.judge.settings import JudgeSettings

_NEVER = -1e6
_SHARE = 7 / 8
OLD = 1
"""The row into which old starts collapse."""


def tables(settings: JudgeSettings) -> list[PhiTable]:
    """φ of each metric; the pessimistic one where there is no history."""
    return [settings.phi.get(name) or PhiTable.flat(UNKNOWN, "no history") for name in settings.metrics]


class Ages:
    """1/φ of every series at given ages in seconds."""

    def __init__(self, settings: JudgeSettings, plan: Layout) -> None:
        found = [inverses(table) for table in tables(settings)]
        self.longest = max(len(each) for each in found) - 1
        padded = [np.concatenate([each, np.full(self.longest + 1 - len(each), each[-1])]) for each in found]
        self._by_second = np.stack([padded[row.metric] for row in plan.series], axis=1)

    def at(self, seconds: float) -> Floats:
        """1/φ of each series after ``seconds``, rounded up to a whole second."""
        row: Floats = self._by_second[self._place(seconds)]
        return row

    def each(self, ages: Sequence[float]) -> Floats:
        """One row for each age."""
        rows: Floats = self._by_second[[self._place(age) for age in ages]]
        return rows

    def _place(self, seconds: float) -> int:
        whole = -int(-seconds // 1)
        return 0 if whole < 0 else min(whole, self.longest)


class Evidence:
    """The mixture of all series of one rollout."""

    def __init__(self, settings: JudgeSettings, plan: Layout, ages: Ages) -> None:
        self._ages, self._every = ages, settings.starts_every
        self._planned = max(1, round(settings.planned_minutes * 60 / settings.starts_every))
        self._share_of = plan.share_of
        self.weights: Floats = plan.weights
        shape = plan.share_of.shape
        self._sum = np.zeros(shape)
        self._caps = np.array(
            [[_cap(row.kind, inverse)] for row, inverse in zip(plan.series, ages.at(0.0), strict=True)]
        )
        room = 2 + int(ages.longest // settings.starts_every) + 2
        self._before = np.zeros((room, *shape))
        self._log_weights = np.zeros(room)
        self._log_weights[0], self._log_weights[OLD] = exact_log(0.5), _NEVER
        self.began: list[float] = [0.0, -float(ages.longest + 1)]
        self._starts, self._unreached = 0, 0.5

    def add(self, increments: Floats) -> None:
        """Log-likelihoods of one tick for every series and harmful θ."""
        self._sum += np.minimum(increments, self._caps)

    def advance(self, t: float) -> bool:
        """Open the starts that are due before the tick that ends after ``t``; whether ``began`` is another now."""
        before = self._starts
        while t >= (self._starts + 1) * self._every:
            self._starts += 1
            self._open(self._starts * self._every)
        while len(self.began) > 2 and t - self.began[2] > self._ages.longest:  # noqa: PLR2004  # after start and old
            self._collapse()
        return self._starts > before

    def _open(self, began: float) -> None:
        period = (self._starts - 1) // self._planned
        weight = 0.5 * _SHARE * (1 - _SHARE) ** period / self._planned
        self._unreached = max(0.0, self._unreached - weight)
        if len(self.began) == len(self._before):
            self._collapse()
        place = len(self.began)
        self._before[place] = self._sum
        self._log_weights[place] = exact_log(weight) if weight > 0 else _NEVER
        self.began.append(began)

    def _collapse(self) -> None:
        """ln(e^a + e^b) for each θ, where a holds the collapsed starts and b is the oldest of the others."""
        inverse = self._ages.at(self._ages.longest + 1)[:, None]
        old = self._log_weights[OLD] - self._before[OLD] * inverse
        new = self._log_weights[2] - self._before[2] * inverse
        high, low = np.maximum(old, new), np.minimum(old, new)
        both = high + log_each(1.0 + exp_each((low - high) * STEPS))
        self._before[OLD], self._log_weights[OLD] = -both / inverse, 0.0
        kept = len(self.began) - 1
        self._before[2:kept] = self._before[3 : kept + 1]
        self._log_weights[2:kept] = self._log_weights[3 : kept + 1]
        del self.began[2]

    def _terms(self, t: float) -> Floats:
        """The logarithm of every start's part, for every series and θ, in steps."""
        rows = len(self.began)
        inverse = self._ages.each([t - began for began in self.began])
        terms = self._sum - self._before[:rows]
        terms *= inverse[:, :, None]
        terms += self._log_weights[:rows, None, None]
        terms *= STEPS
        return terms

    def each(self, t: float) -> Floats:
        """E of every series."""
        parts = exp_each(self._terms(t)).sum(axis=0)
        parts *= self._share_of
        found: Floats = np.cumsum(parts, axis=1)[:, -1] + self._unreached
        return found

    def total(self, each: Floats) -> float:
        """The logarithm of the combined evidence."""
        return log(float(np.cumsum(each * self.weights)[-1]))

    def best_start(self, series: int, t: float) -> int:
        """Which of ``began`` harm most likely began at, for one series."""
        terms = self._terms(t)[:, series, :]
        best = np.where(self._share_of[series] > 0, terms, -np.inf).max(axis=1)
        best[OLD] = -np.inf
        return int(best.argmax())

    def against(self, series: int, profile: Floats, t: float) -> float:
        """E of one series over a lesser harm, whose log-likelihood since each start is ``profile``."""
        inverse = self._ages.each([t - began for began in self.began])[:, series]
        terms = self._terms(t)[:, series, :] - (profile * inverse * STEPS)[:, None]
        parts = exp_each(terms) * self._share_of[series]
        parts[OLD] = 0.0
        return float(np.cumsum(parts)[-1])


def _cap(kind: str, inverse: float) -> float:
    return FIRST_TICK / inverse if kind == "bad" else np.inf
