"""The shop's staging: the running version as a real process, and the plan by which going back is tried there.

Rules:
1. It is put up and taken down by the very deployer that serves production, in a place of its own.
2. What is probed is what the place answers: which version it is, and whether an order can be placed there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from interlock.testing.programs import free_port
from interlock.testing.proxies.proxy import LOCAL
from interlock.testing.shop.make import Shop
from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.deploy import Deployer, build, prepare

PLAN, TESTS = "rehearsals/order-service.yaml", "test-plans/order-service.yaml"


class Staging:
    """In ``folder``; ``artefact`` is what a change's version will be packed into. ``close`` it."""

    def __init__(self, folder: Path, artefact: Path) -> None:
        self._folder, self._artefact = folder, artefact
        self._before = folder / "before.tar"
        self._port = free_port()

    def plans(self) -> dict[str, bytes]:
        """How going back is tried there, and how the shop's tests are run; both name programs of this machine."""
        tested = {"service": "order-service", "product": ["src/", "config/"], "python": sys.executable}
        return {PLAN: self.plan(), TESTS: _written(tested)}

    def plan(self) -> bytes:
        """``rehearsals/order-service.yaml``: the deployer's steps, and what is looked at."""
        there, back = self._step(self._artefact), self._step(self._before)
        written = {
            "service": "order-service",
            "environment": "staging",
            "objective": "30s",
            "driver": {"kind": "command"},
            "apply": [{"name": "the new version", **there}],
            "rollback": [{"name": "the version before", **back}],
            "probes": [{"name": "staging", "kind": "http", "url": f"http://{LOCAL}:{self._port}/healthz"}],
        }
        return _written(written)

    def begin(self, shop: Shop) -> None:
        """Put up what is checked out: the version before any change."""
        self._folder.mkdir(parents=True)
        build(shop.root, self._before)
        behaviour = Behaviour(version="staging")
        prepare(self._folder, port=self._port, companion=os.getpid(), behaviour=behaviour)
        Deployer(self._folder).up(self._before)

    def close(self) -> None:
        """Take down whatever is up."""
        if self._folder.exists():
            Deployer(self._folder).down()

    def _step(self, artefact: Path) -> dict[str, object]:
        deploy = [sys.executable, "-m", "interlock.testing.stack.deploy", str(self._folder)]
        return {
            "run": [*deploy, "up", str(artefact)],
            "verify": [*deploy, "serves", str(artefact)],
            "timeout": 30,
        }


def _written(plan: Mapping[str, object]) -> bytes:
    return yaml.safe_dump(plan, sort_keys=False, width=110).encode()
