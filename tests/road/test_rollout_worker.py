"""A worker in this process, on the machine's own clock: several rollouts at once, and faults of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.rollout.record import RolloutState
from interlock.road.notify import Teller
from interlock.road.roll.worker import Pace, Worker
from interlock.testing.rolling import PLAN as ROLLING
from interlock.testing.rolling import Rolling
from interlock.testing.rollout import Arm, World
from interlock.testing.two import Mail, Two

PLAN_TOLD = ROLLING.replace("baseline: 60s", "baseline: 0\nnotify: [{kind: memory}]").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path)
    yield made
    made.close()


def test_one_worker_moves_several_rollouts_at_once(two: Two) -> None:
    two.worlds["email"].canary = Arm(orders=0.0)
    first, second = two.begin("order-service"), two.begin("email")
    returned, completed = two.over(second), two.over(first)
    assert (completed.state, returned.state) == (RolloutState.COMPLETED, RolloutState.RETURNED)
    assert completed.ended_at is not None
    assert returned.started_at < completed.ended_at
    assert [weight for _, weight in two.worlds["email"].weights] == [10.0, 0.0]
    assert [weight for _, weight in two.worlds["order-service"].weights] == [10.0, 100.0]
    assert two.failed == []


def test_faults_of_interlocks_own_bring_traffic_back(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails there again and again: nobody judges, so nothing may stay out."""
    rollout = two.begin("order-service")
    while two.worlds["order-service"].weight == 0.0:
        time.sleep(0.02)
    monkeypatch.setattr("interlock.road.roll.watching.Watching.tick", broken)
    ended = two.over(rollout)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "untrusted")
    assert "three times" in ended.why
    assert two.worlds["order-service"].weight == 0.0
    assert len(two.failed) == 3


def broken(*_: object) -> None:
    raise RuntimeError("a fault of interlock's own")


def test_what_ended_a_moment_before_the_server_died_is_told_by_the_next(tmp_path: Path) -> None:
    """Over and written, and the process gone before anybody was told: nobody ever took such a rollout again."""
    often = Arm(errors=0.05)
    mail = Mail()
    rolling = Rolling(tmp_path, plan=PLAN_TOLD, world=World(rate=1000.0, control=often, canary=often))
    rolling.outside = replace(rolling.outside, notifiers={"memory": mail.factory})
    rolling.station = replace(rolling.station, outside=rolling.outside)
    try:
        ended = rolling.run(rolling.begin().id)
        assert ended.state is RolloutState.COMPLETED
        teller = Teller(rolling.station, {"memory": mail.factory})
        outside = replace(rolling.outside, told=teller, again=teller.again)
        worker = Worker(rolling.station, outside, rolling.leases, owner="next", pace=Pace(look=0.02))
        worker.start()
        end = time.monotonic() + 20
        while len(mail.titles) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        worker.stop()
        assert teller.drain(10)
        assert mail.titles == ["started", "done, all traffic has it"]
    finally:
        rolling.close()


def test_a_rollout_that_ended_is_looked_at_once_more(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ended it may die before people are told."""
    monkeypatch.setattr("interlock.road.roll.worker.ONCE_MORE_SECONDS", 0.2)
    rollout = two.begin("order-service")
    two.over(rollout)
    end = time.monotonic() + 10
    while len(two.again) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.5)
    assert two.again == [(rollout, RolloutState.STARTING), (rollout, RolloutState.COMPLETED)]
