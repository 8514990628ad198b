"""A flag that interlock serves, after a way back that failed: the server moves it, since nobody else can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from interlock.core.rollout.record import RolloutState
from interlock.core.rollout.samples import Exposure
from interlock.plugins.routers.flag import FlagRouter
from interlock.plugins.world.system import RandomIds
from interlock.road.flags import StoreFlags
from interlock.road.roll import asks
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import World

FLAGGED = (
    PLAN.replace("{kind: fake}\nmeters", "{kind: flag, flag: new-checkout}\nmeters")
    .replace("baseline: 60s", "baseline: 0")
    .replace(
        "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
    )
)


class InItsTime(FlagRouter):
    """The real one, whose counts are of the world's time, and whose weight its customers follow."""

    def __init__(self, settings: Mapping[str, object], *, flags: StoreFlags, world: World) -> None:
        super().__init__(settings, flags=flags)
        self._world = world

    def set_weight(self, percent: float) -> None:
        """Move the flag, and the customers with it."""
        super().set_weight(percent)
        self._world.weight = percent

    def exposure(self) -> Exposure:
        """Who was assigned by now."""
        return replace(super().exposure(), **self._world.assigned, at=self._world.now().timestamp())


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    made = Rolling(tmp_path, plan=FLAGGED)
    flags = StoreFlags(store=made.station.store, clock=made.world, ids=RandomIds())
    made.outside = replace(made.outside, routers={"flag": partial(InItsTime, flags=flags, world=made.world)})
    made.station = replace(made.station, outside=made.outside)
    yield made
    made.close()


def served(rolling: Rolling) -> float:
    found = StoreFlags(store=rolling.station.store, clock=rolling.world, ids=RandomIds()).look("new-checkout")
    return -1.0 if found is None else found.percent


def test_a_flag_whose_way_back_failed_is_brought_back_by_asking_the_server_again(rolling: Rolling) -> None:
    """The server had nothing to bring back, and the local record reaches no flag: it could never end well."""
    person = rolling.road.person("ana")
    rollout = rolling.begin().id
    rolling.run(rollout, until=lambda record: record.phase == "watch")
    assert served(rolling) == 1.0
    rolling.world.failing.add("down")
    asks.abort(rolling.station, person, rollout, "odd")
    assert rolling.run(rollout).state is RolloutState.FAILED
    rolling.world.failing.clear()
    asks.roll_back(rolling.station, person, "order-service", "production", "again")
    after = rolling.run(rollout)
    assert (after.state, after.cause, after.weight, served(rolling)) == (RolloutState.RETURNED, "abort", 0.0, 0.0)
