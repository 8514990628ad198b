"""A rollout's record and plan as the pure functions take them, and a shop whose meters and router are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.core.rollout.plan import Plan, PluginPlan, StagePlan, StepPlan
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.samples import GONE, Exposure, Reading, Sample
from interlock.core.rollout.windows import Tolerances, Watched, Window

NOW = datetime(2026, 3, 5, 9, tzinfo=UTC)
STEP = StepPlan(name="up", kind="artefact", run=("up",), verify=("verify", "up"))


def plan_of(**more: Any) -> Plan:
    given: dict[str, Any] = {
        "path": "rollouts/a.yaml",
        "service": "order-service",
        "environment": "production",
        "router": PluginPlan(kind="fake", settings={}),
        "meters": (),
        "judge": {},
        "stages": (
            StagePlan(percent=1, bake=60, margin=0.9, limit=600),
            StagePlan(percent=50, bake=60, margin=0.1, limit=600),
            StagePlan(percent=100, bake=60, margin=1.0, limit=600),
        ),
        "apply": (STEP,),
        "rollback": (STEP,),
    }
    return Plan(**{**given, **more})


def record_of(**more: Any) -> RolloutRecord:
    given: dict[str, Any] = {
        "id": "rol-1",
        "service": "order-service",
        "environment": "production",
        "change": "chg-1",
        "digest": f"sha256:{'a' * 64}",
        "ticket": "tkt-1",
        "plan": f"sha256:{'b' * 64}",
        "rules": f"sha256:{'c' * 64}",
        "started_by": "pipeline:ci",
        "started_at": NOW,
        "state": RolloutState.RUNNING,
        "phase": "watch",
        "granted": 1.0,
        "wanted": 1.0,
        "served": 1.0,
        "weight": 1.0,
        "baked": 100.0,
        "spent": 100.0,
    }
    return RolloutRecord(**{**given, **more})


@pytest.fixture
def plan() -> Plan:
    return plan_of()


@pytest.fixture(scope="session")
def planned() -> Any:
    return plan_of


@pytest.fixture(scope="session")
def recorded() -> Any:
    return record_of


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


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
        self.tolerances = Tolerances(**tolerances)
        self.begin()
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

    def begin(self, t=0.0):
        """Somebody begins to watch."""
        self.window = Window(METRICS, nominal, tolerances=self.tolerances, t=t)

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


@pytest.fixture(scope="session")
def worlds() -> Any:
    return World


@pytest.fixture
def world():
    made = World()
    assert made.read() is None
    return made


@pytest.fixture(scope="session")
def codes() -> Any:
    return lambda ticks: [None if tick is None else tick.discard for tick in ticks]
