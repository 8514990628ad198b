"""Servers over one state, of which the one that moves a rollout is killed at named steps, or frozen there.

Rules:
1. Where a step is come to that is still wanted, whoever holds the lease gets SIGKILL, with its workers, at once;
   then a fresh server is started in its place. The one that was spared must take over. Where ``freezes``, it gets
   SIGSTOP and is left so.
2. Nobody is stopped unless two servers are up: a step that is come to meanwhile is let pass and stays wanted. So
   is one of a program whose server was killed and which goes on alone.
3. A take-over takes from the signal until another server's lease is committed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from interlock.testing.kills.recorded import Held, Recorded
from interlock.testing.stack.server import Server

BEFORE_COMMIT, AFTER_COMMIT = "before commit ", "after commit "
_UP = 2
STARTED = f"{AFTER_COMMIT}rollout.started"


@dataclass(frozen=True, slots=True)
class Stop:
    """Which step it was, who was stopped there with which fencing token, and when by the steady clock."""

    rollout: str
    step: str
    pid: int
    token: int
    at: float


@dataclass(slots=True)
class Killer:
    """Stops one of ``servers`` at each of ``wanted`` in turn; with none wanted it only hears.

    ``passed`` are the steps that the rollout came to, ``stops`` those of all rollouts where somebody was stopped.
    """

    servers: Sequence[Server]
    rollout: str = ""
    wanted: set[str] = field(default_factory=set)
    passed: list[str] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    freezes: bool = False
    recorded: Recorded = field(init=False)
    _turn: threading.Lock = field(init=False, default_factory=threading.Lock)
    _starting: list[threading.Thread] = field(init=False, default_factory=list)

    def begin(self, wanted: Iterable[str]) -> None:
        """The next rollout that is started is the one; its steps are heard from here on."""
        with self._turn:
            self.rollout, self.passed = "", []
            self.wanted = set(wanted)
        for step in self.wanted:
            if step.startswith(BEFORE_COMMIT):
                self.recorded.hold(step.removeprefix(BEFORE_COMMIT))

    def end(self) -> None:
        """Nobody is stopped any more; returns when all servers are up."""
        with self._turn:
            left, self.wanted = self.wanted, set()
        for step in left:
            if step.startswith(BEFORE_COMMIT):
                self.recorded.let_go(step.removeprefix(BEFORE_COMMIT))
        for thread in self._starting:
            thread.join()

    def heard(self, step: str, rollout: str) -> bool:
        """As ``reached``, of what is written down about a rollout (empty: the one that is under way)."""
        with self._turn:
            if step == STARTED and not self.rollout:
                self.rollout = rollout
        return rollout not in {"", self.rollout} or self.reached(step)

    def reached(self, step: str, pid: int = 0) -> bool:
        """Whether whoever came to this step goes on: ``pid``, else the holder of the lease."""
        with self._turn:
            held = self.recorded.holder(self.rollout)
            if held is None:
                return True
            self.passed.append(step)
            up = [each for each in self.servers if each.alive and each.address]
            if step not in self.wanted or len(up) < _UP:
                return True
            server = next((each for each in up if is_of(held, each.pid)), None)
            if server is None:
                return True
            if pid not in {0, server.pid}:
                self.faults.append(AssertionError(f"{step} was come to by {pid}, the lease is {held}"))
                return True
            self.wanted.discard(step)
            self._stop(server, step, held)
            return False

    def taken(self, stop: Stop) -> float | None:
        """Seconds until another held the lease, None as long as nobody has."""
        later = (
            held.at - stop.at
            for held in self.recorded.leases
            if held.rollout == stop.rollout and held.token > stop.token and not is_of(held, stop.pid)
        )
        return next(later, None)

    def _stop(self, server: Server, step: str, held: Held) -> None:
        self.stops.append(Stop(held.rollout, step, server.pid, held.token, time.monotonic()))
        if self.freezes:
            server.pause()
            return
        server.kill()
        thread = threading.Thread(target=self._start, args=(server,), daemon=True)
        thread.start()
        self._starting.append(thread)

    def _start(self, server: Server) -> None:
        try:
            server.start()
        except Exception as error:  # noqa: BLE001  # the test asks for them
            self.faults.append(error)


def is_of(held: Held, pid: int) -> bool:
    """Whether the server with this process id took the lease; its owner's name says so."""
    return f"-{pid}-" in held.owner
