"""What no contender can beat, and how sure a measured rate is.

The information bound: whoever stops a good rollout with probability α at most needs log(1/α)/KL on average to
find harm (Wald), KL being what one second tells. Conditional on the total of a second, the canary's count is
binomial with p = ρ under no harm and p = θρ/(θρ+1−ρ) under a factor θ, so KL is that of two binomials times the
events of a second. α is shared by three metrics here, as in the floor's table: log(3/α).
"""

from __future__ import annotations

import math

ALPHA, METRICS = 0.01, 3


def information(factor: float, share: float, rate: float) -> float:
    """Nats a second against no harm, when the canary's events come at ``factor`` times its share of ``rate``.

    ``rate`` is of one canary-sized shard without harm, per second.
    """
    harmed = factor * share / (factor * share + 1 - share)
    events = rate * (factor + (1 - share) / share)
    return events * (harmed * _log(harmed / share) + (1 - harmed) * math.log((1 - harmed) / (1 - share)))


def seconds(nats: float, alpha: float = ALPHA / METRICS) -> float:
    """The information bound on the delay, seconds."""
    return math.log(1 / alpha) / nats


def at_most(found: int, of: int, confidence: float = 0.95) -> float:
    """The one-sided upper confidence limit (Clopper and Pearson) of a rate seen as ``found`` out of ``of``."""
    if found >= of:
        return 1.0
    low, high = found / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(found, of, middle) > 1 - confidence else (low, middle)
    return high


def _at_most(found: int, of: int, rate: float) -> float:
    """The probability of ``found`` or fewer out of ``of``."""
    if rate in {0.0, 1.0}:
        return 1.0 - rate
    logs = (
        math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
        + k * math.log(rate) + (of - k) * math.log1p(-rate)
        for k in range(found + 1)
    )  # fmt: skip
    return math.fsum(math.exp(log) for log in logs)


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else 0.0
