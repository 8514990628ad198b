"""Customers as a real process: an open loop of Poisson arrivals, each of them an order.

    python -m interlock.testing.stack.load --url http://127.0.0.1:PORT/orders --rate 300 --log load.jsonl

Rules:
1. The loop is open: customers arrive whether or not the shop answers, so a slow or dead version loses orders
   instead of slowing its customers down.
2. Each request is one line: ``t`` when it was sent (Unix seconds), ``s`` the status (0: no answer), ``v`` the
   version that answered ("" where a proxy or nobody did), ``ms`` how long it took. Only 201 is an order.
3. Asked to end, it lets no more customers come, and ends when those who wait have their answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import aiohttp

from interlock.testing.stack.companion import until_asked

PATIENCE = aiohttp.ClientTimeout(total=5.0)
FLUSH_SECONDS = 0.1
PICKED_UP, FAR = 0.01, (3_000, 4_000_000)
"""One customer in a hundred picks the order up; the others live 3 to 4,000 km away (in metres)."""


class Customers:
    """Arrivals at ``rate`` a second, each written to ``log``."""

    def __init__(self, url: str, rate: float, log: IO[str], seed: int) -> None:
        self._url, self._rate, self._log = url, rate, log
        self._chance = random.Random(seed)  # noqa: S311  # customers, not secrets
        self._waiting: set[asyncio.Task[None]] = set()

    async def come(self, companion: int | None) -> None:
        """Until somebody asks for the end."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0)
        async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as session:
            arriving = asyncio.create_task(self._arrive(session))
            flushing = asyncio.create_task(self._flush())
            await until_asked(companion)
            arriving.cancel()
            flushing.cancel()
            if self._waiting:
                await asyncio.wait(self._waiting, timeout=6.0)
        self._log.flush()

    async def _arrive(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self._chance.expovariate(self._rate)
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._order(session, self._distance()))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _order(self, session: aiohttp.ClientSession, distance: int) -> None:
        sent, began = time.time(), time.perf_counter()
        try:
            async with session.post(self._url, json={"distance": distance}) as reply:
                await reply.read()
                status, version = reply.status, reply.headers.get("x-version", "")
        except (aiohttp.ClientError, TimeoutError, OSError):
            status, version = 0, ""
        took = 1000 * (time.perf_counter() - began)
        self._log.write(f'{{"t":{sent:.4f},"s":{status},"v":{json.dumps(version)},"ms":{took:.1f}}}\n')

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self._log.flush()

    def _distance(self) -> int:
        return 0 if self._chance.random() < PICKED_UP else self._chance.randint(*FAR)


def main(arguments: Sequence[str]) -> int:
    """Send customers until somebody asks for the end."""
    parser = argparse.ArgumentParser(prog="interlock.testing.stack.load")
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--companion", type=int)
    given = parser.parse_args(arguments)
    with given.log.open("a", encoding="utf-8") as log:
        asyncio.run(Customers(given.url, given.rate, log, given.seed).come(given.companion))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
