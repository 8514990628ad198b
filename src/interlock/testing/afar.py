"""The scripted world over a socket: its router, meter and programs for workers in processes of their own.

Rules:
1. The world stays where it is made and goes on whoever dies. It notes who did what, and when.
2. One JSON line asks, one answers. A caller that is gone is no fault of the world.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.samples import Exposure, Sample
from interlock.ports.meter import Counted
from interlock.ports.programs import Ran, wanted
from interlock.testing.rollout import FakeMeter, FakePrograms, FakeRouter, World

BEAT_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who set which weight, or ran which program, when by this machine's steady clock."""

    who: str
    what: str
    at: float


@dataclass
class Afar:
    """Serves ``world`` on a free loopback port, and lets its time pass as it does here. A context manager."""

    world: World
    deeds: list[Deed] = field(default_factory=list)
    address: tuple[str, int] = ("", 0)

    def __enter__(self) -> Self:
        """Begin to serve."""
        self.world.epoch = datetime.now(UTC) - timedelta(seconds=self.world.time)
        self._stop = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._asking())
        self._server.daemon_threads = True
        self.address = ("127.0.0.1", self._server.server_address[1])
        for target in (self._server.serve_forever, self._pass_by):
            threading.Thread(target=target, daemon=True).start()
        return self

    def __exit__(self, *ended: object) -> None:
        """End."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()

    def weights(self) -> list[str]:
        """The weights in order, repetitions of the same one left out."""
        found: list[str] = []
        for deed in self.deeds:
            if deed.what.startswith("weight ") and found[-1:] != [deed.what]:
                found.append(deed.what)
        return [each.removeprefix("weight ") for each in found]

    def _pass_by(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(BEAT_SECONDS):
            now = time.monotonic()
            self.world.pass_by(now - last)
            last = now

    def _asking(self) -> type[socketserver.StreamRequestHandler]:
        afar = self

        def answering(asking: socketserver.StreamRequestHandler) -> None:
            for line in asking.rfile:
                asking.wfile.write(json.dumps(afar.answer(json.loads(line))).encode() + b"\n")

        return type("Asking", (socketserver.StreamRequestHandler,), {"handle": answering})

    def answer(self, asked: Mapping[str, Any]) -> object:
        """What the world says."""
        what, who = asked["ask"], asked["who"]
        if what == "set":
            self.deeds.append(Deed(who=who, what=f"weight {asked['percent']:g}", at=time.monotonic()))
            FakeRouter(self.world, {}).set_weight(asked["percent"])
            return None
        if what == "run":
            name = " ".join(asked["arguments"])
            if asked["arguments"][0] != "verify":
                self.deeds.append(Deed(who=who, what=name, at=time.monotonic()))
            ran = FakePrograms(self.world).run(
                tuple(asked["arguments"]), timeout=1.0, environment=asked["environment"]
            )
            return asdict(ran)
        if what == "weight":
            return self.world.weight
        if what == "exposure":
            return asdict(FakeRouter(self.world, {}).exposure())
        metrics = [Counted(name=name, edges=tuple(edges)) for name, edges in asked["metrics"]]
        return [asdict(sample) for sample in FakeMeter(self.world, {}, metrics).read()]


class Line:
    """A connection to the world, one for each call, so that any thread may ask."""

    def __init__(self, address: tuple[str, int], who: str) -> None:
        self._address, self._who = address, who

    def ask(self, what: str, **more: object) -> Any:  # noqa: ANN401  # whatever was asked for
        """One question."""
        try:
            with socket.create_connection(self._address, timeout=2.0) as connection:
                line = json.dumps({"ask": what, "who": self._who, **more}).encode() + b"\n"
                connection.sendall(line)
                with connection.makefile("rb") as answers:
                    return json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise Unavailable(
                "expected the world, got nothing", code="router-unreachable", hint="", plugin="afar"
            ) from error


class RouterAfar:
    """The router of a world elsewhere."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def check(self) -> None:
        """Ask once."""
        self.weight()

    def set_weight(self, percent: float) -> None:
        """Set it there."""
        self._line.ask("set", percent=percent)

    def weight(self) -> float:
        """What is served there."""
        return float(self._line.ask("weight"))

    def exposure(self) -> Exposure:
        """What was assigned there."""
        return Exposure(**self._line.ask("exposure"))

    def close(self) -> None:
        """Nothing is open."""


class MeterAfar:
    """The meter of a world elsewhere."""

    def __init__(self, line: Line, metrics: Sequence[Counted]) -> None:
        self._line, self._metrics = line, metrics

    def check(self) -> None:
        """Ask once."""
        self.read()

    def read(self) -> Sequence[Sample]:
        """What was counted there."""
        asked = [(one.name, list(one.edges)) for one in self._metrics]
        return [Sample(**each) for each in self._line.ask("samples", metrics=asked)]

    def close(self) -> None:
        """Nothing is open."""


class ProgramsAfar:
    """Programs of a world elsewhere."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def run(
        self,
        arguments: tuple[str, ...],
        *,
        timeout: float,
        environment: Mapping[str, str],
        unwanted: Callable[[], bool] = wanted,
    ) -> Ran:
        """Run it there, to its end: nothing lasts there."""
        del timeout, unwanted
        return Ran(**self._line.ask("run", arguments=list(arguments), environment=dict(environment)))

    def missing(self, program: str) -> str:
        """All are there."""
        del program
        return ""
