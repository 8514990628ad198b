"""What the judge costs: one of them, and thousands side by side on one core.

Rules:
1. Processor time of one process, never wall time: the machine may be shared. Ticks are made before the clock
   starts.
2. *Side by side*: every rollout has three metrics (five series: latency has three edges), 5 % canary, and is 15
   minutes old, so that its state is as large as it gets. Then each is fed ticks of one second, all of them in
   turn, as a server does; the median round counts. Resident memory is the process's at the end, and what an
   interpreter with the judge loaded takes is taken off to tell how much each rollout adds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.judge import ours
from benchmarks.judge.streams import Setting, draw

from interlock.core.judge.judge import Judge
from interlock.core.judge.tick import Tick

OLD_MINUTES, ROUNDS = 15, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Processor time of one thing."""

    figure: str
    micros: float
    target: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many rollouts: processor seconds to judge each once, resident MB, and kB that each adds."""

    rollouts: int
    seconds: float
    memory: float
    each: float


def costs() -> list[Cost]:
    """One judge over an hour of ticks of 5 s, and over 12 minutes of ticks of 1 s."""
    found = []
    for setting, said in (
        (Setting(), "an hour of 5 s ticks"),
        (Setting(tick=1.0, minutes=12.0), "12 min of 1 s ticks"),
    ):
        whole = per_tick(setting)
        note = f"{said}, 19 control shards"
        found += [
            Cost(
                figure="judge, per metric and tick", micros=whole / 3, target="≤ 10 µs", note=f"{note}, 5 series"
            ),
            Cost(figure="judge, per tick", micros=whole, note=note),
        ]
    return found


def per_tick(setting: Setting) -> float:
    """Processor time of one tick of three metrics, µs: the median of three rollouts."""
    streams = draw(setting, 3, [1])
    phi = ours.calibrate(draw(replace(setting, minutes=60.0), 1, [2]))
    spent = []
    for rollout in range(3):
        ticks = list(ours.ticks(streams, rollout))
        judge = judging(setting, phi)
        began = time.process_time()
        for tick in ticks:
            judge.step(tick)
        spent.append((time.process_time() - began) / len(ticks) * 1e6)
    return median(spent)


def judging(setting: Setting, phi: ours.Tables) -> Judge:
    """A judge at the beginning of a rollout."""
    judge = Judge(ours.settings(setting, phi))
    judge.expect_share(setting.share)
    return judge


def loads(counts: tuple[int, ...]) -> Iterator[Load]:
    """Each number of rollouts in a process of its own."""
    root = Path(__file__).resolve().parent.parent.parent
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.judge.scale", str(count)]
        answer = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
        yield Load(**json.loads(answer))


def load(count: int) -> dict[str, float]:
    """That many rollouts, old ones, judged in turn."""
    ageing = Setting(tick=15.0, minutes=OLD_MINUTES)
    second = Setting(tick=1.0, minutes=ROUNDS / 60)
    phi = ours.calibrate(draw(Setting(), 1, [2]))
    past = list(ours.ticks(draw(ageing, 1, [3]), 0))
    now = [later(tick, OLD_MINUTES * 60.0) for tick in ours.ticks(draw(second, 1, [4]), 0)]
    before = resident()
    judges = [judging(Setting(tick=5.0), phi) for _ in range(count)]
    for judge in judges:
        for tick in past:
            judge.step(tick)
    rounds = []
    for tick in now:
        began = time.process_time()
        for judge in judges:
            judge.step(tick)
        rounds.append(time.process_time() - began)
    after = resident()
    return {"rollouts": count, "seconds": median(rounds), "memory": after, "each": (after - before) * 1000 / count}


def later(tick: Tick, by: float) -> Tick:
    """The same tick, so many seconds on."""
    return Tick(t=tick.t + by, share=tick.share, metrics=tick.metrics, assigned=tick.assigned)


def resident() -> float:
    """This process's resident memory, MB."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(load(int(sys.argv[1]))))
