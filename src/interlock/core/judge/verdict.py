"""What the judge says after each tick. Only ``Passed`` lets a rollout widen by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SOME = 0.05
"""Events, below which none was expected: over as good as nothing there is no ratio."""


def ratio_of(seen: int, due: float, *, low: float | None = None, high: float | None = None) -> float | None:
    """Events seen over events due; None where none was due, and where the bounds say that it is another."""
    if due < SOME:
        return None
    ratio = seen / due
    return ratio if (low is None or low <= ratio) and (high is None or ratio <= high) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Harm. ``metric`` contributed most; ``log_e`` is the combined evidence (nats), ``log_e_metric`` that one's.

    ``estimate`` is the canary's rate over the control's (1 is no harm) since harm most likely began, ``canary``
    events of ``expected``; None where there is none: nothing was expected, or what was counted since then does
    not bear out what is proven. ``at_least`` is the harm that is proven at 1 − α: for a good metric the fraction
    of events lost (0 where nothing is), for a bad one the factor by which it rose (1).
    """

    metric: str
    log_e: float
    log_e_metric: float
    estimate: float | None
    at_least: float
    canary: int = 0
    expected: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The stage's margin is ruled out for every metric. ``ruled_out``: what is excluded at 99 %, by metric.

    A regression is a fraction: 0.5 is half of the orders lost, or half as many errors more.
    """

    ruled_out: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnough:
    """Neither harm nor a pass yet. ``eta`` is seconds until a pass is expected, None where nobody can say."""

    ruled_out: Mapping[str, float | None]
    eta: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Untrusted:
    """What was measured cannot be believed; ``code`` names the trust check, ``why`` tells a person."""

    code: str
    why: str


NotEnoughData = NotEnough
"""The design's word for it."""

Verdict = Stopped | Passed | NotEnoughData | Untrusted


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricStanding:
    """How one metric stands, for people. ``expected`` is what the canary would have had with the control's rate.

    ``low`` and ``high`` bound ``estimate`` (canary's rate over control's) at 1 − α, None while nothing is known.
    ``estimate`` is None where none was expected, and never outside of them.
    ``lost`` is ``expected − canary`` for a good metric, ``canary − expected`` for a bad one, not below 0.
    """

    canary: int
    control: int
    expected: float
    log_e: float
    ruled_out: float | None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    lost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the rollout stands after a tick. ``log_e`` stops it at ``−log α``."""

    t: float
    log_e: float
    stops_at: float
    metrics: Mapping[str, MetricStanding] = field(default_factory=dict)
    ticks: int = 0
    discarded: int = 0
