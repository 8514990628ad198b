"""A shop in production whose state is in PostgreSQL, moved by servers of which any may be killed.

Rules:
1. There are four, so that two are up while those that were killed last are started again. Another answers the
   command line and moves nothing: whoever asks is not in the way of the kills. Each has the rules and the keys on
   a disk of its own, as on machines of their own.
2. What servers ask the proxy goes through a gate; what it serves is asked of the proxy itself. The plan's steps
   say at a desk that they begin and end.
3. ``interlock ledger verify`` and ``interlock rollout verify`` are the real commands.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import yaml

from interlock.testing.kills.desk import Desk
from interlock.testing.kills.gate import Gate, Passed, steered_by
from interlock.testing.kills.killer import Killer
from interlock.testing.kills.recorded import Recorded
from interlock.testing.kills.sampled import Sampled
from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.planned import Wanted
from interlock.testing.stack.production import Production
from interlock.testing.stack.scaled import PERCENT, STAGES, scaled
from interlock.testing.stack.server import Server, Told, ended
from interlock.testing.stack.stack import ProxyName, Stack

UP, DOWN, USUAL = "up", "down", "usual"
NAMES = ("one", "two", "three", "four")
BAKE = 6
"""Seconds of the first stage's bake: longer than it takes until what was counted is written down."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """One rollout that is over. ``served`` is what the proxy said in turn, ``sent`` what servers had it serve."""

    shown: Told
    served: Sequence[int]
    sent: Sequence[Passed]

    @property
    def id(self) -> str:
        """The rollout's."""
        return str(self.shown["record"]["id"])


@dataclass(slots=True)
class Pair:
    """``database`` is the URL of an empty state; ``promotes`` says that the plan has such a step.

    Use as a context manager.
    """

    folder: Path
    proxy: ProxyName
    database: str
    promotes: bool = False
    production: Production = field(init=False)
    killer: Killer = field(init=False)
    gate: Gate = field(init=False)
    desk: Desk = field(init=False)
    servers: Sequence[Server] = field(init=False, default=())
    _open: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def roll(
        self,
        behaviour: Behaviour,
        stop_at: Iterable[str] = (),
        *,
        freezes: bool = False,
        meanwhile: Callable[[str], object] = len,
        seconds: float = 300.0,
    ) -> Rolled:
        """Ship one version and see its rollout to the end; servers are killed at these steps, or are frozen there.

        ``meanwhile`` is told the rollout once it was started.
        """
        self.killer.freezes = freezes
        self.killer.begin(stop_at)
        first = len(self.gate.passed)
        with Sampled(self.production.stack.proxy) as sampled:
            name = self.production.ship(behaviour)
            meanwhile(name)
            shown = self.production.server.until(name, ended, seconds=seconds)
            self.killer.end()
            sampled.until(round(shown["record"]["weight"]), seconds=5.0)
        self.no_faults(sampled)
        return Rolled(shown, sampled.weights, self.gate.passed[first:])

    def no_faults(self, sampled: Sampled) -> None:
        """Raise the first error of whoever kills, hears and samples."""
        for fault in [*self.killer.faults, *self.killer.recorded.faults, *sampled.faults]:
            raise fault

    def back(self, name: str) -> None:
        """Take a completed rollout back, so that the next one begins where this one did."""
        self.production.terminal.run("rollback", "order-service", show=False)
        self.production.server.until(name, ended, seconds=60)

    def verified(self, rollout: str) -> str:
        """What both commands say; that they exit with 0 is seen to."""
        beside = replace(self.production.terminal, environment={"INTERLOCK_DATABASE": self.database})
        return "".join(
            beside.run(*words, show=False) for words in (("rollout", "verify", rollout), ("ledger", "verify"))
        )

    def _start(self) -> None:
        self.killer = Killer(())
        self.desk = self._open.enter_context(Desk(self.killer.reached))
        self.production = scaled(self.folder, self.proxy, otherwise=self._otherwise)
        written = self.production.plan
        self.production.plan = lambda stack: self._marked(written(stack))
        self.production.database, self.production.environment = self.database, {"INTERLOCK_WORKER": "off"}
        self._open.enter_context(self.production)
        self.servers = self.killer.servers = [self._server(name) for name in NAMES]
        self.killer.recorded = self._open.enter_context(Recorded(self.database, self.killer.heard))
        for server in self.servers:
            server.start()

    def _server(self, name: str) -> Server:
        root = self.folder / name / "shop"
        shutil.copytree(self.production.shop.root, root, symlinks=True)
        server = Server(root, database=self.database)
        self._open.callback(server.close)
        return server

    def _otherwise(self, stack: Stack, wanted: Wanted) -> Wanted:
        self.gate = self._open.enter_context(Gate(stack.proxy, self._programs, self.killer.reached))
        first = {**STAGES[0], "percent": PERCENT, "bake": BAKE}
        return replace(wanted, stages=[first, *STAGES[1:]], router=steered_by(stack.proxy, self.gate.address))

    def _programs(self) -> list[int]:
        return [server.pid for server in self.servers if server.alive]

    def _marked(self, plan: bytes) -> bytes:
        read: dict[str, Any] = yaml.safe_load(plan)
        for steps, name in (("apply", UP), ("rollback", DOWN)):
            read[steps] = [{**one, "run": self.desk.told(name, one["run"])} for one in read[steps]]
        if self.promotes:
            touched, seen = (["sh", "-c", f"{word} {self.folder}/$ROLLOUT_ID"] for word in ("touch", "test -e"))
            usual = {"name": USUAL, "kind": "artefact", "verify": seen, "timeout": 30}
            read["promote"] = [{**usual, "run": self.desk.told(USUAL, touched)}]
        return yaml.safe_dump(read, sort_keys=False, allow_unicode=True, width=110).encode()


def waited(condition: Callable[[], object], *, seconds: float) -> bool:
    """Whether ``condition()`` holds in time; returns as soon as it does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
