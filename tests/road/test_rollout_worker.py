"""A worker in this process, on the machine's own clock: several rollouts at once, and faults of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.plugins.world.system import SystemClock, steady
from interlock.ports.notifier import Notice
from interlock.road import intake
from interlock.road.notify import Teller
from interlock.road.roll.start import StartRequest, start
from interlock.road.roll.worker import Pace, Worker
from interlock.testing.road import Road, submission
from interlock.testing.rolling import PLAN as ROLLING
from interlock.testing.rolling import Rolling
from interlock.testing.rollout import Arm, FakeMeter, FakeRouter, World

PLAN = """\
service: {service}
environment: production
router: {{kind: fake, world: {service}}}
meters: [{{kind: fake, world: {service}, metrics: {{orders: {{}}}}}}]
judge: {{metrics: {{orders: {{kind: good}}}}, phi: {{orders: {{windows: [1], values: [1]}}}}}}
stages:
  - {{percent: 10, bake: 1s, margin: 90%, limit: 300s}}
  - {{percent: 100, bake: 1s}}
tick: 200ms
baseline: 0
notify: [{{kind: memory}}]
"""
PLAN_TOLD = ROLLING.replace("baseline: 60s", "baseline: 0\nnotify: [{kind: memory}]").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)


class Mail:
    """A notifier that keeps its notices."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def factory(self, settings: object) -> Mail:
        del settings
        return self

    def check(self) -> None:
        pass

    def send(self, notice: Notice) -> None:
        self.titles.append(notice.title.partition(":")[0])


PATHS = {"order-service": "src/promise.py", "email": "docs/page.md"}


class Two:
    """Two services, each with a world of its own, and one worker."""

    def __init__(self, folder: Path) -> None:
        class Planned(Road):
            def _first_files(self) -> dict[str, bytes]:
                plans = {f"rollouts/{name}.yaml": PLAN.format(service=name).encode() for name in PATHS}
                return super()._first_files() | plans

        clock: Any = SystemClock()
        self.road = Planned(folder=folder, enforced=(), clock=clock)
        self.worlds = {name: World(rate=2000.0) for name in PATHS}
        outside = replace(
            World().outside(),
            routers={"fake": lambda settings: FakeRouter(self.worlds[settings["world"]], settings)},
            meters={
                "fake": lambda settings, metrics: FakeMeter(self.worlds[settings["world"]], settings, metrics)
            },
            steady=steady,
            notifiers={"memory": Mail().factory},
            again=lambda record, _: self.again.append((record.id, record.state)),
        )
        self.again: list[tuple[str, RolloutState]] = []
        store: Any = self.road.station.store
        self.station = replace(self.road.station, outside=outside, leases=store.leases)
        self.failed: list[BaseException] = []
        self.worker = Worker(
            self.station,
            outside,
            store.leases,
            owner="one",
            pace=Pace(lease=5.0, renew=0.5, look=0.05, sweep=1.0),
            failed=lambda _, error: self.failed.append(error),
        )
        self._over = threading.Event()
        for world in self.worlds.values():
            world.epoch = datetime.now(UTC) - timedelta(seconds=world.time)
        self._time = threading.Thread(target=self._pass_by)
        self._time.start()
        self.worker.start()

    def _pass_by(self) -> None:
        last = time.monotonic()
        while not self._over.wait(0.02):
            now = time.monotonic()
            for world in self.worlds.values():
                world.pass_by(now - last)
            last = now

    def begin(self, service: str) -> str:
        request = intake.OpenRequest(
            title=service, submission=submission(service, paths=(PATHS[service],)), services=(service,)
        )
        change = intake.open_change(self.station, self.road.person("omar"), request)
        ticket = self.road.gate(change).ticket_id
        assert ticket is not None
        asked = StartRequest(change=change.id, ticket=ticket, service=service)
        found = start(self.station, self.road.pipeline(), asked)
        assert found.rollout is not None, found.obstacles
        return found.rollout.id

    def over(self, rollout: str) -> RolloutRecord:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            record = self.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))
            if record.phase == "over":
                return record
            time.sleep(0.05)
        raise AssertionError((record, self.failed))

    def close(self) -> None:
        self.worker.stop()
        self._over.set()
        self._time.join()
        self.road.close()


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
