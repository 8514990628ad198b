"""φ(h): how much wider real traffic scatters than independent events would, measured on placebo canaries.

Rules:
1. Cut an hour of the baseline's history into canary-sized shards. For each window h the variance of the shards'
   counts over their mean is 1 when events are independent; batches, retries and noisy shards make it larger.
2. What counts is its upper 90 % bound, by χ² with half of the nominal degrees of freedom, because neighbouring
   windows are alike. It never falls with h and is never below 1.
3. The canary may be one of the noisier shards. How far shards differ in their noise is looked at in the longest
   window of which there are ``_BLOCKS``; what differs beyond chance enlarges the excess over 1 to that of the
   noisiest tenth, at every window.
4. Between windows it is interpolated in log h; beyond the longest one it is 1.15 times the longest's, a
   constant.
5. This is a calibration and no theorem: traffic that is noisier than its history makes false stops more
   frequent.
6. A table that says how large the measured shards were is fitted to the size of the canary: see ``sizes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum, sqrt
from statistics import NormalDist

import numpy as np

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.arithmetic import Floats, exact_log

WINDOWS = (5.0, 15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
BEYOND = 1.15
UNKNOWN = 8.0
"""φ of a metric without history. Batches of a mean of 4 have 7 at most when their sizes are geometric."""
UPPER, LOWER = 0.90, 0.10
"""Which bound of the scatter is taken: what it hardly exceeds, or what it certainly has."""
_FEWEST_DEGREES = 5.0
_BLOCKS, _FEWEST_SHARDS = 60, 8
_LITTLE = 1.05
"""Scatter that differs from that of independent events by too little to be compared."""
_MOST_LARGER = 3.0

Whole = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhiTable:
    """φ at each window, in seconds; ``beyond`` the longest it is so many times the last value.

    ``source`` says which history it is from, ``shard`` which part of all traffic (0…1) each measured shard had, 0
    where that is not known. ``by_request``: the router decides for each request anew, not for each customer.
    """

    windows: tuple[float, ...]
    values: tuple[float, ...]
    beyond: float = BEYOND
    source: str = ""
    shard: float = 0.0
    by_request: bool = False

    @staticmethod
    def flat(value: float, source: str = "") -> PhiTable:
        """The same φ at every window, beyond the longest one included."""
        return PhiTable(windows=WINDOWS, values=(value,) * len(WINDOWS), beyond=1.0, source=source)

    def times(self, size: float) -> PhiTable:
        """φ of what has ``size`` times the traffic of a measured shard: the excess over 1 grows with it.

        Of something smaller the shortest window's excess stays: what one request books at once (lines of an order,
        a bulk call) comes together however little traffic there is.
        """
        whole = self.values[0] if size < 1.0 else 1.0
        return replace(self, values=tuple(whole + (value - whole) * size for value in self.values))

    def at(self, seconds: float) -> float:
        """φ after ``seconds``."""
        return float(1.0 / inverses(self)[min(max(0, -int(-seconds // 1)), len(inverses(self)) - 1)])


@lru_cache(maxsize=4096)
def inverses(table: PhiTable) -> Floats:
    """1/φ at each whole second up to the longest window, and beyond it at the last index."""
    logs = [exact_log(window) for window in table.windows]
    found = [1.0 / _between(table, logs, float(second)) for second in range(int(table.windows[-1]) + 1)]
    return np.array([*found, 1.0 / (table.values[-1] * table.beyond)])


def _between(table: PhiTable, logs: Sequence[float], seconds: float) -> float:
    if seconds <= table.windows[0]:
        return table.values[0]
    right = next(place for place, window in enumerate(table.windows) if window >= seconds)
    part = (exact_log(seconds) - logs[right - 1]) / (logs[right] - logs[right - 1])
    return table.values[right - 1] + part * (table.values[right] - table.values[right - 1])


def placebo(
    ticks: Sequence[Sequence[int]],
    *,
    every: float,
    windows: Sequence[float] = WINDOWS,
    source: str = "",
    bound: float = UPPER,
) -> PhiTable:
    """φ from history: one row a tick, one column a canary-sized shard, ``every`` seconds a tick.

    Raises:
        InvalidInput: ``placebo-history`` when there is too little of it to say anything.
    """
    counts = np.asarray(ticks, dtype=np.int64)
    if counts.ndim != 2 or counts.shape[1] < 2 or counts.size == 0 or counts.min() < 0 or every <= 0:  # noqa: PLR2004  # rows of shards
        raise _too_little("rows of counts of at least 2 shards")
    found: list[float] = []
    for window in windows:
        scatter = _bound(counts, max(1, round(window / every)), bound)
        found.append(max(1.0, scatter, *found) if scatter else max(found, default=0.0))
    if not all(found):
        raise _too_little("some events in each of several windows")
    larger = uneven(counts, windows, every) if bound == UPPER else 1.0
    values = tuple(1.0 + (value - 1.0) * larger for value in found)
    return PhiTable(windows=tuple(map(float, windows)), values=values, source=source)


def uneven(counts: Whole, windows: Sequence[float], every: float) -> float:
    """How many times the average excess over 1 the noisiest tenth of the shards has; 1 where nothing tells.

    The variance that chance alone makes between equal shards is taken off, by half of the nominal degrees of
    freedom as well.
    """
    fitting = [max(1, round(window / every)) for window in windows]
    ticks = max((each for each in fitting if counts.shape[0] // each >= _BLOCKS), default=0)
    if not ticks or counts.shape[1] < _FEWEST_SHARDS:
        return 1.0
    blocks = counts.shape[0] // ticks
    sums = counts[: blocks * ticks].reshape(blocks, ticks, -1).sum(axis=1)
    due = sums.sum(axis=1, keepdims=True) * (sums.sum(axis=0, keepdims=True) / max(1, int(sums.sum())))
    if due.min() < 1.0:
        return 1.0
    shards = counts.shape[1]
    off = sums - due
    each = (np.add.reduce(off * off / due, axis=0) / ((blocks - 1) * (shards - 1) / shards)).tolist()
    mean = fsum(each) / shards
    between = fsum((one - mean) * (one - mean) for one in each) / (shards - 1) - 4.0 * mean * mean / blocks
    if mean <= _LITTLE or between <= 0.0:
        return 1.0
    return min(_MOST_LARGER, 1.0 + NormalDist().inv_cdf(UPPER) * sqrt(between) / (mean - 1.0))


def _bound(counts: Whole, ticks: int, probability: float) -> float:
    """A bound of variance over mean at windows of so many ticks; 0 where history does not tell."""
    blocks = counts.shape[0] // ticks
    if blocks == 0:
        return 0.0
    sums = counts[: blocks * ticks].reshape(blocks, ticks, -1).sum(axis=1)
    shards = sums.shape[1]
    totals = sums.sum(axis=1)
    # Σ(c − mean)² = Σc² − (Σc)²/k, in whole numbers as long as possible
    scatter = float((shards * (sums * sums).sum(axis=1) - totals * totals).sum()) / shards
    expected = float(totals.sum()) * (shards - 1) / shards
    degrees = blocks * (shards - 1) / 2
    if expected <= 0 or degrees < _FEWEST_DEGREES:
        return 0.0
    bound: float = scatter / expected * degrees / chi_square(1.0 - probability, degrees)
    return bound


def chi_square(probability: float, degrees: float) -> float:
    """The χ² quantile by Wilson and Hilferty's cube, within 1 % from 5 degrees of freedom on."""
    spread = 2.0 / (9.0 * degrees)
    cube = 1.0 - spread + NormalDist().inv_cdf(probability) * spread**0.5
    return float(degrees * max(cube, 0.0) ** 3)


def _too_little(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected history with {expected}, got less",
        code="placebo-history",
        hint="take an hour or more of the baseline, cut into shards of the canary's size",
    )
