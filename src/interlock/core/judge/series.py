"""Which series of counts a judge follows, and the rate ratios θ at which each is asked.

Rules:
1. A counted metric is one series; a latency is one for each bucket edge. All series of a rollout are the rows
   of the same arrays, so that a tick costs a few operations on all of them at once.
2. The first columns are the harmful θ of the grid, whose evidence stops; the rest is the profile, over which
   regressions are ruled out and estimates bounded. Unlike grids are filled up with θ = 1, which never brings
   anything.
3. A tick with x of n events at the canary adds x·ln θ − n·ln(1 + ρ(θ − 1)) to the log-likelihood of θ over 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum

import numpy as np

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.arithmetic import Floats, exact_log, log_each
from interlock.core.judge.settings import Grid, JudgeSettings, weights
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
"""Relative rises that can be ruled out, as many."""
_BETTER = {
    "good": (1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2.0, 3.0, 5.0, 10.0),
    "bad": (0.98, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05),
}
_MOST_SHARES = 1024
"""Shares whose logarithms are kept."""
CATASTROPHE = {"good": 0.25, "bad": 5.0}
"""θ from which on an effect is catastrophic: all that a metric without history is stopped for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One row. ``edge`` is empty for a counted metric."""

    name: str
    kind: MetricKind
    edge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All rows and columns; the first ``harmful`` are the grid. ``share_of`` is each one's part of its row.

    ``places`` are where a tick has the rows: each metric, its kind and its edges.
    """

    names: tuple[str, ...]
    kinds: Mapping[str, MetricKind]
    series: tuple[Series, ...]
    harmful: int
    thetas: Floats
    logs: Floats
    share_of: Floats
    weights: tuple[float, ...]
    places: tuple[tuple[str, MetricKind, tuple[str, ...]], ...]


def layout(settings: JudgeSettings) -> Layout:
    """Rows and columns for these settings."""
    series = tuple(
        Series(name=name, kind=one.kind, edge=edge)
        for name, one in settings.metrics.items()
        for edge in (one.edges or ("",))
    )
    each = weights(settings.metrics)
    thetas = [_thetas(settings, row) for row in series]
    return Layout(
        names=tuple(settings.metrics),
        kinds={name: one.kind for name, one in settings.metrics.items()},
        series=series,
        harmful=_width(settings),
        thetas=np.array(thetas),
        logs=np.array([[exact_log(theta) for theta in row] for row in thetas]),
        share_of=np.array([_shares(settings, row) for row in series]),
        weights=tuple(each[row.name] / max(1, len(settings.metrics[row.name].edges)) for row in series),
        places=tuple((name, one.kind, one.edges) for name, one in settings.metrics.items()),
    )


def _width(settings: JudgeSettings) -> int:
    return max(2, *(len(grid.thetas) for grid in (settings.drops, settings.rises, settings.slower)))


def _grid(settings: JudgeSettings, row: Series) -> Grid:
    if row.kind == "good":
        return settings.drops
    return settings.slower if row.edge else settings.rises


def _thetas(settings: JudgeSettings, row: Series) -> tuple[float, ...]:
    grid, good = _grid(settings, row).thetas, row.kind == "good"
    filled = (1.0,) * (_width(settings) - len(grid))
    ruled = tuple(1.0 - loss for loss in LOSSES) if good else tuple(1.0 + rise for rise in INCREASES)
    return grid + filled + ruled + _BETTER[row.kind]


def _shares(settings: JudgeSettings, row: Series) -> list[float]:
    """How the harmful θ of a row share its evidence: as the grid says, or the catastrophic ones alone."""
    grid = _grid(settings, row)
    shares = [
        share if row.name in settings.phi or catastrophic(row.kind, theta) else 0.0
        for theta, share in zip(grid.thetas, grid.shares(), strict=True)
    ]
    total = fsum(shares)
    filled = [0.0] * (_width(settings) - len(shares))
    return [share / total if total else 0.0 for share in shares] + filled


def catastrophic(kind: MetricKind, theta: float) -> bool:
    """Whether θ is so far off that even traffic of unknown noise does not do it by chance."""
    return theta <= CATASTROPHE["good"] if kind == "good" else theta >= CATASTROPHE["bad"]


