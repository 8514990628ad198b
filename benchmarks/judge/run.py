"""A whole run: good rollouts first, which say how often the oracle's thresholds may cry wolf; then faults."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from benchmarks.judge import figures, oracle, report
from benchmarks.judge.play import CONTENDERS, INTERLOCK, ORACLE, SEED, Played, play_all, scatter, tasks
from benchmarks.judge.report import Measured
from benchmarks.judge.scenarios import ALL_FAULTS, ALL_GOODS, Scenario, alike

Fitted = dict[oracle.Rule, float]


@dataclass(slots=True, kw_only=True)
class Plan:
    """Which scenarios are run, how many rollouts each, and what good ones taught about thresholds."""

    quick: bool
    part: float
    only: tuple[str, ...]
    fitted: dict[tuple[object, ...], Fitted] = field(default_factory=dict)

    def wanted(self, scenarios: tuple[Scenario, ...]) -> list[Scenario]:
        """Those that were asked for."""
        return [each for each in scenarios if not self.only or each.name in self.only]

    def rollouts(self, scenario: Scenario) -> int:
        """How many of that scenario; never so few that a figure is noise alone."""
        return scenario.quick if self.quick else max(scenario.quick, round(scenario.rollouts * self.part))


def goods(pool: ProcessPoolExecutor, plan: Plan, measured: Measured) -> None:
    """Every kind of good rollout."""
    wanted = plan.wanted(ALL_GOODS)
    began = time.monotonic()
    batches = [tasks(each, plan.rollouts(each), {}) for each in wanted]
    for scenario, played in play_all(pool, batches):
        rate = float(np.isfinite(played.stops[INTERLOCK]).mean())
        fitted = oracle.fit(played.rules, rate)
        plan.fitted[alike(scenario.setting)] = fitted
        found = [figures.good(name, played.stops[name]) for name in CONTENDERS if name in played.stops]
        distrusted = float(np.mean([outcome.distrusted > 0 for outcome in played.judged]))
        measured.goods[scenario.name] = scenario, found, distrusted
        measured.passed[scenario.name] = passed(played)
        print(f"\n{scenario.title} · {time.monotonic() - began:.0f} s", flush=True)
        print(report.aligned(report.good_table({scenario.name: measured.goods[scenario.name]})), flush=True)
    measured.goods = {each.name: measured.goods[each.name] for each in wanted}


def faults(pool: ProcessPoolExecutor, plan: Plan, measured: Measured) -> None:
    """Every fault, under the thresholds that good rollouts allow the oracle."""
    wanted = plan.wanted(ALL_FAULTS)
    began = time.monotonic()
    batches = [tasks(each, plan.rollouts(each), fitted(plan, each)) for each in wanted]
    for scenario, played in play_all(pool, batches):
        rule, stops = oracle.best(played.rules, scenario.fault.onset)
        played.stops[ORACLE] = stops
        found = [
            figures.detection(scenario, name, played.stops[name]) for name in CONTENDERS if name in played.stops
        ]
        measured.faults[scenario.name] = scenario, found, scatter(scenario, found[0].delay)
        measured.passed[scenario.name] = passed(played)
        measured.chosen[scenario.name] = f"{rule[0]} over {rule[1]} s"
        print(f"\n{scenario.title} · {time.monotonic() - began:.0f} s", flush=True)
        print(report.aligned(report.fault_table(scenario, found)), flush=True)
        print(report.goals_of(scenario, found), flush=True)
    measured.faults = {each.name: measured.faults[each.name] for each in wanted}


def passed(played: Played) -> tuple[float, float]:
    """How often interlock passed the first stage's margin before a stop, and the median time until it did."""
    times = np.array([outcome.passed for outcome in played.judged])
    return float(np.isfinite(times).mean()), float(np.quantile(times, 0.5, method="inverted_cdf"))


def fitted(plan: Plan, scenario: Scenario) -> Fitted:
    """The oracle's thresholds for that setting: from good rollouts of this run, or from Poisson orders alone."""
    known = plan.fitted.get(alike(scenario.setting))
    if known:
        return known
    hour = replace(scenario.setting, minutes=60)
    rollouts = 200 if plan.quick else 1000
    worst = oracle.extremes_of_orders(hour, rollouts, [SEED, scenario.number, 999])
    rate = 0.003
    return oracle.fit(worst, rate)
