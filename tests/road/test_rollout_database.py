"""The database that is not there at the moment of STOP: traffic does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.record import RolloutState
from interlock.road.roll.verify import verify
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)


class Failing:
    """A store that can be made to be away, or to take its time over writes."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.down = False
        self.slow: threading.Event | None = None

    def write(self, work: Callable[[Any], Any], *, signed: bool = False) -> Any:
        if self.down:
            raise Unavailable("expected a database, got none", code="database-busy", hint="", plugin="database")
        if self.slow is not None:
            self.slow.wait(10)
        return self._store.write(work, signed=signed)

    def read(self, work: Callable[[Any], Any]) -> Any:
        if self.down:
            raise Unavailable("expected a database, got none", code="database-busy", hint="", plugin="database")
        return self._store.read(work)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    world = World(rate=1000.0, control=Arm(errors=0.05), canary=Arm(errors=0.05))
    made = Rolling(tmp_path, plan=QUICK, world=world)
    made.station = replace(made.station, store=Failing(made.station.store))
    yield made
    made.close()


def watched(rolling: Rolling) -> tuple[str, Failing]:
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.phase == "watch")
    store: Any = rolling.station.store
    return started.id, store


def harmful(rolling: Rolling) -> None:
    rolling.world.canary.orders = 0.0


def test_weight_0_goes_first_when_the_database_refuses(rolling: Rolling) -> None:
    rollout, store = watched(rolling)
    store.down = True
    harmful(rolling)
    for _ in range(8):
        rolling.step()
    assert rolling.world.weights[-1][1] == 0.0
    store.down = False
    assert rolling.record(rollout).state is RolloutState.RUNNING
    ended = rolling.run(rollout)
    assert (ended.state, ended.cause, rolling.world.weight) == (RolloutState.RETURNED, "harm", 0.0)


def test_weight_0_goes_first_when_the_database_takes_its_time(rolling: Rolling) -> None:
    rollout, store = watched(rolling)
    harmful(rolling)
    store.slow = threading.Event()
    threading.Timer(1.5, store.slow.set).start()
    for _ in range(6):
        rolling.step()
        if rolling.world.weight == 0.0:
            break
    assert rolling.world.weights[-1][1] == 0.0
    assert rolling.run(rollout).state is RolloutState.RETURNED


def test_what_was_counted_meanwhile_is_kept_and_judged_anew_alike(rolling: Rolling) -> None:
    """A flush that failed is made up for: the tape has no gap, and nothing twice."""
    rollout, store = watched(rolling)
    for down in (True, True, False, True, False):
        store.down = down
        for _ in range(6):
            rolling.step()
    store.down = False
    rolling.run(rollout)
    found = verify(rolling.station, rolling.road.person("ana"), rollout)
    assert (found.exact, found.ticks) == (True, rolling.record(rollout).ticks)
