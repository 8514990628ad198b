"""The backstop: all orders of both arms against a seasonal forecast, because harm that both share cancels out.

Rules:
1. The forecast is what earlier days or weeks had in each interval of the same time, brought to today's level.
   Its φ is how much wider days scatter around that than independent events would; it is measured on those same
   days.
2. A fall within the tolerance is no harm: the test is of "at least 1 − tolerance of the forecast", an e-process
   over deeper falls and over moments at which they may have begun, with an α of its own. What a stop says was
   counted is since the most likely of those moments.
3. Forecasts are weaker than a control. The backstop only stops; it never passes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.arithmetic import ORIGIN, STEPS, exact_log, log, powers
from interlock.core.judge.phi import chi_square
from interlock.core.judge.settings import BackstopSettings
from interlock.core.judge.tick import Tick
from interlock.core.judge.verdict import Stopped, ratio_of

FALLS = (0.01, 0.1, 0.25, 0.5, 0.65, 0.8)
"""What is looked for, as parts of what is tolerated."""
DAY = 86_400.0
MOST_EVENTS = 1e12
MOST_STARTS = 64
_LOGS = np.array([exact_log(fall) for fall in FALLS])
_LOSSES = 1.0 - np.array(FALLS)
_UPPER = 0.90
_FEWEST_DAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Events that are to be expected in each interval of ``every`` seconds from the rollout's begin on, and φ."""

    every: float
    expected: tuple[float, ...]
    phi: float

    def between(self, begin: float, end: float) -> float | None:
        """Events expected between two moments; None beyond the forecast."""
        if begin < 0 or end > self.every * len(self.expected):
            return None
        total, at = 0.0, begin
        while at < end:
            place = min(int(at / self.every), len(self.expected) - 1)
            until = min(end, (place + 1) * self.every)
            if until <= at:
                break
            total += self.expected[place] * ((until - at) / self.every)
            at = until
        return total


def forecast(days: Sequence[Sequence[int]], *, every: float, level: float = 1.0) -> Forecast:
    """From the same hours of earlier days or weeks, one row each; ``level`` is today's level over theirs.

    Raises:
        InvalidInput: ``backstop-history`` for fewer than three days, or days without events.
    """
    counts = np.asarray(days, dtype=np.float64)
    if counts.ndim != 2 or len(counts) < _FEWEST_DAYS or counts.sum() <= 0 or counts.min() < 0:  # noqa: PLR2004  # rows of days
        raise InvalidInput(
            "expected at least three earlier days with events, each cut into the same intervals",
            code="backstop-history",
            hint="take the same hours of the last days or weeks",
        )
    means = counts.mean(axis=0)
    seen = means > 0
    degrees = float(seen.sum() * (len(counts) - 1))
    # Each day is brought to the common level first: the level of today is given.
    levels = counts.sum(axis=1, keepdims=True) / means.sum()
    spread = counts - levels * means
    scatter = float((spread[:, seen] ** 2 / (levels * means)[:, seen]).sum()) / degrees
    phi = max(1.0, scatter * degrees / 2 / chi_square(1.0 - _UPPER, max(degrees / 2, 1.0)))
    return Forecast(every=every, expected=tuple(float(mean * level) for mean in means), phi=phi)


class Backstop:
    """One rollout's second test."""

    def __init__(self, settings: BackstopSettings, expected: Forecast, *, starts_every: float = 60.0) -> None:
        _check(expected)
        self.settings, self._forecast, self._every = settings, expected, starts_every
        self.stops_at = round(-exact_log(settings.alpha), 9)
        self._sum = np.zeros(len(FALLS))
        self._before = np.zeros((MOST_STARTS + 1, len(FALLS)))
        self._starts, self._likeliest = 0, 0
        self._marks = [(0, 0.0)]
        self.log_e = 0.0
        self.seen, self.due = 0, 0.0

    def step(self, begin: float, tick: Tick) -> None:
        """One tick that counts; nothing beyond the forecast."""
        observed = tick.metrics.get(self.settings.metric)
        due = self._forecast.between(begin, tick.t)
        if due is None or observed is None or observed.counts is None:
            return
        while begin >= (self._starts + 1) * self._every and self._starts < MOST_STARTS:
            self._starts += 1
            self._before[self._starts] = self._sum
            self._marks.append((self.seen, self.due))
        total = observed.counts.total
        self.seen += total
        self.due += due
        self._sum += total * _LOGS + due * (1.0 - self.settings.tolerance) * _LOSSES
        parts = powers((self._sum - self._before[: self._starts + 1]) * (STEPS / self._forecast.phi) + ORIGIN)
        sums = np.cumsum(parts, axis=1)[:, -1].tolist()
        self._likeliest = sums.index(max(sums))
        later = 0.0
        for each in sums[1:]:
            later += each
        unreached = 0.5 * (MOST_STARTS - self._starts) / MOST_STARTS
        self.log_e = round(log((0.5 * sums[0] + 0.5 * later / MOST_STARTS) / len(FALLS) + unreached), 9)

    def verdict(self) -> Stopped:
        """What a stop says; its metric is told as a total."""
        (seen, due), tolerance = self._marks[self._likeliest], self.settings.tolerance
        seen, due = self.seen - seen, self.due - due
        return Stopped(
            metric=f"{self.settings.metric} in total",
            log_e=self.log_e,
            log_e_metric=self.log_e,
            estimate=ratio_of(seen, due, high=1.0 - tolerance),
            at_least=tolerance,
            canary=seen,
            expected=due,
        )


def _check(expected: Forecast) -> None:
    fine = 0 < expected.every <= DAY and 1 <= expected.phi < DAY and expected.expected
    if not fine or not all(0 <= events <= MOST_EVENTS for events in expected.expected):
        raise InvalidInput(
            "expected a forecast with `every` in seconds, `expected` events of 0 or more, and `phi` of at least 1",
            code="backstop-forecast",
            hint="make it with interlock.core.judge.backstop.forecast from earlier days",
        )
