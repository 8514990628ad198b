"""A whole shop of real processes: instances of two versions, a proxy before them, and customers.

Rules:
1. Everything listens on free loopback ports and lies in ``folder``. What was started is ended in reverse order,
   also when something in between did not come up.
2. The canary's port is known before there is a canary: whoever puts it up (or a test) starts it there.
3. No process of the stack outlives the process that made it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from interlock.testing.programs import Program, free_port
from interlock.testing.prometheus import Prometheus, Targets
from interlock.testing.proxies.envoy import Envoy
from interlock.testing.proxies.haproxy import HAProxy
from interlock.testing.proxies.proxy import LOCAL, Proxy, listens
from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.customers import Harm, harm

ProxyName = Literal["envoy", "haproxy"]
CANARY, CONTROL = "canary", "control"
Owned = TypeVar("Owned", bound=Program)


class Instance(Program):
    """One instance of one version, on its own port."""

    def __init__(self, name: str, behaviour: Behaviour, port: int | None = None) -> None:
        super().__init__(name)
        self.behaviour = behaviour
        self.port = port or free_port()

    @property
    def metrics(self) -> str:
        """The address of its exposition."""
        return f"http://{LOCAL}:{self.port}/metrics"

    def command(self) -> Sequence[str | Path]:
        """Write the behaviour and say how the service is started with it."""
        place = self.folder / "behaviour.json"
        place.write_text(self.behaviour.to_json(), encoding="utf-8")
        options = ("--behaviour", str(place), "--port", str(self.port), "--companion", str(os.getpid()))
        return (sys.executable, "-m", "interlock.testing.stack.service", *options)

    def ready(self) -> bool:
        """Whether it takes connections."""
        return listens(self.port)


class Customers(Program):
    """Poisson customers at ``rate`` a second, whose log is ``log``."""

    def __init__(self, url: str, rate: float, log: Path, seed: int) -> None:
        super().__init__("load")
        self._url, self._rate, self._seed = url, rate, seed
        self.answers = log

    def command(self) -> Sequence[str | Path]:
        """How the load is started."""
        options = ("--url", f"{self._url}/orders", "--rate", str(self._rate), "--log", str(self.answers))
        more = ("--seed", str(self._seed), "--companion", str(os.getpid()))
        return (sys.executable, "-m", "interlock.testing.stack.load", *options, *more)

    def ready(self) -> bool:
        """Whether the first customer was answered."""
        return self.answers.exists() and self.answers.stat().st_size > 0


class Stack:
    """``controls`` instances of the running version, and room for one canary. Use as a context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        control: Behaviour,
        canary: Behaviour,
        proxy: ProxyName = "envoy",
        controls: int = 3,
        rate: float = 300.0,
        seed: int = 1,
        prometheus: bool = False,
    ) -> None:
        self.folder, self._open = folder, ExitStack()
        self.canary_version, self.rate = canary.version, rate
        self.controls = tuple(
            self._own(Instance(f"control-{number}", control)) for number in range(1, controls + 1)
        )
        self.canary = self._own(Instance(CANARY, canary))
        ports = {"canary": self.canary.port, "control": [one.port for one in self.controls]}
        self.proxy: Proxy = self._own(_proxy(proxy)(**ports))
        self.prometheus = self._own(Prometheus(self._scraped())) if prometheus else None
        self.customers = self._own(Customers(self.proxy.url, rate, folder / "load.jsonl", seed))

    def __enter__(self) -> Self:
        try:
            for one in self.controls:
                one.start()
            self.proxy.start()
            if self.prometheus is not None:
                self.prometheus.start()
            self.customers.start()
            if self.prometheus is not None:
                # It looks for what it is to scrape within 5 s of its start: until then nothing is counted.
                self.prometheus.scraped("shop_orders_total", len(self.controls), samples=1)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything. Idempotent."""
        self._open.close()

    def put_up(self) -> None:
        """Start the canary, which takes no traffic yet."""
        if self.canary.behaviour.crash != "start":
            self.canary.start()

    @property
    def targets(self) -> Mapping[str, Sequence[str]]:
        """Where each arm's metrics are exposed."""
        return {CANARY: [self.canary.metrics], CONTROL: [one.metrics for one in self.controls]}

    def harm(self, since: float = 0.0, *, until: float | None = None) -> Harm:
        """What customers lost to the canary so far; everybody is counted to ``until``."""
        return harm(self.customers.answers, self.canary_version, since=since, until=until)

    def _scraped(self) -> Sequence[Targets]:
        ports = {CANARY: [self.canary.port], CONTROL: [one.port for one in self.controls]}
        return [
            Targets(addresses=[f"{LOCAL}:{port}" for port in found], labels={"arm": arm})
            for arm, found in ports.items()
        ]

    def _own(self, program: Owned) -> Owned:
        self._open.callback(program.close)
        return program


def _proxy(name: ProxyName) -> Callable[..., Proxy]:
    return {"envoy": Envoy, "haproxy": HAProxy}[name]
