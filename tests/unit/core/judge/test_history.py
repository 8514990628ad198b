"""φ from recorded ticks: that of the noisiest edge, of the shards of the control alone."""

from __future__ import annotations

import numpy as np

from interlock.core.judge.history import ONE_CONTROL, measured
from interlock.core.judge.phi import placebo
from interlock.core.judge.record import Said, write
from interlock.core.judge.tick import Counts, Observed, Tick

SHARDS, TICKS = 10, 720


def lines(calm: np.ndarray, noisy: np.ndarray) -> list[str]:
    found = []
    for number in range(TICKS):
        edges = {
            edge: Counts(canary=0, control=tuple(rows[number].tolist()))
            for edge, rows in (("0.1", calm), ("0.5", noisy))
        }
        metrics = {
            "orders": Observed(kind="good", counts=Counts(canary=3, control=(60,))),
            "errors": Observed(kind="bad", counts=Counts(canary=3, control=tuple(calm[number].tolist()))),
            "latency": Observed(kind="bad", buckets=edges),
        }
        found.append(write(Said(tick=Tick(t=5.0 * (number + 1), share=0.0, metrics=metrics))))
    return found


def test_the_noisiest_edge_of_a_latency_counts(settings):
    chance = np.random.default_rng(1)
    calm = chance.poisson(40.0, (TICKS, SHARDS))
    noisy = chance.poisson(40.0 * chance.gamma(8.0, 1 / 8.0, (TICKS, SHARDS)))
    found = measured(settings(phi={}), lines(calm, noisy))
    wanted = placebo(noisy.tolist(), every=5.0).values
    assert found.settings.phi["latency"].values == wanted
    assert wanted[-1] > 3 > found.settings.phi["errors"].values[-1]
    assert found.missing == {"orders": ONE_CONTROL}