class Normalisers:
    """ln θ and ln(1 + ρ(θ − 1)) at every θ, kept for the shares that were asked for."""

    def __init__(self, thetas: tuple[tuple[float, ...], ...], width: int) -> None:
        distinct = sorted(set(thetas))
        self._less_one = np.array(distinct) - 1.0
        self._of = [distinct.index(row) for row in thetas]
        self._width = width
        self._logs = np.array([[exact_log(theta) for theta in row[:width]] for row in thetas]).T
        self._harmful: dict[float, Floats] = {}
        self._profile: dict[float, Floats] = {}

    def harmful(self, shares: Sequence[float]) -> Floats:
        """What an event of the canary, and what one of either arm adds: for each share θ after θ of all series."""
        if len(set(shares)) == 1:
            return self._of_one(shares[0])
        return np.array([self._of_one(share) for share in shares])

    def _of_one(self, share: float) -> Floats:
        found = self._harmful.get(share)
        if found is None:
            norms = log_each(self._less_one[:, : self._width] * share + 1.0)
            found = np.stack([self._logs, -norms[self._of].T]).reshape(2, -1)
            _keep(self._harmful, share, found)
        return found

    def profile(self, share: float) -> Floats:
        """ln(1 + ρ(θ − 1)), by series and θ of the profile."""
        found = self._profile.get(share)
        if found is None:
            found = log_each(self._less_one[:, self._width :] * share + 1.0)[self._of]
            _keep(self._profile, share, found)
        return found


def _keep(known: dict[float, Floats], share: float, found: Floats) -> None:
    if len(known) >= _MOST_SHARES:
        known.clear()
    known[share] = found


def normalisers(plan: Layout) -> Normalisers:
    """Shared by all judges of one layout."""
    return _normalisers(tuple(map(tuple, plan.thetas.tolist())), plan.harmful)


@lru_cache(maxsize=64)
def _normalisers(thetas: tuple[tuple[float, ...], ...], width: int) -> Normalisers:
    return Normalisers(thetas, width)


def counted(plan: Layout, tick: Tick) -> tuple[list[int], list[int]] | None:
    """The canary's events and those of both arms of every series; None where one has no counts in this tick.

    Raises:
        InvalidInput: ``judge-metric`` for a metric that the settings do not have, or of another kind or shape.
    """
    metrics, lacking = tick.metrics, False
    if not metrics.keys() <= plan.kinds.keys():
        raise _unfit(plan, *next((name, one.kind) for name, one in metrics.items() if name not in plan.kinds))
    canary, total = [], []
    for name, kind, edges in plan.places:
        found = metrics.get(name)
        if found is None:
            lacking = True
            continue
        if found.kind != kind or bool(edges) != (found.counts is None):
            raise _unfit(
                plan, name, found.kind if found.kind != kind else "buckets" if found.buckets else "counts"
            )
        for counts in map(found.buckets.get, edges) if edges else (found.counts,):
            if counts is None:
                check_edges(name, edges, found.buckets)
                lacking = True
                continue
            canary.append(counts.canary)
            total.append(sum(counts.control, counts.canary))
    return None if lacking else (canary, total)


def check_edges(name: str, edges: Collection[str], buckets: Collection[str]) -> None:
    """An edge that is lacking is a measurement that is; where another one stands in its place it is misspelt.

    Raises:
        InvalidInput: ``judge-metric``.
    """
    other = sorted(set(buckets) - set(edges))
    if other:
        known = ", ".join(edges)
        raise InvalidInput(
            f"expected buckets of `{name[:60]}` at {known[:200]}, got one at `{other[0][:40]}`",
            code="judge-metric",
            hint="a tick has the metrics, kinds and bucket edges that the judge's settings name",
        )


def _unfit(plan: Layout, name: str, got: str) -> InvalidInput:
    known = ", ".join(f"{known} ({kind})" for known, kind in plan.kinds.items())
    return InvalidInput(
        f"expected metrics as the settings have them: {known[:200]}; got `{name[:60]}` ({got})",
        code="judge-metric",
        hint="a tick has the metrics, kinds and bucket edges that the judge's settings name",
    )
