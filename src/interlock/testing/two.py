"""A worker in this process, on the machine's own clock, over two services that each have a world of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.plugins.world.system import SystemClock, steady
from interlock.ports.notifier import Notice
from interlock.road import intake
from interlock.road.roll.start import StartRequest, start
from interlock.road.roll.worker import Pace, Worker
from interlock.testing.road import Road, submission
from interlock.testing.rollout import FakeMeter, FakeRouter, World

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


class Mail:
    """A notifier that keeps its notices."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def factory(self, settings: object) -> Mail:
        """Itself, whatever the settings."""
        del settings
        return self

    def check(self) -> None:
        """Always there."""

    def send(self, notice: Notice) -> None:
        """What happened, without whose it is."""
        self.titles.append(notice.title.partition(":")[0])


PATHS = {"order-service": "src/promise.py", "email": "docs/page.md"}


class Two:
    """Two services, each with a world of its own, and one worker."""

    def __init__(self, folder: Path, *, plan: str = PLAN, lease: float = 5.0, **outside: object) -> None:
        class Planned(Road):
            def _first_files(self) -> dict[str, bytes]:
                plans = {f"rollouts/{name}.yaml": plan.format(service=name).encode() for name in PATHS}
                return super()._first_files() | plans

        self.lease = lease
        clock: Any = SystemClock()
        self.road = Planned(folder=folder, enforced=(), clock=clock)
        self.worlds = {name: World(rate=2000.0) for name in PATHS}
        self.kept: list[LocalRecord] = []
        made = replace(
            World().outside(),
            routers={"fake": lambda settings: FakeRouter(self.worlds[settings["world"]], settings)},
            meters={
                "fake": lambda settings, metrics: FakeMeter(self.worlds[settings["world"]], settings, metrics)
            },
            steady=steady,
            notifiers={"memory": Mail().factory},
            keep=self.kept.append,
            again=lambda record, _: self.again.append((record.id, record.state)),
        )
        self.outside = replace(made, **outside)  # type: ignore[arg-type]  # keywords by name
        self.again: list[tuple[str, RolloutState]] = []
        store: Any = self.road.station.store
        self.leases = store.leases
        self.station = replace(self.road.station, outside=self.outside, leases=store.leases)
        self.failed: list[BaseException] = []
        self.worker = self.another("one")
        self._over = threading.Event()
        for world in self.worlds.values():
            world.epoch = datetime.now(UTC) - timedelta(seconds=world.time)
        self._time = threading.Thread(target=self._pass_by)
        self._time.start()
        self.worker.start()

    def another(
        self, owner: str, *, failed: Callable[[str, BaseException], None] | None = None, **more: object
    ) -> Worker:
        """A worker of another server, whose outside may differ; it is not started."""
        outside = replace(self.outside, **more)  # type: ignore[arg-type]  # keywords by name
        return Worker(
            replace(self.station, outside=outside),
            outside,
            self.leases,
            owner=owner,
            pace=Pace(lease=self.lease, renew=self.lease / 10, look=0.05, sweep=1.0),
            failed=failed or (lambda _, error: self.failed.append(error)),
        )

    def _pass_by(self) -> None:
        last = time.monotonic()
        while not self._over.wait(0.02):
            now = time.monotonic()
            for world in self.worlds.values():
                world.pass_by(now - last)
            last = now

    def begin(self, service: str) -> str:
        """A rollout of a new change of one service."""
        request = intake.OpenRequest(
            title=service, submission=submission(service, paths=(PATHS[service],)), services=(service,)
        )
        change = intake.open_change(self.station, self.road.person("omar"), request)
        ticket = str(self.road.gate(change).ticket_id)
        asked = StartRequest(change=change.id, ticket=ticket, service=service)
        found = start(self.station, self.road.pipeline(), asked)
        if found.rollout is None:
            raise AssertionError(found.obstacles)
        return found.rollout.id

    def record(self, rollout: str) -> RolloutRecord:
        """How it stands."""
        return self.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))

    def until(self, holds: Callable[[], bool], *, most: float = 30.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + most
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(self.failed)
            time.sleep(0.02)

    def over(self, rollout: str) -> RolloutRecord:
        """The rollout's end, once it has one."""
        self.until(lambda: self.record(rollout).phase == "over", most=60)
        return self.record(rollout)

    def close(self) -> None:
        """End the worker, time and the road."""
        self.worker.stop()
        self._over.set()
        self._time.join()
        self.road.close()
