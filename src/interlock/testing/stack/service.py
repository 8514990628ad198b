"""The shop's order service, one instance of one version, as a real process.

    python -m interlock.testing.stack.service --behaviour FILE --port PORT [--companion PID]

Rules:
1. It listens on 127.0.0.1 alone.
2. ``POST /orders`` places an order (201), parks it (202: in good order, but no order), or fails (500). The answer
   names the version that gave it, so that the client knows whom it met.
3. ``/metrics`` counts what was really answered: orders, requests by code, and a histogram of the time it took.
4. A crash is a crash: the process ends without a word, and its port refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from interlock.testing.stack.behaviour import Behaviour
from interlock.testing.stack.companion import until_asked
from interlock.testing.stack.ordering import Placing, placing

BUCKETS = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
"""Edges of the latency histogram in seconds, near a healthy version's median, 90th and 99th percent."""

CRASHED = 70
"""The exit code of a version that crashes."""

SPREAD, TAIL_BEGINS = 0.4, 1.6703
"""Times are log-normal with this sigma; a tenth of them lies above ``TAIL_BEGINS`` times the median."""


class Service:
    """One instance of one version."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._chance = random.Random(behaviour.seed)  # noqa: S311  # a shop's customers, not a secret
        self._place: Placing | None = placing(Path(behaviour.shop)) if behaviour.shop else None
        self._first: float | None = None
        self._registry = CollectorRegistry()
        self._orders = Counter("shop_orders", "Orders placed", registry=self._registry)
        self._requests = Counter("shop_requests", "Requests answered", ["code"], registry=self._registry)
        self._seconds = Histogram("shop_request_seconds", "Time taken", buckets=BUCKETS, registry=self._registry)
        for code in ("201", "202", "500"):
            self._requests.labels(code)

    def application(self) -> web.Application:
        """Its routes."""
        application = web.Application()
        application.router.add_post("/orders", self.order)
        application.router.add_get("/metrics", self.metrics)
        application.router.add_get("/healthz", self.health)
        return application

    async def order(self, request: web.Request) -> web.Response:
        """Place one order."""
        if self._behaviour.crash == "first-request":
            os._exit(CRASHED)
        began = time.perf_counter()
        self._first = began if self._first is None else self._first
        asked = await request.json()
        await asyncio.sleep(self._takes())
        status = self._outcome(asked)
        if status == web.HTTPCreated.status_code:
            self._orders.inc()
        self._requests.labels(str(status)).inc()
        self._seconds.observe(time.perf_counter() - began)
        return web.json_response({"status": status}, status=status, headers={"x-version": self._behaviour.version})

    async def metrics(self, request: web.Request) -> web.Response:
        """The exposition, as long as there is one."""
        del request
        gone, first = self._behaviour.metrics_for, self._first
        if gone is not None and first is not None and time.perf_counter() - first > gone:
            return web.Response(status=404)
        return web.Response(
            body=generate_latest(self._registry), headers={"content-type": "text/plain; version=0.0.4"}
        )

    async def health(self, request: web.Request) -> web.Response:
        """Alive, which says nothing about orders."""
        del request
        return web.json_response({"version": self._behaviour.version})

    def _takes(self) -> float:
        times = self._chance.lognormvariate(0.0, SPREAD) * self._behaviour.slower
        if times > TAIL_BEGINS:
            times *= self._behaviour.tail
        return self._behaviour.median_ms / 1000 * times

    def _outcome(self, asked: dict[str, object]) -> int:
        drawn = self._chance.random()
        if drawn < self._behaviour.errors:
            return 500
        if drawn < self._behaviour.errors + self._behaviour.lost:
            return 202
        if self._place is None:
            return 201
        try:
            return 201 if self._place(asked) else 202
        except Exception:  # noqa: BLE001  # the shop's code may fail in any way; a web framework answers 500
            return 500


async def serve(behaviour: Behaviour, port: int, companion: int | None) -> None:
    """Serve until somebody asks for the end."""
    runner = web.AppRunner(Service(behaviour).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await until_asked(companion)
    await runner.cleanup()


def main(arguments: Sequence[str]) -> int:
    """One instance, by its behaviour's file."""
    parser = argparse.ArgumentParser(prog="interlock.testing.stack.service")
    parser.add_argument("--behaviour", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--companion", type=int)
    given = parser.parse_args(arguments)
    behaviour = Behaviour.from_json(given.behaviour.read_text(encoding="utf-8"))
    if behaviour.crash == "start":
        return CRASHED
    asyncio.run(serve(behaviour, given.port, given.companion))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
