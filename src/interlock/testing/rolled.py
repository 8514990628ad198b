"""A rollout of the shop on real processes: real proxy, real services, real scrapes, a real worker in this process.

Rules:
1. Nothing is simulated but people's keys: the change, its ticket, the plan, the state and the ledger are the real
   ones, and so is the time that passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from interlock import registry
from interlock.core.rollout.record import RolloutRecord
from interlock.plugins.world.programs import SystemPrograms
from interlock.plugins.world.rollback_files import RollbackFiles
from interlock.plugins.world.system import SystemClock, steady
from interlock.road.roll.outside import Outside
from interlock.road.roll.start import Started, StartRequest, start
from interlock.road.roll.worker import Worker
from interlock.road.station import Station
from interlock.testing.road import Road, submission

PLAN = "rollouts/order-service.yaml"


@dataclass
class Rolled:
    """A road whose clock is the machine's, with one plan in force and a worker."""

    road: Road
    station: Station
    failures: list[str]

    def ticket(self, name: str = "a") -> tuple[str, str]:
        """A change, and the ticket that the gate gives for it."""
        change = self.road.open(submission(name))
        found = self.road.gate(change)
        if found.ticket_id is None:
            raise AssertionError(found.reasons)
        return change.id, found.ticket_id

    def start(self, name: str = "a") -> Started:
        """Start a rollout of a new change."""
        change, ticket = self.ticket(name)
        return start(self.station, self.road.pipeline(), StartRequest(change=change, ticket=ticket))

    def record(self, rollout: str) -> RolloutRecord:
        """How it stands."""
        return self.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))

    def until(
        self, rollout: str, holds: Callable[[RolloutRecord], bool], *, seconds: float = 120.0
    ) -> RolloutRecord:
        """Wait until it stands so, or is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            record = self.record(rollout)
            if record.phase == "over" or holds(record):
                return record
            time.sleep(0.05)
        raise AssertionError(f"not in {seconds} s: {self.record(rollout)}; {self.failures}")

    def over(self, rollout: str, *, seconds: float = 120.0) -> RolloutRecord:
        """Wait until it is over."""
        return self.until(rollout, lambda _: False, seconds=seconds)


@contextmanager
def rolled(folder: Path, plan: bytes, *, database: str = "", working: bool = True) -> Iterator[Rolled]:
    """A road in ``folder`` with this plan, and a worker that moves what is started."""

    class Planned(Road):
        def _first_files(self) -> dict[str, bytes]:
            return super()._first_files() | {PLAN: plan}

    clock = SystemClock()
    road = Planned(folder=folder, enforced=(), clock=clock, database=database)  # type: ignore[arg-type]  # it tells the time
    outside = Outside(
        routers=registry.routers(),
        meters=registry.meters(),
        notifiers={},
        programs=SystemPrograms(str(folder)),
        steady=steady,
        root=str(folder),
        keep=RollbackFiles(folder / ".interlock").keep,
        kept=RollbackFiles(folder / ".interlock").kept,
    )
    leases = road.station.store.leases  # type: ignore[attr-defined]  # the SQL store has them
    station = replace(road.station, outside=outside, leases=leases)
    found = Rolled(road=road, station=station, failures=[])
    worker = Worker(
        station,
        outside,
        leases,
        owner="here",
        failed=lambda work, error: found.failures.append(f"{work}: {error!r}"),
    )
    try:
        if working:
            worker.start()
        yield found
    finally:
        if working:
            worker.stop()
        road.close()
