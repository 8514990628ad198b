"""A version of a service as small as can be: it answers every request with its own name, and can crash.

It lives in a thread of this process, so that hundreds of requests per second cost little, and a test sees at once
what reached it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

from interlock.testing.programs import free_port

_END = b"\r\n\r\n"


class Version:
    """Answers ``200`` with ``name``. ``port`` stays the same through ``crash`` and ``start``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.served = 0
        self._open: set[asyncio.Transport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.crash()

    def start(self) -> None:
        """Take connections; returns when it does."""
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name=self.name, daemon=True)
        self._thread.start()
        if not started.wait(5.0):
            raise RuntimeError(f"expected {self.name} to listen on {self.port}, it does not")

    def crash(self) -> None:
        """Drop every connection and refuse new ones. Idempotent."""
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = self._thread = None

    def _connection(self) -> _Connection:
        return _Connection(self.name, self._open, self._count)

    def _count(self, requests: int) -> None:
        self.served += requests

    def _run(self, started: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        try:
            listening = loop.create_server(self._connection, "127.0.0.1", self.port, backlog=512)
            server = loop.run_until_complete(listening)
            self._loop = loop
            loop.call_soon(started.set)
            loop.run_forever()
            server.close()
            for transport in tuple(self._open):
                transport.abort()
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()


class _Connection(asyncio.Protocol):
    def __init__(self, name: str, others: set[asyncio.Transport], count: Callable[[int], None]) -> None:
        body = name.encode()
        self._answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        self._others, self._count = others, count
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection, so that a crash can drop it."""
        self._transport = cast("asyncio.Transport", transport)
        self._others.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._transport is not None:
            self._others.discard(self._transport)

    def data_received(self, chunk: bytes) -> None:
        """Answer each complete request; requests have no body."""
        *whole, self._rest = (self._rest + chunk).split(_END)
        if whole and self._transport is not None:
            self._count(len(whole))
            self._transport.write(self._answer * len(whole))
