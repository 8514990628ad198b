"""One HTTP source that is asked again and again: a kept connection, a deadline, a limit, no redirects.

Rules:
1. The deadline is for all of it: whoever asks calls ``abort`` when it is over, and the connection is cut.
2. A kept connection that the other side has closed is opened again once, within the same deadline.
3. A connection that is refused says that nobody listens (``Refused``); everything else is ``Unavailable``.
4. Secrets come from an environment variable or a file, are read for each request (they rotate), and appear in no
   message.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from interlock.core.change.errors import BadReply, Unavailable
from interlock.plugins.meters.access import Access

LIMIT = 16 << 20
"""Largest body in bytes."""

_FORBIDDEN = frozenset({401, 403, 407})


class Refused(Unavailable):
    """Nobody listens at the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer. ``at`` is midway between the request and the answer's first byte, in Unix seconds."""

    status: int
    media: str
    body: bytes
    at: float
    headers: Mapping[str, str]


class Endpoint:
    """``url`` without a query. Safe to use from several threads, one request at a time."""

    def __init__(self, url: str, access: Access, *, plugin: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = parts.scheme == "https"
        self.path = parts.path or "/"
        self.name = f"{parts.netloc.rpartition('@')[2]}{parts.path if parts.path not in ('', '/metrics') else ''}"
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._access, self._plugin = access, plugin
        self._connection: http.client.HTTPConnection | None = None
        self._turn = threading.Lock()

    def get(self, path: str, *, deadline: float, accept: str) -> Fetched:
        """The answer to a GET; ``deadline`` is of the monotonic clock.

        Raises:
            Refused, Unavailable: ``meter-unreachable``, ``meter-forbidden``.
            BadReply: ``meter-redirect``, ``meter-too-long``.
            InvalidSetting: a secret that is not there.
        """
        if not self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise self._unreachable("an earlier request is still waiting")
        try:
            return self._get(path, deadline, accept)
        finally:
            self._turn.release()

    def abort(self) -> None:
        """Cut the connection under whoever waits for it."""
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _get(self, path: str, deadline: float, accept: str) -> Fetched:
        headers = {"Accept": accept, "User-Agent": "interlock", **self._access.headers()}
        kept = self._connection is not None and self._connection.sock is not None
        try:
            return self._once(path, deadline, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self.close()
            if not kept:
                raise self._unreachable("the connection was cut") from error
        except ConnectionRefusedError as error:
            raise self._refused() from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(_said(error)) from error
        finally:
            if self._connection is not None and self._connection.sock is None:
                self.close()
        try:
            return self._once(path, deadline, headers)
        except ConnectionRefusedError as error:
            raise self._refused() from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(_said(error)) from error

    def _once(self, path: str, deadline: float, headers: Mapping[str, str]) -> Fetched:
        done = False
        try:
            connection = self._ready(deadline)
            sent = time.time()
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            at = (sent + time.time()) / 2
            body = self._body(connection, answer, deadline)
            done = True
        finally:
            if not done:
                self.close()
        if answer.will_close:
            self.close()
        return self._checked(answer, body, at)

    def _ready(self, deadline: float) -> http.client.HTTPConnection:
        left = _left(deadline)
        if self._connection is None:
            if self._tls:
                trust = self._access.trust()
                self._connection = http.client.HTTPSConnection(self._host, self._port, timeout=left, context=trust)
            else:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=left)
        connection = self._connection
        connection.timeout = left
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(_left(deadline))
        return connection

    def _body(
        self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, deadline: float
    ) -> bytes:
        whole = bytearray()
        while True:
            if connection.sock is not None:
                connection.sock.settimeout(_left(deadline))
            part = answer.read(min(1 << 16, LIMIT + 1 - len(whole)))
            whole += part
            if not part:
                break
            if len(whole) > LIMIT:
                raise self._bad("meter-too-long", f"an answer of at most {LIMIT >> 20} MiB", "a longer one")
        if answer.length:
            raise http.client.IncompleteRead(bytes(whole[:0]), answer.length)
        return bytes(whole)

    def _checked(self, answer: http.client.HTTPResponse, body: bytes, at: float) -> Fetched:
        if answer.status in _FORBIDDEN:
            raise Unavailable(
                f"expected to be let in by {self.name}, got {answer.status}",
                code="meter-forbidden",
                hint="give the meter credentials in its `auth` setting",
                plugin=self._plugin,
            )
        if 300 <= answer.status < 400:  # noqa: PLR2004  # HTTP's redirects
            raise self._bad("meter-redirect", "counts", f"a redirect ({answer.status})")
        media = answer.headers.get("Content-Type", "")
        return Fetched(status=answer.status, media=media, body=body, at=at, headers=dict(answer.headers.items()))

    def _bad(self, code: str, expected: str, got: str) -> BadReply:
        return BadReply(
            f"expected {expected} from {self.name}, got {got}",
            code=code,
            hint="name the address that serves the counts itself",
            plugin=self._plugin,
        )

    def _refused(self) -> Refused:
        return Refused(
            f"expected an answer from {self.url}, got connection refused",
            code="meter-unreachable",
            hint="start what listens there, or correct the address",
            plugin=self._plugin,
        )

    def _unreachable(self, why: str) -> Unavailable:
        return Unavailable(
            f"expected an answer from {self.name} in time, got none: {why}",
            code="meter-unreachable",
            hint="look whether it runs and answers",
            plugin=self._plugin,
        )


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    return left


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the time is over"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).splitlines()[0][:160].lower()
    return f"no valid HTTP ({type(error).__name__})"
