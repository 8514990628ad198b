from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import placebo
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.tick import Counts, Observed, Tick
from interlock.core.judge.verdict import Stopped

TICK, SHARDS = 5.0, 20
MEANS = {"orders": 5.0, "errors": 0.5, "slow": 50.0}
METRICS = {
    "orders": MetricSettings(kind="good"),
    "errors": MetricSettings(kind="bad"),
    "slow": MetricSettings(kind="bad"),
}
Draw = Callable[[np.random.Generator, float, int], np.ndarray]


class Shop:
    """Twenty shards of which one is the canary; ``draw`` makes counts of shape (ticks, shards) of a given mean."""

    def __init__(self, draw: Draw, seed: int) -> None:
        self._draw, self._chance = draw, np.random.default_rng(seed)
        hour = {name: draw(self._chance, mean, 720) for name, mean in MEANS.items()}
        self.settings = JudgeSettings(
            metrics=METRICS,
            phi={name: placebo(counts.tolist(), every=TICK) for name, counts in hour.items()},
            planned_minutes=60.0,
            tick_seconds=TICK,
        )

    def rollout(self, minutes: int, **harm: float) -> tuple[float, Stopped | None]:
        """When a rollout was stopped, infinite for never."""
        ticks = int(minutes * 60 / TICK)
        series = {}
        for name, mean in MEANS.items():
            counts = self._draw(self._chance, mean, ticks)
            if name in harm:
                counts[:, 0] = self._draw(self._chance, mean * harm[name], ticks)[:, 0]
            series[name] = list(zip(counts[:, 0].tolist(), counts[:, 1:].sum(axis=1).tolist(), strict=True))
        judge = Judge(self.settings)
        for number in range(ticks):
            metrics = {
                name: Observed(
                    kind=METRICS[name].kind, counts=Counts(canary=each[number][0], control=(each[number][1],))
                )
                for name, each in series.items()
            }
            verdict = judge.step(Tick(t=(number + 1) * TICK, share=1 / SHARDS, metrics=metrics))
            if isinstance(verdict, Stopped):
                return (number + 1) * TICK, verdict
        return float("inf"), None


@pytest.fixture
def shop() -> type[Shop]:
    return Shop
