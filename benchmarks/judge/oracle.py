"""The strongest contender: the best fixed threshold that somebody who knows the fault beforehand could choose.

Rules:
1. It looks every tick at one window (out of eleven lengths) of one metric, and fires when the canary's count
   over its share of the control's, in that window, passes a threshold.
2. Thresholds are fitted on good rollouts of the same setting, so that it stops as many of them as our judge
   does: a third of that rate for each of three metrics, as three such rules would have to run side by side.
3. For each fault it is given metric, window and threshold with the least median delay on the very streams it is
   judged on. Nobody has this knowledge: it is the limit of what thresholds can do.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from benchmarks.judge.streams import Setting, Streams

Found = npt.NDArray[np.float64]
WINDOWS = (5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800)
HARMFUL = {"orders": -1, "errors": 1, "q50": 1, "q90": 1, "q99": 1}
Rule = tuple[str, int]


def rules(tick: float, minutes: float) -> list[Rule]:
    """Every metric with every window that whole ticks make up."""
    windows = [window for window in WINDOWS if window >= tick and window <= minutes * 60]
    return [(name, window) for name in HARMFUL for window in windows]


def ratios(streams: Streams, rule: Rule) -> Found:
    """The ratio in the window that ends with each tick, larger where worse; −∞ while the window is not full."""
    name, window = rule
    ticks = round(window / streams.setting.tick)
    counts = streams.series[name]
    canary, control = (
        rolled(arm, ticks)
        for arm in (counts[:, :, 0], counts[:, :, 1:].sum(axis=2) / (streams.setting.shards - 1))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        harm = HARMFUL[name] * np.where(control > 0, canary / control, 1.0)
    harm[:, : ticks - 1] = -np.inf
    return np.asarray(harm)


def rolled(counts: npt.NDArray[np.generic], ticks: int) -> Found:
    """Sums of the last ``ticks`` ticks."""
    total = counts.cumsum(axis=1).astype(float)
    total[:, ticks:] -= total[:, :-ticks].copy()
    return total


def extremes(streams: Streams) -> dict[Rule, Found]:
    """The worst that each good rollout ever looked under each rule."""
    found = rules(streams.setting.tick, streams.setting.minutes)
    return {rule: ratios(streams, rule).max(axis=1) for rule in found}


def extremes_of_orders(setting: Setting, rollouts: int, seed: list[int]) -> dict[Rule, Found]:
    """The same for Poisson orders alone, where all series of a setting would be too many to draw."""
    chance = np.random.default_rng(np.random.SeedSequence(seed))
    canary = chance.poisson(setting.orders * setting.tick, (rollouts, setting.ticks, 1))
    control = chance.poisson(setting.orders * setting.tick * (setting.shards - 1), (rollouts, setting.ticks, 1))
    series = {"orders": np.concatenate([canary, control], axis=2)}
    whole = Streams(setting=setting, series=series, assigned=np.zeros((rollouts, 0, 2), dtype=np.int64))
    found = [rule for rule in rules(setting.tick, setting.minutes) if rule[0] == "orders"]
    return {rule: ratios(whole, rule).max(axis=1) for rule in found}


def fit(worst: Mapping[Rule, Found], rate: float) -> dict[Rule, float]:
    """The threshold of each rule at which it stops at most a third of ``rate`` of these good rollouts."""
    found = {}
    for rule, values in worst.items():
        allowed = int(len(values) * rate / 3)
        found[rule] = float(np.sort(values)[::-1][allowed])
    return found


def stops(streams: Streams, fitted: Mapping[Rule, float]) -> dict[Rule, Found]:
    """When each rule stops each rollout, seconds; infinite where it never does."""
    found = {}
    for rule, threshold in fitted.items():
        fires = ratios(streams, rule) > threshold
        found[rule] = np.where(fires.any(axis=1), (fires.argmax(axis=1) + 1) * streams.setting.tick, np.inf)
    return found


def best(stopped: Mapping[Rule, Found], onset: float) -> tuple[Rule, Found]:
    """The rule with the least median delay after the onset, and its stops."""

    def middle(rule: Rule) -> tuple[float, float]:
        times = stopped[rule][stopped[rule] > onset]
        return (float(np.median(times)) if len(times) else np.inf, float(-np.isfinite(times).sum()))

    rule = min(stopped, key=middle)
    return rule, stopped[rule]
