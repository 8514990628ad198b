"""A road with a plan and a world: starting a rollout and moving it by hand, one step of its worker at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from interlock.core.approval.actor import Actor
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.change.canonical import Json, sha256
from interlock.core.change.change import Change, Submission
from interlock.core.change.parts import DocumentVersion, FileChange, GitRange
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.record import Effect, RolloutRecord
from interlock.ports.leases import Leases
from interlock.road.gather import StatementRequest
from interlock.road.roll import widening
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


def _frozen(start: datetime) -> bytes:
    end = start + timedelta(hours=1)
    return f"freezes:\n  - {{name: Spring sale, from: {start.isoformat()}, until: {end.isoformat()}}}\n".encode()


class _Pause(threading.Event):
    """Waits in the world's time."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def wait(self, timeout: float | None = None) -> bool:
        """Time passes there."""
        self._world.pass_by(timeout or 0.0)
        return False


class Rolling:
    """One service, one change with a ticket, one worker's hands."""

    def __init__(
        self,
        folder: Path,
        *,
        plan: str = PLAN,
        world: World | None = None,
        modes: tuple[str, ...] = (),
        freeze: datetime | None = None,
    ) -> None:
        self.world = world or World()
        self.plan = plan

        class Planned(Road):
            def _first_files(self) -> dict[str, bytes]:
                files = super()._first_files()
                if freeze is not None:
                    files["policies/modes.yaml"] += _frozen(freeze)
                return files | {"rollouts/orders.yaml": plan.encode()}

        self.road = Planned(folder=folder, enforced=modes, clock=self.world)  # type: ignore[arg-type]  # it tells the time
        self.outside = self.world.outside()
        self.leases: Leases = self.road.station.store.leases  # type: ignore[attr-defined]  # the SQL store has them
        self.station = replace(self.road.station, outside=self.outside, leases=self.leases)
        self.pool = ThreadPoolExecutor(8)
        self.driver: Driver | None = None
        self.tenure: Tenure | None = None

    def change(self, name: str = "a") -> tuple[Change, str]:
        """A change, and the ticket that the gate gives for it."""
        opened = self.road.open(submission(name))
        found = self.road.gate(opened)
        if found.ticket_id is None:
            raise AssertionError(found.reasons)
        return opened, found.ticket_id

    def staged(self, percent: float = 1.0) -> tuple[Change, str]:
        """A change that declares a canary's first stage, and its ticket."""
        (git,) = submission("staged").parts
        assert isinstance(git, GitRange)  # noqa: S101  # as submission makes it
        text = f"---\ncanary: {{first_stage_percent: {percent:g}, bake_minutes: 15, metric: orders_total}}\n---\n"
        named = {"path": "change.md", "commit": git.commits[0].id, "digest": sha256(text.encode()), "text": text}
        files = (FileChange(path="change.md", status="added", added=3, removed=0), *git.files)
        part = replace(git, files=files, documents=(DocumentVersion(**named),))
        opened = self.road.open(Submission(parts=(part,)))
        found = self.road.gate(opened)
        if found.ticket_id is None:
            raise AssertionError(found.reasons)
        return opened, found.ticket_id

    def begin(self, name: str = "a") -> RolloutRecord:
        """A rollout of a new change."""
        change, ticket = self.change(name)
        return self.started(self.start(change, ticket))

    def start(
        self, change: Change, ticket: str, *, environment: str = "production", service: str | None = None
    ) -> Started:
        """Try to start one, by the pipeline."""
        request = StartRequest(change=change.id, ticket=ticket, environment=environment, service=service)
        return start(self.station, self.road.pipeline(), request)

    @staticmethod
    def started(found: Started) -> RolloutRecord:
        """The rollout, which must have been started."""
        if found.rollout is None:
            raise AssertionError(found.obstacles)
        return found.rollout

    def take(self, rollout: str, *, owner: str = "one") -> Driver:
        """Take the lease, as a worker would."""
        asked = self.world.steady()
        leases = self.leases.claim(owner, seconds=3600)
        lease = next(each for each in leases if each.work == rollout)
        self.tenure = Tenure(lease, asked=asked, steady=self.world.steady)
        return self.driving(rollout, self.tenure)

    def driving(self, rollout: str, tenure: Tenure) -> Driver:
        """Hands under this lease, which know nothing but what is on record."""
        book = Book(self.station, rollout, tenure.lease)
        record = book.read()
        plan = read_plan(record.plan_path, book.blob(record.plan))
        outside = self.outside
        self.driver = Driver(
            Kit(
                station=self.station,
                outside=outside,
                plan=plan,
                book=book,
                tenure=tenure,
                pool=self.pool,
                opened=open_all(outside, plan),
                stopping=_Pause(self.world),
            )
        )
        return self.driver

    def run(
        self, rollout: str, *, until: Callable[[RolloutRecord], bool] | None = None, most: int = 2000
    ) -> RolloutRecord:
        """Step until the rollout is over, or ``until`` says so."""
        driver = self.driver or self.take(rollout)
        for _ in range(most):
            record = self.record(rollout)
            if until is not None and until(record):
                return record
            wait = driver.step()
            if wait is None:
                self.let_go()
                return self.record(rollout)
            self.world.pass_by(max(wait, 0.01))
        raise AssertionError(f"not over: {self.record(rollout)}")

    def step(self) -> None:
        """One step of whoever moves it, and the time until the next."""
        if self.driver is None:
            raise AssertionError("nobody moves it")
        self.world.pass_by(max(self.driver.step() or 0.0, 0.01))

    def let_go(self) -> None:
        """Release the lease; whoever takes the rollout next knows nothing but what is on record."""
        if self.tenure is not None:
            self.leases.release(self.tenure.lease, after=0.0)
        self.driver = self.tenure = None

    def said(self, rollout: str, person: str = "ana", *, why: str = "quiet night", **differs: object) -> Statement:
        """What a person would sign to widen it now; keywords replace its fields."""
        request = StatementRequest(purpose="widen", subject=rollout, approver=person, details={"why": why})
        said = widening.prepare(self.station, self.road.person(person), request)
        return replace(said, **differs)  # type: ignore[arg-type]  # a test names fields of Statement

    def hand_in(self, said: Statement, *, by: Actor | None = None, key: str = "") -> SignedStatement:
        """The statement, signed by its approver's key (or another's) and handed in by that person (or another)."""
        signature = self.road.keys[key or said.approver].sign(said)
        return widening.widen(self.station, by or self.road.person(said.approver), said, signature)

    def widen(self, rollout: str, person: str = "ana") -> RolloutRecord:
        """One stage further by a person's signature."""
        self.hand_in(self.said(rollout, person))
        return self.record(rollout)

    def record(self, rollout: str) -> RolloutRecord:
        """How it stands."""
        return self.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))

    def effects(self, rollout: str) -> list[Effect]:
        """What was done outside, in order."""
        return list(self.station.store.read(lambda tx: tx.records(Effect).find(rollout=rollout)))

    def kinds(self, subject: str) -> list[str]:
        """The kinds of all entries about a record."""
        entries = self.station.store.read(lambda tx: tx.log.entries(subject))
        return [entry.kind for _, entry in entries]

    def body(self, subject: str, kind: str) -> dict[str, Json]:
        """What the first entry of a kind about a record says."""
        entries = self.station.store.read(lambda tx: tx.log.entries(subject))
        return next(entry.body for _, entry in entries if entry.kind == kind)

    def close(self) -> None:
        """Let go of everything."""
        self.pool.shutdown()
        self.road.close()
