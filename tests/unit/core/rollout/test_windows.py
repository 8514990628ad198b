from __future__ import annotations

import pytest

from interlock.core.rollout.samples import GONE, Exposure, Reading, Sample
from interlock.core.rollout.windows import Tolerances, Watched, Window

METRICS = {
    "orders": Watched(kind="good"),
    "errors": Watched(kind="bad"),
    "latency": Watched(kind="bad", edges=("0.25", "1")),
}


def nominal(assigned):
    total = assigned.canary + assigned.control
    return assigned.canary / total if total else 0.0


class World:
    """A shop of one canary and two control shards with even traffic: what meters and router say at any second."""

    def __init__(self, **tolerances):
        self.window = Window(METRICS, nominal, tolerances=Tolerances(**tolerances))
        self.wall, self.steady = 1_000_000.0, 50.0
        self.canary, self.control = 10.0, 45.0  # orders a second: of the canary, of each shard of the control
        self.exposure = (10.0, 90.0)
        self.counts = {("canary", "c"): 0.0, ("control", "a"): 0.0, ("control", "b"): 0.0}
        self.sent = [0.0, 0.0]
        self.since = dict.fromkeys(self.counts, "1")
        self.late = dict.fromkeys(self.counts, 0.0)
        self.absent = set()
        self.stuck = {}
        self.router = True
        self.router_since = ""

    def run(self, seconds=1.0):
        """Let time and traffic go on."""
        self.wall += seconds
        self.steady += seconds
        for key in self.counts:
            self.counts[key] += (self.canary if key[0] == "canary" else self.control) * seconds
        for place, rate in enumerate(self.exposure):
            self.sent[place] += rate * seconds

    def samples(self):
        for (arm, shard), count in self.counts.items():
            if (arm, shard) in self.absent:
                continue
            at, value = self.stuck.get((arm, shard), (self.wall - self.late[arm, shard], count))
            gone = self.since[arm, shard] == GONE
            known = {"arm": arm, "shard": shard, "at": at, "since": self.since[arm, shard]}
            value = 0.0 if gone else value
            yield Sample(metric="orders", value=value, **known)
            yield Sample(metric="errors", value=value // 100, **known)
            yield Sample(metric="latency", value=value, above={"0.25": value // 2, "1": value // 10}, **known)

    def read(self):
        exposure = Exposure(
            canary=int(self.sent[0]), control=int(self.sent[1]), at=self.wall, since=self.router_since
        )
        return self.window.read(
            Reading(
                samples=tuple(self.samples()),
                exposure=exposure if self.router else None,
                wall=self.wall,
                steady=self.steady,
            )
        )

    def step(self, seconds=1.0):
        self.run(seconds)
        return self.read()

    def steps(self, number):
        return [self.step() for _ in range(number)]


@pytest.fixture
def world():
    made = World()
    assert made.read() is None
    return made


def codes(ticks):
    return [None if tick is None else tick.discard for tick in ticks]


def test_a_tick_is_what_happened_in_one_interval_in_both_arms(world):
    tick = world.step()
    assert (tick.discard, tick.t, tick.share) == ("", 1.0, 0.1)
    assert (tick.metrics["orders"].counts.canary, tick.metrics["orders"].counts.control) == (10, (45, 45))
    assert tick.metrics["latency"].counts is None
    assert tick.metrics["latency"].buckets["0.25"].control == (22, 22)
    assert tick.metrics["latency"].buckets["1"].canary == 1
    assert (tick.assigned.canary, tick.assigned.control) == (10, 90)
