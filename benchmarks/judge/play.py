"""Every contender over the same streams: a task is a batch of one scenario's rollouts, for any core to take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from benchmarks.judge import kayenta, oracle, ours, real_orders, thresholds
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.streams import GOOD, Streams, draw

Found = npt.NDArray[np.float64]
SEED = 20260305
BATCH = 20
COARSE = 5.0
"""Seconds a tick from which on a whole day before the rollout is drawn as well."""
INTERLOCK, DAY, FLAT = "interlock", "interlock, φ of a day", "interlock, φ = 1"
ORACLE = "oracle threshold"
INDEPENDENT = ("poisson",)
"""Traffic of which a judge may be told that φ is 1, because it is."""
PEERS = ("Kayenta, 5 min", "Kayenta, 1 min", "Argo, documented", "Argo, tuned", "Flagger")
CONTENDERS = (INTERLOCK, DAY, FLAT, ORACLE, *PEERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Some rollouts of a scenario. ``fitted`` are the oracle's thresholds, for faults only."""

    scenario: Scenario
    batch: int
    rollouts: int
    fitted: Mapping[oracle.Rule, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """When each contender stopped each rollout (seconds, infinite for never), in the order of the batches."""

    stops: dict[str, Found]
    judged: list[ours.Outcome]
    rules: dict[oracle.Rule, Found]
    """For good rollouts the worst that each of the oracle's rules saw, for faults when each would have stopped."""


def play(task: Task) -> Played:
    """One batch."""
    scenario = task.scenario
    streams = source_of(scenario)(
        scenario.setting, task.rollouts, [SEED, scenario.number, task.batch, 0], scenario.fault
    )
    stops, judged = {}, []
    for name, table in calibrations(task).items():
        outcomes = [ours.judge(streams, rollout, table) for rollout in range(len(streams))]
        judged = judged or outcomes
        stops[name] = np.array([outcome.stopped for outcome in outcomes])
    stops |= {name: peer(streams, name) for name in PEERS}
    rules = oracle.extremes(streams) if scenario.good else oracle.stops(streams, task.fitted)
    return Played(stops=stops, judged=judged, rules=rules)


def source_of(scenario: Scenario) -> Callable[..., Streams]:
    """What draws its streams."""
    return real_orders.draw if scenario.setting.kind == "real" else draw


def calibrations(task: Task) -> dict[str, ours.Tables]:
    """φ as a judge may know it: from an hour of the batch's own history; from a day; or told that it is 1."""
    scenario, setting = task.scenario, task.scenario.setting
    seed = [SEED, scenario.number, task.batch, 1]
    hour = source_of(scenario)(ours.history_of(setting), 1, seed, GOOD)
    found = {INTERLOCK: ours.calibrate(hour)}
    if setting.kind in INDEPENDENT and not scenario.good and setting.tick >= COARSE:
        found[DAY] = ours.calibrate(draw(ours.history_of(setting, 24), 1, [*seed, 24]))
    if setting.kind in INDEPENDENT:
        found[FLAT] = ours.flat(setting)
    return found


def peer(streams: Streams, name: str) -> Found:
    """When that peer stops each rollout."""
    if name.startswith("Kayenta"):
        every = 5 if "5" in name else 1
        found = (kayenta.stops(streams, rollout, every) for rollout in range(len(streams)))
        return np.array([np.inf if stop is None else stop for stop in found])
    rules = {
        "Argo, documented": thresholds.ARGO,
        "Argo, tuned": thresholds.ARGO_TUNED,
        "Flagger": thresholds.FLAGGER,
    }
    return thresholds.stops(streams, rules[name])


def scatter(scenario: Scenario, delay: float) -> float:
    """What φ truly is at the horizon of that delay, for the metric that is harmed: from other good rollouts."""
    setting = replace(scenario.setting, minutes=60)
    if setting.kind in {*INDEPENDENT, "diurnal", "real"} or not np.isfinite(delay):
        return 1.0
    counts = draw(setting, 20, [SEED, scenario.number, 998]).series["orders"]
    ticks = min(max(1, round(delay / setting.tick)), setting.ticks // 4)
    whole = setting.ticks // ticks
    sums = counts[:, : whole * ticks].reshape(20, whole, ticks, -1).sum(axis=2)
    return float(sums.var(axis=2, ddof=1).mean() / sums.mean())


def tasks(scenario: Scenario, rollouts: int, fitted: Mapping[oracle.Rule, float]) -> list[Task]:
    """A scenario in batches, each with a history of its own."""
    sizes = [min(BATCH, rollouts - at) for at in range(0, rollouts, BATCH)]
    return [
        Task(scenario=scenario, batch=number, rollouts=size, fitted=fitted) for number, size in enumerate(sizes)
    ]


def together(parts: list[Played]) -> Played:
    """Batches as one."""
    return Played(
        stops={name: np.concatenate([part.stops[name] for part in parts]) for name in parts[0].stops},
        judged=[outcome for part in parts for outcome in part.judged],
        rules={rule: np.concatenate([part.rules[rule] for part in parts]) for rule in parts[0].rules},
    )


def play_all(pool: ProcessPoolExecutor, wanted: list[list[Task]]) -> Iterator[tuple[Scenario, Played]]:
    """Every scenario as it is finished."""
    waiting = {}
    parts: dict[str, dict[int, Played]] = {batch[0].scenario.name: {} for batch in wanted}
    for task in (task for batch in wanted for task in batch):
        waiting[pool.submit(play, task)] = task
    sizes = {batch[0].scenario.name: len(batch) for batch in wanted}
    for future in as_completed(waiting):
        task = waiting.pop(future)
        name = task.scenario.name
        parts[name][task.batch] = future.result()
        if len(parts[name]) == sizes[name]:
            found = parts.pop(name)
            yield task.scenario, together([found[number] for number in sorted(found)])
