from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from interlock.core.judge.phi import PhiTable
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick

METRICS = {
    "orders": MetricSettings(kind="good"),
    "errors": MetricSettings(kind="bad"),
    "latency": MetricSettings(kind="bad", edges=("0.1", "0.5"), warm_up=30.0),
}


@pytest.fixture
def settings() -> Callable[..., JudgeSettings]:
    """Settings for events that are independent, unless told otherwise."""

    def made(**given: object) -> JudgeSettings:
        metrics = given.pop("metrics", METRICS)
        phi = {name: PhiTable.flat(1.0) for name in metrics}
        return JudgeSettings(
            **{"metrics": metrics, "phi": phi, "tick_seconds": 1.0, "planned_minutes": 60.0, **given}
        )

    return made


class Traffic:
    """A seeded shop at 300 requests a second."""

    def __init__(self, seed: int = 1, share: float = 0.05) -> None:
        self.chance, self.share = np.random.default_rng(seed), share

    def _counts(self, mean: float, times: float) -> Counts:
        canary = int(self.chance.poisson(mean * self.share * times))
        return Counts(canary=canary, control=(int(self.chance.poisson(mean * (1 - self.share))),))

    def tick(
        self, t: float, *, orders: float = 1.0, errors: float = 1.0, slow: float = 1.0, share: float | None = None
    ) -> Tick:
        metrics = {
            "orders": Observed(kind="good", counts=self._counts(100, orders)),
            "errors": Observed(kind="bad", counts=self._counts(2, errors)),
            "latency": Observed(
                kind="bad", buckets={"0.1": self._counts(150, slow), "0.5": self._counts(10, slow)}
            ),
        }
        canary = int(self.chance.poisson(300 * self.share))
        assigned = Assigned(canary=canary, control=int(self.chance.poisson(300 * (1 - self.share))))
        return Tick(t=t, share=self.share if share is None else share, metrics=metrics, assigned=assigned)


@pytest.fixture
def traffic() -> type[Traffic]:
    return Traffic
