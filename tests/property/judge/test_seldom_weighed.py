"""A judge that weighs when a bound says so is one that weighs at every tick, in all that it says and does.

Settings and traffic are drawn so that evidence comes near what matters again and again: small harm that comes and
goes, shares that jump, noise from none to thirty times, counts from a few to many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick
from interlock.core.judge.verdict import Passed, Stopped, Verdict

TICKS, SEEDS = 260, 90
METRICS = {
    "orders": MetricSettings(kind="good"),
    "errors": MetricSettings(kind="bad"),
    "latency": MetricSettings(kind="bad", edges=("0.1", "0.5"), warm_up=20.0),
}
SHARES = (0.003, 0.01, 0.05, 0.25, 0.5, 0.95)
Heard = list[tuple[Verdict, float]]


def drawn(chance: np.random.Generator) -> JudgeSettings:
    names = list(METRICS)[: int(chance.integers(1, 4))]
    if chance.random() < 0.3:
        names = names[-1:]
    noise = [float(chance.choice([1.0, 1.0, 1.3, 5.0, 30.0])) for _ in names]
    tables = [
        PhiTable(windows=(5.0, 60.0, 600.0), values=(1.0, 1.0 + (phi - 1.0) / 2, phi), beyond=1.15)
        for phi in noise
    ]
    return JudgeSettings(
        metrics={name: METRICS[name] for name in names},
        phi=dict(zip(names, tables, strict=True)),
        alpha=float(chance.choice([0.2, 0.01, 0.01, 1e-6])),
        starts_every=float(chance.choice([7.3, 20.0, 60.0])),
        tick_seconds=float(chance.choice([1.0, 5.0])),
    )


def traffic(plan: JudgeSettings, chance: np.random.Generator) -> list[Tick]:
    rate, t, share = 10 ** chance.uniform(0.0, 4.0), 0.0, float(chance.choice(SHARES))
    found: list[Tick] = []
    for _ in range(TICKS):
        if chance.random() < 0.1:
            share = float(chance.choice(SHARES))
        if chance.random() < 0.1 or not found:
            harm = float(chance.choice([0.0, 0.0, 0.02, 0.1, 0.4]))
        t += plan.tick_seconds * float(chance.choice([1.0, 1.0, 1.0, 2.5]))

        def counts(part: float, factor: float) -> Counts:
            mean = rate * part * plan.tick_seconds
            canary, rest = chance.poisson(mean * share * factor), chance.poisson(mean * (1 - share))  # noqa: B023  # called at once
            return Counts(canary=int(canary), control=(int(rest),))

        every = {
            "orders": Observed(kind="good", counts=counts(1.0, 1 - harm)),
            "errors": Observed(kind="bad", counts=counts(0.01, 1 + 10 * harm)),
            "latency": Observed(
                kind="bad", buckets={"0.1": counts(0.5, 1 + harm), "0.5": counts(0.02, 1 + 4 * harm)}
            ),
        }
        metrics = {name: every[name] for name in plan.metrics}
        assigned = Assigned(canary=int(rate * share), control=int(rate * (1 - share)))
        lost = "late" if chance.random() < 0.03 else ""
        found.append(Tick(t=round(t, 6), share=share, metrics=metrics, assigned=assigned, discard=lost))
    return found


def heard(plan: JudgeSettings, ticks: Sequence[Tick]) -> Heard:
    judge = Judge(plan)
    judge.begin_stage(0.5, 0.0)
    return [(judge.step(tick), judge.log_e) for tick in ticks]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_comes_later_than_if_it_were_weighed_at_every_tick(seed, monkeypatch):
    chance = np.random.default_rng([seed, 77])
    plan = drawn(chance)
    ticks = traffic(plan, chance)
    seldom = heard(plan, ticks)
    monkeypatch.setattr("interlock.core.judge.judge.LONGEST", 1)
    always = heard(plan, ticks)
    near = min(math.log(10.0), -math.log(plan.alpha))
    for (said, evidence), (truly, true) in zip(seldom, always, strict=True):
        assert isinstance(said, Stopped) == isinstance(truly, Stopped)
        assert isinstance(said, Passed) == isinstance(truly, Passed)
        if true >= near:
            assert (said, evidence) == (truly, true)
        else:
            assert evidence < near
