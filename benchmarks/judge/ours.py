"""The judge under test, fed as a rollout feeds it: ticks of counts, the router's assignments, φ from history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from benchmarks.judge.streams import EDGES, Counted, Setting, Streams

from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable, placebo
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick
from interlock.core.judge.verdict import Passed, Stopped, Untrusted

SEEN = ("q50", "q90", "q99")
EDGE_OF = {name: f"{EDGES[name]:.3f}" for name in SEEN}
METRICS = {
    "orders": MetricSettings(kind="good"),
    "errors": MetricSettings(kind="bad"),
    "latency": MetricSettings(kind="bad", edges=tuple(EDGE_OF.values())),
}
Tables = Mapping[str, PhiTable]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One rollout. Times in seconds since its beginning, infinite for never; ``distrusted`` counts ticks."""

    stopped: float
    metric: str
    passed: float
    distrusted: int


def history_of(setting: Setting, hours: float = 1) -> Setting:
    """The history before a rollout of that setting."""
    return replace(setting, minutes=60 * hours)


def settings(setting: Setting, phi: Tables) -> JudgeSettings:
    """As shipped, but for the hour that is planned, the tick and φ. A real shop's days have orders alone."""
    metrics = {"orders": METRICS["orders"]} if setting.kind == "real" else METRICS
    return JudgeSettings(metrics=metrics, phi=phi, planned_minutes=60, tick_seconds=setting.tick)


def calibrate(history: Streams) -> Tables:
    """φ of each metric from history without a canary; of latency, at each window, the edge that scatters most."""
    every = history.setting.tick
    orders = placebo(history.series["orders"][0], every=every)
    if history.setting.kind == "real":
        return {"orders": orders}
    edges = [placebo(history.series[name][0], every=every) for name in SEEN]
    worst = tuple(max(values) for values in zip(*(table.values for table in edges), strict=True))
    latency = PhiTable(windows=edges[0].windows, values=worst)
    return {"orders": orders, "errors": placebo(history.series["errors"][0], every=every), "latency": latency}


def flat(setting: Setting) -> Tables:
    """What it would know if it were told that events are independent."""
    return {name: PhiTable.flat(1.0) for name in settings(setting, {}).metrics}


def judge(streams: Streams, rollout: int, phi: Tables) -> Outcome:
    """One rollout, until it is stopped or its time is over."""
    judging = Judge(settings(streams.setting, phi))
    judging.expect_share(streams.setting.share)
    passed, distrusted = np.inf, 0
    for tick in ticks(streams, rollout):
        verdict = judging.step(tick)
        if isinstance(verdict, Stopped):
            return Outcome(stopped=tick.t, metric=verdict.metric, passed=passed, distrusted=distrusted)
        distrusted += isinstance(verdict, Untrusted)
        if isinstance(verdict, Passed):
            passed = min(passed, tick.t)
    return Outcome(stopped=np.inf, metric="", passed=passed, distrusted=distrusted)


def ticks(streams: Streams, rollout: int) -> Iterator[Tick]:
    """What the road would hand to the judge."""
    setting = streams.setting
    orders, errors, *slow = (counts(streams.series[name][rollout]) for name in ("orders", "errors", *SEEN))
    assigned = streams.assigned[rollout].tolist()
    for at in range(setting.ticks):
        metrics = {"orders": Observed(kind="good", counts=orders[at])}
        if setting.kind != "real":
            buckets = {edge: each[at] for edge, each in zip(EDGE_OF.values(), slow, strict=True)}
            metrics["errors"] = Observed(kind="bad", counts=errors[at])
            metrics["latency"] = Observed(kind="bad", buckets=buckets)
        arms = Assigned(canary=assigned[at][0], control=assigned[at][1]) if setting.requests else None
        yield Tick(t=(at + 1) * setting.tick, share=setting.share, metrics=metrics, assigned=arms)


def counts(series: Counted) -> list[Counts]:
    """A series as the ticks hold it."""
    return [Counts(canary=canary, control=tuple(control)) for canary, *control in series.tolist()]
