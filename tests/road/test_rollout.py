"""A rollout's life in memory: the real state, ledger, judge and windows over a world that is told what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from interlock.core.rollout.record import RolloutState
from interlock.testing.rolling import Rolling
from interlock.testing.rollout import Arm, World


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    often = {"errors": 0.05}
    made = Rolling(tmp_path, world=World(rate=1000.0, control=Arm(**often), canary=Arm(**often)))
    yield made
    made.close()


def test_a_healthy_change_reaches_everything_stage_by_stage(rolling: Rolling) -> None:
    started = rolling.begin()
    ended = rolling.run(started.id)
    assert (ended.state, ended.weight, ended.alone) == (RolloutState.COMPLETED, 100.0, True)
    assert [weight for _, weight in rolling.world.weights] == [1.0, 10.0, 50.0, 100.0]


def test_harm_brings_traffic_and_artefact_back(rolling: Rolling) -> None:
    rolling.world.canary.orders = 0.005
    started = rolling.begin()
    ended = rolling.run(started.id)
    assert (ended.state, ended.cause, ended.weight) == (RolloutState.RETURNED, "harm", 0.0)
    assert [weight for _, weight in rolling.world.weights] == [1.0, 0.0]
    assert rolling.world.ran == ["up", "down"]
    assert ended.harm is not None
    assert ended.harm.metric == "orders"
