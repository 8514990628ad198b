"""A version of a service as small as can be: it answers every request with its own name, and can crash.

It lives in a thread of this process, so that hundreds of requests per second cost little, and a test sees at once
what reached it.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from interlock.testing.programs import free_port


class Version:
    """Answers ``200`` with ``name``. ``port`` stays the same through ``crash`` and ``start``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.served = 0
        self._open: set[asyncio.StreamWriter] = set()
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

    def _run(self, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            server = loop.run_until_complete(
                asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
            )
            self._loop = loop
            loop.call_soon(started.set)
            loop.run_forever()
            server.close()
            for writer in tuple(self._open):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = self.name.encode()
        self._open.add(writer)
        try:
            closing = False
            while not closing:
                request = await reader.readuntil(b"\r\n\r\n")  # requests have no body
                closing = b"connection: close" in request.lower()
                self.served += 1
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            writer.close()
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._open.discard(writer)
