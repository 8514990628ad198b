"""Which series of counts a judge follows, and the rate ratios θ at which each is asked.

Rules:
1. A counted metric is one series; a latency is one for each bucket edge. All series of a rollout lie in the
   rows of the same arrays, so that a tick costs a few operations on all of them at once.
2. Of the columns the first are the harmful θ of the grid, whose evidence stops; the rest is the profile, over
   which regressions are ruled out and estimates bounded. Rows of unlike grids are filled up with weight 0.
3. A tick with x of n events at the canary adds x·ln θ − n·ln(1 + ρ(θ − 1)) to the log-likelihood of θ over 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.arithmetic import Floats, exact_log, log_each
from interlock.core.judge.settings import JudgeSettings, weights
from interlock.core.judge.tick import MetricKind, Tick

LOSSES = (
    0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4,
    0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99,
)  # fmt: skip
"""Fractions lost that can be ruled out."""
INCREASES = (
    0.02, 0.04, 0.05, 0.075, 0.1, 0.11, 0.15, 0.2, 0.25, 0.33, 0.4, 0.5, 0.6, 0.75, 1.0,
    1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 9.0, 15.0, 20.0, 30.0, 50.0,
)  # fmt: skip
"""Relative rises that can be ruled out."""
_BETTER_GOOD = (1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2.0, 3.0, 5.0, 10.0)
_BETTER_BAD = (0.98, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
CATASTROPHE = {"good": 0.25, "bad": 5.0}
"""θ from which on an effect is catastrophic: all that a metric without history is stopped for."""
FIRST_TICK = 5
"""Evidence of a rise that one tick may bring at most, in nats: no single burst convicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One row. ``metric`` is its place among the metrics, ``edge`` empty for a counted one."""

    name: str
    metric: int
    kind: MetricKind
    edge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All rows and columns. ``share_of`` is each harmful θ's part of its row, ``weights`` each row's of all."""

    names: tuple[str, ...]
    kinds: Mapping[str, MetricKind]
    series: tuple[Series, ...]
    harmful: int
    thetas: Floats
    logs: Floats
    share_of: Floats
    weights: Floats


@lru_cache(maxsize=256)
def _grids(drops: tuple[float, ...], rises: tuple[float, ...]) -> tuple[dict[str, tuple[float, ...]], int]:
    width = max(len(drops), len(rises))
    filled = {"good": drops, "bad": rises}
    profile = {
        "good": tuple(1.0 - loss for loss in LOSSES) + _BETTER_GOOD,
        "bad": tuple(1.0 + rise for rise in INCREASES) + _BETTER_BAD,
    }
    return {kind: grid + (1.0,) * (width - len(grid)) + profile[kind] for kind, grid in filled.items()}, width


def layout(settings: JudgeSettings) -> Layout:
    """Rows and columns for these settings."""
    names = tuple(settings.metrics)
    series = tuple(
        Series(name=name, metric=place, kind=one.kind, edge=edge)
        for place, (name, one) in enumerate(settings.metrics.items())
        for edge in (one.edges or ("",))
    )
    grids, width = _grids(settings.drops, settings.rises)
    thetas = np.array([grids[row.kind] for row in series])
    logs = np.array([[exact_log(theta) for theta in grids[row.kind]] for row in series])
    share = np.array([_within(settings, row) for row in series])
    each = weights(settings.metrics)
    rows = [each[row.name] / max(1, len(settings.metrics[row.name].edges)) for row in series]
    return Layout(
        names=names,
        kinds={name: one.kind for name, one in settings.metrics.items()},
        series=series,
        harmful=width,
        thetas=thetas,
        logs=logs,
        share_of=share,
        weights=np.array(rows),
    )


def _within(settings: JudgeSettings, row: Series) -> list[float]:
    """How a row's evidence is shared by its harmful θ: equally, or by the catastrophic ones alone."""
    grid = settings.drops if row.kind == "good" else settings.rises
    width = max(len(settings.drops), len(settings.rises))
    counted = [theta for theta in grid if row.name in settings.phi or _catastrophic(row.kind, theta)]
    return [1.0 / len(counted) if theta in counted else 0.0 for theta in grid] + [0.0] * (width - len(grid))


def _catastrophic(kind: MetricKind, theta: float) -> bool:
    return theta <= CATASTROPHE["good"] if kind == "good" else theta >= CATASTROPHE["bad"]


def normalisers(thetas: Floats, share: float) -> Floats:
    """ln(1 + ρ(θ − 1)) at every θ."""
    return log_each(1.0 + share * (thetas - 1.0))


def missing(plan: Layout, tick: Tick) -> str:
    """``metric-missing`` where a series has no counts in this tick, else nothing.

    Raises:
        InvalidInput: ``judge-metric`` for a metric or an edge that the settings do not have, or of another kind.
    """
    if not tick.metrics.keys() <= plan.kinds.keys():
        unknown = next(name for name in tick.metrics if name not in plan.kinds)
        raise _unfit(f"one of the metrics {', '.join(plan.names)}", unknown)
    for name, observed in tick.metrics.items():
        if observed.kind != plan.kinds[name]:
            raise _unfit(f"`{name}` to be a {plan.kinds[name]} metric", observed.kind)
    for row in plan.series:
        observed_row = tick.metrics.get(row.name)
        if observed_row is None:
            return "metric-missing"
        if bool(row.edge) != (observed_row.counts is None):
            raise _unfit(f"{'buckets' if row.edge else 'counts'} of `{row.name}`", "the other")
        if row.edge and row.edge not in observed_row.buckets:
            return "metric-missing"
    return ""


def _unfit(expected: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got `{got[:80]}`",
        code="judge-metric",
        hint="a tick has the metrics, kinds and edges that the judge's settings name",
    )


def counted(rows: Sequence[Series], tick: Tick) -> tuple[list[int], list[int]]:
    """Canary's events and the control's of every row, in order."""
    canary, control = [], []
    for row in rows:
        observed = tick.metrics[row.name]
        counts = observed.buckets[row.edge] if row.edge else observed.counts
        if counts is None:
            raise KeyError(row.name)
        canary.append(counts.canary)
        control.append(sum(counts.control))
    return canary, control
