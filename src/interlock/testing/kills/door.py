"""A port of this machine where each caller gets a thread and is served by one function."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Self

from interlock.testing.proxies.proxy import LOCAL

SECONDS = 10.0
"""How long a caller may take to speak."""


class Door(ThreadingTCPServer):
    """Open as long as it is used as a context manager. A line that breaks is the caller's end, and no fault."""

    daemon_threads = True

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        super().__init__((LOCAL, 0), BaseRequestHandler)
        self._serve = serve
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as the library has it
        """Serve one caller."""
        del client_address
        request.settimeout(SECONDS)
        with suppress(OSError):
            self._serve(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()
