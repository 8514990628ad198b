"""How much more often something happens in one group than in another, with an interval that is exact.

Rules:
1. Of all events, each falls into the first group with a probability that the exposures and the ratio of the rates
   give; the interval of Clopper and Pearson for it is that of the ratio. It covers at least as often as it says.
2. Without an event in the second group there is no upper bound, and without any event nothing is said at all.
3. Events that come together (several findings in one change) make the interval too narrow; whoever counts changes
   instead of findings has the honest one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

CONFIDENCE = 0.95
FEWEST_EVENTS, FEWEST_UNITS = 5, 5
_STEPS, _TERMS, _CLOSE, _TINY = 200, 10_000, 1e-14, 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """``events`` over an ``exposure`` (lines, changes), seen in ``units`` (changes)."""

    events: int
    exposure: float
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """First rate over second. ``ratio`` and ``high`` are None where there is no bound."""

    ratio: float | None
    low: float
    high: float | None
    confidence: float
    enough: bool

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 1: the rates differ, as far as so many events can show."""
        return self.enough and (self.low > 1.0 or (self.high is not None and self.high < 1.0))


def rate_ratio(first: Group, second: Group, *, confidence: float = CONFIDENCE) -> Ratio | None:
    """The ratio of the two rates; None without an event, or where one group was exposed to nothing.

    ``enough`` is whether there are as many events and units as it takes to say anything by.
    """
    total = first.events + second.events
    if not total or first.exposure <= 0 or second.exposure <= 0:
        return None
    low, high = clopper_pearson(first.events, total, confidence=confidence)
    scale = second.exposure / first.exposure
    return Ratio(
        ratio=first.events / second.events * scale if second.events else None,
        low=low / (1.0 - low) * scale,
        high=high / (1.0 - high) * scale if second.events else None,
        confidence=confidence,
        enough=total >= FEWEST_EVENTS and min(first.units, second.units) >= FEWEST_UNITS,
    )


def clopper_pearson(events: int, trials: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval for a probability of which ``events`` of ``trials`` are an outcome."""
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if events == 0 else beta_quantile(tail, events, trials - events + 1)
    high = 1.0 if events == trials else beta_quantile(1.0 - tail, events + 1, trials - events)
    return low, high


def beta_quantile(share: float, a: float, b: float) -> float:
    """Where the distribution function of Beta(a, b) reaches ``share``, by halving."""
    below, above = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (below + above) / 2.0
        if middle in {below, above}:
            break
        if beta_share(middle, a, b) < share:
            below = middle
        else:
            above = middle
    return (below + above) / 2.0


def beta_share(x: float, a: float, b: float) -> float:
    """The distribution function of Beta(a, b) at ``x``: the regularized incomplete beta function."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    # The fraction is short on the near side of the mean; the other side is what is left of one.
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_share(1.0 - x, b, a)
    logs = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logs) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 + d1 / (1 + d2 / (1 + …)), from its front."""
    value, upper, lower = 1.0, 1.0, 0.0
    for number in range(1, _TERMS):
        half = number // 2
        if number % 2:
            step = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            step = half * (b - half) * x / ((a + number - 1) * (a + number))
        lower = 1.0 / (1.0 + step * lower or _TINY)
        upper = 1.0 + step / upper or _TINY
        value *= upper * lower
        if abs(upper * lower - 1.0) < _CLOSE:
            break
    return value
