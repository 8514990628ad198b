"""A shop in production: its rules with a rollout plan, its running version under load, and interlock before it.

Rules:
1. Everything is done by the commands that users type and by the real server; nothing is written past them.
2. Where the road itself is not what is shown, every rule is only watched, so that the gate lets changes through
   and the judge alone is in their way. Changes then differ in a line of a comment.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from interlock.testing.shop.founding import founded
from interlock.testing.shop.make import BASE, Shop
from interlock.testing.shop.terminal import Say, Terminal
from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.deploy import PID, PLACE, Deployer, build, prepare
from interlock.testing.stack.server import Server, Told, ended
from interlock.testing.stack.stack import Stack

PLAN, ARTEFACT = "rollouts/order-service.yaml", "order-service.tar"


def _quiet(line: str) -> None:
    del line


@dataclass(slots=True)
class Production:
    """``stack`` with the rules, the state and the server over it in ``folder``. Use as a context manager.

    ``plan`` is asked for once the stack runs. ``enforced`` are the policies that are more than watched, and
    ``environment`` is what the server has beside its own. The state is in ``database``, else beside the rules.
    """

    folder: Path
    stack: Stack
    plan: Callable[[Stack], bytes]
    enforced: Sequence[str] = ()
    say: Say = _quiet
    environment: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    terminal: Terminal = field(init=False)
    server: Server = field(init=False)
    shop: Shop = field(init=False)
    _open: ExitStack = field(init=False, default_factory=ExitStack)
    _shipped: int = field(init=False, default=0)

    def __enter__(self) -> Self:
        try:
            self._open.enter_context(self.stack)
            root, plans = self.folder / "shop", {PLAN: self.plan(self.stack)}
            state = {"INTERLOCK_DATABASE": self.database} if self.database else {}
            self.shop = founded(root, enforced=self.enforced, plans=plans, say=self.say, environment=state)
            self.server = Server(self.shop.root, database=self.database, more=self.environment)
            self._open.callback(self._take_down)
            self._open.callback(self.server.close)
            self.server.start()
            self.terminal = Terminal(root=self.shop.root, say=self.say, environment=dict(self.server.reached_by))
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def restarted(self) -> None:
        """The server's new address, after it was started again."""
        self.terminal = Terminal(root=self.shop.root, say=self.say, environment=dict(self.server.reached_by))

    @property
    def artefact(self) -> Path:
        """What the plan's steps put up."""
        return self.folder / ARTEFACT

    def ship(self, behaviour: Behaviour, title: str = "Say it shorter") -> str:
        """Open one more change, gate it and start its rollout; the rollout's id.

        The new version behaves as ``behaviour``, whatever its code says.
        """
        self._shipped += 1
        name = f"ship-{self._shipped}"
        self.shop.small_change(name, f"# {title}, number {self._shipped}\n")
        self.stack.canary_version = build(self.shop.root, self.artefact)
        prepare(self.folder, port=self.stack.canary.port, companion=os.getpid(), behaviour=behaviour)
        change = self._json("change", "open", "--title", f"{title} {self._shipped}", "--base", BASE)["id"]
        ticket = self.folder / f"{name}.json"
        self.terminal.run("gate", change, "--environment", "production", "--ticket-file", str(ticket), show=False)
        return str(self._json("rollout", "start", change, "--ticket", str(ticket))["id"])

    def freeze_canary(self, seconds: float) -> None:
        """Let the version that the deployer put up stand still (SIGSTOP) for a while."""
        pid = int((self.folder / PID).read_text(encoding="utf-8"))
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    def outcome(self, rollout: str, *, seconds: float) -> Told:
        """The rollout when it has ended."""
        return self.server.until(rollout, ended, seconds=seconds)

    def _take_down(self) -> None:
        if (self.folder / PLACE).exists():
            Deployer(self.folder).down()

    def _json(self, *words: str) -> Told:
        found: Told = json.loads(self.terminal.run(*words, "--json", show=False))
        return found
