"""A road with a plan and a world: starting a rollout and moving it by hand, one step of its worker at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from interlock.core.change.change import Change
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.record import Effect, RolloutRecord
from interlock.road.roll.book import Book
from interlock.road.roll.driver import Driver
from interlock.road.roll.kit import Kit
from interlock.road.roll.outside import open_all
from interlock.road.roll.start import Started, StartRequest, start
from interlock.road.roll.tenure import Tenure
from interlock.testing.road import Road, submission
from interlock.testing.rollout import World

PLAN = """\
service: order-service
environment: production
router: {kind: fake}
meters:
  - kind: fake
    metrics:
      orders: {}
      errors: {}
judge:
  metrics:
    orders: {kind: good}
    errors: {kind: bad}
stages:
  - {percent: 1, bake: 10s, margin: 90%, limit: 300s}
  - {percent: 10, bake: 10s, margin: 50%, limit: 300s}
  - {percent: 50, bake: 10s, margin: 25%, limit: 300s}
  - {percent: 100, bake: 10s}
tick: 1s
baseline: 60s
apply:
  - {name: up, kind: artefact, run: [up], verify: [verify, up]}
rollback:
  - {name: down, kind: artefact, run: [down], verify: [verify, down]}
keep: 1h
"""


class Rolling:
    """One service, one change with a ticket, one worker's hands."""

    def __init__(self, folder: Path, *, plan: str = PLAN, world: World | None = None, modes: tuple[str, ...] = ()):
        self.world = world or World()
        self.plan = plan

        class Planned(Road):
            def _first_files(self) -> dict[str, bytes]:
                return super()._first_files() | {"rollouts/orders.yaml": plan.encode()}

        self.road = Planned(folder=folder, enforced=modes, clock=self.world)  # type: ignore[arg-type]
        self.station = replace(
            self.road.station, outside=self.world.outside(), leases=self.road.station.store.leases
        )
        self.pool = ThreadPoolExecutor(8)
        self.driver: Driver | None = None
        self.tenure: Tenure | None = None
        self.named = 0

    def change(self, name: str = "a", **more: Any) -> tuple[Change, str]:
        opened = self.road.open(submission(name, **more))
        found = self.road.gate(opened)
        assert found.ticket_id is not None, found.reasons
        return opened, found.ticket_id

    def begin(self, name: str = "a") -> RolloutRecord:
        change, ticket = self.change(name)
        return self.started(self.start(change, ticket))

    def start(self, change: Change, ticket: str, **more: Any) -> Started:
        return start(self.station, self.road.pipeline(), StartRequest(change=change.id, ticket=ticket, **more))

    @staticmethod
    def started(found: Started) -> RolloutRecord:
        assert found.rollout is not None, found.obstacles
        return found.rollout

    def take(self, rollout: str, *, owner: str = "one") -> Driver:
        """Take the lease, as a worker would."""
        asked = self.world.steady()
        leases = self.station.leases.claim(owner, seconds=3600)
        lease = next(each for each in leases if each.work == rollout)
        self.tenure = Tenure(lease, asked=asked, steady=self.world.steady)
        return self.driving(rollout, self.tenure)

    def driving(self, rollout: str, tenure: Tenure) -> Driver:
        book = Book(self.station, rollout, tenure.lease)
        record = book.read()
        plan = read_plan(record.plan_path, book.blob(record.plan))
        outside = self.station.outside
        assert outside is not None
        self.driver = Driver(
            Kit(
                station=self.station,
                outside=outside,
                plan=plan,
                book=book,
                tenure=tenure,
                pool=self.pool,
                opened=open_all(outside, plan),
                stopping=threading.Event(),
            )
        )
        return self.driver

    def run(self, rollout: str, *, until: Any = None, most: int = 2000) -> RolloutRecord:
        """Step until the rollout is over, or ``until`` says so."""
        driver = self.driver or self.take(rollout)
        for _ in range(most):
            record = self.record(rollout)
            if until is not None and until(record):
                return record
            wait = driver.step()
            if wait is None:
                return self.record(rollout)
            self.world.pass_by(max(wait, 0.01))
        raise AssertionError(f"not over: {self.record(rollout)}")

    def record(self, rollout: str) -> RolloutRecord:
        return self.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))

    def effects(self, rollout: str) -> list[Effect]:
        return list(self.station.store.read(lambda tx: tx.records(Effect).find(rollout=rollout)))

    def kinds(self, subject: str) -> list[str]:
        entries = self.station.store.read(lambda tx: tx.log.entries(subject))
        return [entry.kind for _, entry in entries]

    def body(self, subject: str, kind: str) -> dict[str, Any]:
        entries = self.station.store.read(lambda tx: tx.log.entries(subject))
        return next(entry.body for _, entry in entries if entry.kind == kind)

    def close(self) -> None:
        self.pool.shutdown()
        self.road.close()
