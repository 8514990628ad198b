"""Ten days of a real shop as order streams: invoices, never lines.

Rules:
1. A day is compressed into the hour of a rollout, from its first invoice to its last. Cancellations (numbers
   that begin with C) are no orders. That leaves 47–96 orders, so the canary gets 25 or 50 % of them; each
   invoice goes to one shard at random.
2. It is thin: ten days and some seven hundred orders in all. Rollouts differ by the split and the day only, so
   their number says how often a split of these days misleads, and nothing about days that are not among them.
3. φ comes from another day than the rollouts', split into shards of the same size. There are no errors and no
   latencies: those series stay empty, and the judge is given orders alone.
"""

from __future__ import annotations

import csv
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from benchmarks.judge.streams import GOOD, Fault, Setting, Streams

FOLDER = Path(__file__).resolve().parent.parent.parent / "tests" / "data" / "orders"
HOUR = 3600.0


@cache
def days() -> tuple[npt.NDArray[np.float64], ...]:
    """Each day's orders as seconds of a compressed hour, in (0, 3600]."""
    return tuple(compressed(file) for file in sorted(FOLDER.glob("*.csv")))


def compressed(file: Path) -> npt.NDArray[np.float64]:
    """One day's orders, first invoice just after 0, last at 3600."""
    with file.open(encoding="utf-8", newline="") as lines:
        stamps = {line["InvoiceNo"]: line["InvoiceDate"] for line in csv.DictReader(lines)}
    times = sorted(
        datetime.fromisoformat(stamp).timestamp() for number, stamp in stamps.items() if not number.startswith("C")
    )
    found = np.array(times)
    return np.asarray(np.maximum((found - found[0]) / (found[-1] - found[0]) * HOUR, 1e-3))


def draw(setting: Setting, rollouts: int, seed: list[int], fault: Fault = GOOD) -> Streams:
    """Rollouts over the days, each with its own split. The last seed is 1 for a history, which has a day alone."""
    chance = np.random.default_rng(np.random.SeedSequence(seed))
    past, is_history = seed[-2] % len(days()), seed[-1] == 1
    candidates = [past] if is_history else [day for day in range(len(days())) if day != past]
    orders = np.zeros((rollouts, setting.ticks, setting.shards), dtype=np.int64)
    for rollout in range(rollouts):
        times = days()[int(chance.choice(candidates))]
        tick = np.ceil(times / setting.tick).astype(int) - 1
        shard = chance.integers(setting.shards, size=len(times))
        lost = (shard == 0) & (times > fault.onset) & (chance.random(len(times)) >= fault.orders)
        np.add.at(orders[rollout], (tick[~lost], shard[~lost]), 1)
    empty = np.zeros_like(orders)
    series = {"orders": orders, "errors": empty, "requests": empty, "q50": empty, "q90": empty, "q99": empty}
    return Streams(
        setting=setting,
        series=series | {"slo": empty},
        assigned=np.zeros((rollouts, setting.ticks, 2), dtype=np.int64),
    )
