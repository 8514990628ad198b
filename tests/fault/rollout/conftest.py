"""A rollout over a world that goes on whoever dies, and workers in processes that are killed and stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.core.ledger.note import NoteSigner
from interlock.core.rollout.record import RolloutRecord
from interlock.plugins.world.system import SystemClock
from interlock.road.roll.start import StartRequest, start
from interlock.storage.audit import audit
from interlock.testing.afar import Afar
from interlock.testing.postgresql import PostgreSQL
from interlock.testing.road import Road, submission
from interlock.testing.rollout import Arm, World

MOVER = Path(__file__).with_name("mover.py")
PLAN = b"""\
service: order-service
environment: production
router: {kind: fake}
meters: [{kind: fake, metrics: {orders: {}}}]
judge: {metrics: {orders: {kind: good}}, phi: {orders: {windows: [1], values: [1]}}}
stages:
  - {percent: 10, bake: 1s, margin: 90%, limit: 300s}
  - {percent: 50, bake: 1s, margin: 75%, limit: 300s}
  - {percent: 100, bake: 1s}
tick: 250ms
baseline: 0
apply:
  - {name: up, kind: artefact, run: [up], verify: [verify, up]}
rollback:
  - {name: down, kind: artefact, run: [down], verify: [verify, down]}
"""


class Mover:
    """One worker's process and everything it said."""

    def __init__(self, url: str, owner: str, port: int, lease: float, die: int | str) -> None:
        command = [sys.executable, str(MOVER), url, owner, str(port), str(lease), str(die)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said: list[list[Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def wait_for(self, what: str, *, within: float = 60.0) -> float:
        """The moment it first said so."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            for said in list(self.said):
                if said[0] == what:
                    return float(said[3])
            time.sleep(0.005)
        raise AssertionError(f"never said `{what}`: {self.said[-5:]}")

    def go(self) -> None:
        """Let it look for work."""
        self.wait_for("up")
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def died(self, *, within: float = 60.0) -> bool:
        try:
            return self.process.wait(within) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def finish(self) -> None:
        """Let it end in order: what it wrote last is signed before it goes."""
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.process.stdin.close()
            self.process.wait(60)

    def end(self) -> None:
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


class Kills:
    """A state, a world and workers over both."""

    def __init__(self, folder: Path, url: str, *, lost: float = 0.0, plan: bytes = PLAN) -> None:
        class Planned(Road):
            def _first_files(self) -> dict[str, bytes]:
                return super()._first_files() | {"rollouts/orders.yaml": plan}

        self.url = url
        clock: Any = SystemClock()
        self.road = Planned(folder=folder, enforced=(), clock=clock, database=url)
        self.world = World(rate=2000.0, canary=Arm(orders=0.5 * (1 - lost)))
        self.afar = Afar(self.world)
        self.afar.__enter__()
        store: Any = self.road.station.store
        self.station = replace(self.road.station, outside=self.world.outside(), leases=store.leases)
        self.movers: list[Mover] = []

    def begin(self) -> RolloutRecord:
        change = self.road.open(submission("a"))
        ticket = self.road.gate(change).ticket_id
        assert ticket is not None
        found = start(self.station, self.road.pipeline(), StartRequest(change=change.id, ticket=ticket))
        assert found.rollout is not None, found.obstacles
        return found.rollout

    def mover(self, owner: str, *, lease: float = 1.0, die: int | str = 0, go: bool = True) -> Mover:
        made = Mover(self.url, owner, self.afar.address[1], lease, die)
        self.movers.append(made)
        if go:
            made.go()
        return made

    def record(self, rollout: str) -> RolloutRecord:
        return self.station.store.read(lambda tx: tx.records(RolloutRecord).get(rollout))

    def over(self, rollout: str, *, within: float = 60.0) -> RolloutRecord:
        end = time.monotonic() + within
        while time.monotonic() < end:
            record = self.record(rollout)
            if record.phase == "over":
                return record
            time.sleep(0.05)
        raise AssertionError(f"not over: {self.record(rollout)}, {[each.said[-3:] for each in self.movers]}")

    def whole(self) -> None:
        """The ledger verifies, to the last entry, once whoever lives has ended in order."""
        for each in self.movers:
            each.finish()
        self.road.close()
        report = audit(self.url, NoteSigner("test.interlock.dev/road", bytes(range(32))).verifier)
        assert not report.findings, report.findings

    def close(self) -> None:
        for each in self.movers:
            each.end()
        self.afar.__exit__()
        self.road.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def kills(tmp_path: Path) -> Iterator[Callable[..., Kills]]:
    made: list[Kills] = []

    def make(url: str = "", **more: Any) -> Kills:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        found = Kills(folder, url or f"sqlite:///{folder / 'state.db'}", **more)
        made.append(found)
        return found

    yield make
    for each in made:
        each.close()


@pytest.fixture
def promoted() -> bytes:
    """The plan, with a step that makes the version the usual one."""
    return PLAN + b"promote:\n  - {name: usual, kind: artefact, run: [usual], verify: [verify, usual]}\n"


@pytest.fixture
def unhurried() -> bytes:
    """The plan, with a first stage that is not over in the time it takes to look at it."""
    return PLAN.replace(b"bake: 1s, margin: 90%", b"bake: 3s, margin: 90%")
