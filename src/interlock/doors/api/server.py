"""Listening: uvicorn around the application, with our own log and a graceful end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

import uvicorn

from interlock.core.change.errors import Unavailable
from interlock.doors.api.app import create_app
from interlock.doors.api.observe import ServerObserver
from interlock.road.station import Station

GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 30
BACKLOG = 512


def run(
    station: Station,
    *,
    host: str,
    port: int,
    as_json: bool,
    beside: Callable[[ServerObserver], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Serve until SIGTERM or SIGINT; returns when every request under way was answered or 10 s have passed.

    ``beside`` goes on as long as it serves, from when it listens until no request is under way any more.

    Raises:
        Unavailable: ``address-unavailable``.
    """
    observer = ServerObserver(as_json=as_json)
    listening = _listen(host, port)
    config = uvicorn.Config(
        create_app(station, observer),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        lifespan="off",
    )
    address = listening.getsockname()
    observer.started(f"http://{address[0]}:{address[1]}")
    with _signals_outlived(), beside(observer):
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _signals_outlived() -> Iterator[None]:
    # uvicorn stops in good order and then raises the signal again, which would end the process before its
    # caller has closed the store.
    before = {number: signal.signal(number, _heard) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heard(number: int, frame: FrameType | None) -> None:
    del number, frame


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        # Inherited by every connection. asyncio sets it only where a socket names its protocol, and without it a
        # reply of two packets waits 40 ms for the client's acknowledgement of the first.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            f"expected to listen on `{host}:{port}`, got: {str(error)[:80].lower()}",
            code="address-unavailable",
            hint="choose another --port or --host",
            plugin="server",
        ) from error
    return listening
