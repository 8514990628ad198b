"""One question and its whole answer over a socket, within a deadline.

Rules:
1. The deadline holds for all of it, however slowly the other side talks: a router that hangs costs 2 s, not more.
2. Each question has a connection of its own, which is closed afterwards; so a router is safe between threads and
   leaves nothing open.
3. An answer is bounded. What does not come, or not in time, is ``Unavailable``: ``router-forbidden`` where this
   user may not, ``router-unreachable`` otherwise.
"""

from __future__ import annotations

import io
import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any

from interlock.core.change.errors import BadReply, Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.routers.reading import DEADLINE, as_list, refuse

MOST = 16 << 20
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a router listens: a path, or a host and a port."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        """As the plan would write it."""
        return self.path or f"{self.host}:{self.port}"


def address(text: str, *, path: str, sockets: bool) -> Address:
    """``host:port``, or with ``sockets`` the path of a unix socket too; ``path`` is the setting's key.

    Raises:
        InvalidSetting: ``router-address``.
    """
    if text.startswith("/"):
        if sockets and len(os.fsencode(text)) < 108:  # noqa: PLR2004  # the kernel's limit
            return Address(path=text)
        raise _address(text, path, "a path of at most 107 bytes" if sockets else "`host:port`")
    host, _, port = text.rpartition(":")
    if not host or "/" in host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= 65_535:  # noqa: PLR2004  # ports
        raise _address(text, path, "the path of a socket or `host:port`" if sockets else "`host:port`")
    return Address(host=host.strip("[]"), port=int(port))


def addresses(texts: str | tuple[str, ...], *, path: str, sockets: bool) -> tuple[Address, ...]:
    """One or several, each another.

    Raises:
        InvalidSetting: ``router-address``.
    """
    found = tuple(address(text, path=path, sockets=sockets) for text in as_list(texts))
    if not found or len(set(found)) != len(found):
        raise _address(", ".join(map(str, found)), path, "at least one address, each once")
    return found


def _address(text: str, path: str, expected: str) -> InvalidSetting:
    return refuse(expected, text, hint="for example 127.0.0.1:9901", path=(path,), code="router-address")


class Deadline:
    """What is left of the time that one call may take."""

    def __init__(self, seconds: float = DEADLINE) -> None:
        self._end = time.monotonic() + seconds

    def allows(self, seconds: float) -> bool:
        """Whether so much is left."""
        return self._end - time.monotonic() >= seconds

    def left(self) -> float:
        """Seconds left.

        Raises:
            TimeoutError: none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left


def ask(where: Address, question: bytes, deadline: Deadline, *, plugin: str) -> bytes:
    """Everything that is answered until the other side closes.

    Raises:
        Unavailable: ``router-forbidden``, ``router-unreachable``.
        BadReply: ``router-reply`` for an answer without end.
    """
    try:
        with _connected(where, deadline) as line:
            line.settimeout(deadline.left())
            line.sendall(question)
            return _everything(line, deadline, plugin)
    except PermissionError as error:
        raise Unavailable(
            f"expected to be let in at `{where}`, got: {_words(error)}",
            code="router-forbidden",
            hint="give the user that interlock runs as access to that socket, for example by its group",
            plugin=plugin,
        ) from error
    except OSError as error:
        raise Unavailable(
            f"expected an answer of the router at `{where}`, got: {_words(error)}",
            code="router-unreachable",
            hint="look whether it runs, and listens there for whoever steers it",
            plugin=plugin,
        ) from error


def _connected(where: Address, deadline: Deadline) -> socket.socket:
    if not where.path:
        return socket.create_connection((where.host, where.port), timeout=deadline.left())
    line = socket.socket(socket.AF_UNIX)
    try:
        line.settimeout(deadline.left())
        line.connect(where.path)
    except OSError:
        line.close()
        raise
    return line


def _everything(line: socket.socket, deadline: Deadline, plugin: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        line.settimeout(deadline.left())
        part = line.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > MOST:
            raise bad(f"an answer of at most {MOST} bytes", "more", plugin=plugin)


def _words(error: OSError) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()


def bad(expected: str, got: object, *, plugin: str) -> BadReply:
    """The error about an answer that cannot be understood."""
    return BadReply(
        f"expected {expected} from the router, got `{str(got)[:120]!a}`",
        code="router-reply",
        hint="look whether the address is that of the router, and of a version that interlock knows",
        plugin=plugin,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer. Header names are lowercase."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def http(where: Address, method: str, target: str, deadline: Deadline, *, plugin: str) -> Reply:
    """One HTTP request without a body.

    Raises:
        Unavailable, BadReply: as ``ask``.
    """
    host = f"[{where.host}]" if ":" in where.host else where.host
    fields = (f"host: {host}:{where.port}", "connection: close", "content-length: 0")
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *fields, "", ""))
    answer = ask(where, head.encode("ascii"), deadline, plugin=plugin)
    reply = HTTPResponse(_Heard(answer))  # type: ignore[arg-type]  # it only ever asks a socket for its file
    try:
        reply.begin()
        body = reply.read()
    except (HTTPException, OSError, ValueError) as error:
        raise bad("HTTP", answer[:60].decode("latin-1"), plugin=plugin) from error
    return Reply(status=reply.status, body=body, headers={name.lower(): text for name, text in reply.getheaders()})


class _Heard:
    """An answer that came already, where a socket is expected."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, mode: str) -> io.BytesIO:
        del mode
        return io.BytesIO(self._answer)


def json_object(body: bytes, *, plugin: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadReply: ``router-reply``.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad("JSON", body[:60].decode("latin-1"), plugin=plugin) from error
    if not isinstance(found, dict):
        raise bad("a JSON object", body[:60].decode("latin-1"), plugin=plugin)
    return found
