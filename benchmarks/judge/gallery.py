"""One picture for each scenario, one for false stops, one for the distance from the bound, one for growth."""

from __future__ import annotations

from pathlib import Path

from benchmarks.judge import plots
from benchmarks.judge.report import Measured
from benchmarks.judge.scenarios import alike


def draw(measured: Measured, folder: Path, kind: str = "svg") -> dict[str, str]:
    """All pictures into ``folder``; their file names by scenario."""
    found = {}
    crying = {
        alike(s.setting): {one.contender: one.rate for one in each} for s, each, _ in measured.goods.values()
    }
    usual = next(iter(crying.values()), {})
    for name, (scenario, each, _) in measured.faults.items():
        found[name] = f"judge-{name}.{kind}"
        plots.fault(scenario, each, crying.get(alike(scenario.setting), usual), folder / found[name])
    if measured.goods:
        found["goods"] = f"judge-goods.{kind}"
        plots.goods([(s.title, each) for s, each, _ in measured.goods.values()], folder / found["goods"])
    told = [
        (s.title, each[0].times_bound) for s, each, _ in measured.faults.values() if s.setting.kind == "poisson"
    ]
    if told:
        found["bounds"] = f"judge-bounds.{kind}"
        plots.bounds([(title, times) for title, times in told if times < 10], folder / found["bounds"])
    if measured.loads:
        found["growth"] = f"judge-growth.{kind}"
        rows = [(load.rollouts, load.seconds, load.memory) for load in measured.loads]
        plots.growth(rows, folder / found["growth"])
    return found
