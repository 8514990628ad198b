"""Callers of a service of two versions: they remember which version answered, and when.

Rules:
1. ``ask`` sends a number of requests over kept connections, one after the other on each.
2. A ``Stream`` sends at a steady rate until it is closed. It opens with its own clock and never catches up after
   a stall: real customers who were kept waiting do not all come back at once.
3. An answer is the name of the version, or ``status 503`` and ``no answer`` for what was no answer of a version.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Self

NO_ANSWER = "no answer"
_OK = 200
_SECONDS = 5.0


def ask(port: int, number: int, *, connections: int = 1) -> Counter[str]:
    """Who answered how many of ``number`` requests to 127.0.0.1."""
    shares = [number // connections + (place < number % connections) for place in range(connections)]
    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(lambda share: _ask(port, share), shares), Counter())


def _ask(port: int, number: int) -> Counter[str]:
    answers: Counter[str] = Counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    for _ in range(number):
        try:
            connection.request("GET", "/")
            reply = connection.getresponse()
            body = reply.read().decode("utf-8", "replace")
            answers[body if reply.status == _OK else f"status {reply.status}"] += 1
        except (OSError, HTTPException):
            answers[NO_ANSWER] += 1
            connection.close()
    connection.close()
    return answers


@dataclass(frozen=True, slots=True)
class Answered:
    """``sent`` and ``at`` are monotonic seconds; ``who`` answered."""

    sent: float
    at: float
    who: str


class Stream:
    """A steady stream of requests to 127.0.0.1 over ``connections`` kept connections."""

    def __init__(self, port: int, *, rate: float, connections: int = 8) -> None:
        self.answers: list[Answered] = []
        self._port, self._rate, self._connections = port, rate, connections
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def last(self, who: str) -> float | None:
        """When the last request was sent that ``who`` answered, None for never."""
        return max((each.sent for each in tuple(self.answers) if each.who == who), default=None)

    async def _run(self) -> None:
        pause = self._connections / self._rate
        await asyncio.gather(*(self._line(place / self._rate, pause) for place in range(self._connections)))

    async def _line(self, first: float, pause: float) -> None:
        line = _Line(self._port)
        due = time.monotonic() + first
        while not self._ended.is_set():
            await asyncio.sleep(due - time.monotonic())
            sent = time.monotonic()
            who = await line.ask()
            self.answers.append(Answered(sent, time.monotonic(), who))
            due = max(due + pause, time.monotonic())
        line.close()


class _Line:
    """One connection, opened anew when it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> str:
        """Send one request; who answered. A kept connection that was closed meanwhile is opened anew, once."""
        kept = self._ends is not None
        try:
            return await asyncio.wait_for(self._exchange(), _SECONDS)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.close()
            unheard = not isinstance(error, asyncio.IncompleteReadError) or not error.partial
            return await self.ask() if kept and unheard else NO_ANSWER
        except (OSError, ValueError, TimeoutError):
            self.close()
            return NO_ANSWER

    async def _exchange(self) -> str:
        if self._ends is None:
            self._ends = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._ends
        writer.write(b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        body = await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        if "connection: close" in head:
            self.close()
        status = head.split(" ", 2)[1]
        return body.decode("utf-8", "replace") if int(status) == _OK else f"status {status}"

    def close(self) -> None:
        """Drop the connection."""
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None
