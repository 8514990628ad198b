"""How a command speaks to interlock: always through the API, with a server or without one.

Rules:
1. With ``INTERLOCK_SERVER`` requests go there with ``INTERLOCK_TOKEN``. Without, the same operations run in this
   process over the SQLite file, for the principal ``local:<who>``; same table, same checks, same replies.
2. Every POST carries an idempotency key and is repeated under it when the answer was lost, at most twice.
3. An error reply becomes the error it tells, so that a command fails alike in both ways.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from interlock.config import Config
from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import plain
from interlock.core.change.errors import InterlockError, InvalidInput, Unavailable

TRIES = 3
TIMEOUT_SECONDS = 60.0
_ERROR = 400
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._:@-]{1,128}){1,8}")
MAX_ADDRESS = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A good reply."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  # JSON is whatever it is
        """The body."""
        return json.loads(self.content)

    @property
    def etag(self) -> str | None:
        """The record's version, to be sent back with ``if_match``."""
        return self.headers.get("etag")


class Wire(Protocol):
    """One way to the API. ``send`` raises ``Unavailable`` when there is no answer."""

    def send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """One request, one reply of any status."""

    def close(self) -> None:
        """Let go. Idempotent."""


class ReplyError(InterlockError):
    """An error that the API told, as it told it."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(
            str(told.get("detail", "expected an answer, got an error without words")),
            code=str(told.get("code", "server-error")),
            hint=str(told.get("hint", "look at the server's log")),
        )
        self.status = status
        self.instance = str(told.get("instance", ""))


class Client:
    """Requests in, records out."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def get(self, path: str, **query: str | int | None) -> Reply:
        """Read something."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self._send("GET", path, given, {}, b"")

    def post(
        self,
        path: str,
        body: object = None,
        *,
        if_match: str | None = None,
        key: str | None = None,
        tries: int = TRIES,
    ) -> Reply:
        """Do something, once, however often it has to be said, at most ``tries`` times."""
        headers = {"idempotency-key": key or secrets.token_hex(16)}
        if if_match is not None:
            headers["if-match"] = if_match
        content = b""
        if body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(plain(body), ensure_ascii=False).encode("utf-8", "surrogatepass")
        for _ in range(tries - 1):
            try:
                return self._send("POST", path, {}, headers, content)
            except Unavailable as error:
                if error.code != "answer-lost":
                    raise
        return self._send("POST", path, {}, headers, content)

    def close(self) -> None:
        """Let go of the connection or the database."""
        self._wire.close()

    def _send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Reply:
        _check(path)
        reply = self._wire.send(method, path, query, headers, body)
        if reply.status >= _ERROR:
            raise ReplyError(reply.status, _told(reply))
        return reply


def _check(path: str) -> None:
    # Ids typed by a person become part of the address; nothing else may.
    if not _PATH.fullmatch(path):
        raise InvalidInput(
            f"expected an id of letters, digits and `._:@-`, got one in `{path[:120]!a}`",
            code="path-parameter",
            hint="check the id you gave",
        )


def _told(reply: Reply) -> dict[str, Any]:
    try:
        told = json.loads(reply.content)
    except ValueError:
        told = None
    if isinstance(told, dict) and "code" in told:
        return told
    return {
        "detail": f"expected an interlock server, got status {reply.status} from something else",
        "code": "not-interlock",
        "hint": "check INTERLOCK_SERVER",
    }


def connect(config: Config, *, patience: float = TIMEOUT_SECONDS, tell: bool = True) -> Client:
    """A client for this configuration, which waits ``patience`` seconds for a server. The caller closes it.

    Where somebody went back without a ledger in reach, it is told of that first, unless not ``tell``.
    """
    client = Client(_wire(config, patience))
    if tell and os.access(config.home / "rollbacks" / "journal", os.R_OK):
        from interlock.doors.cli.rollbacks_told import hand_over  # noqa: PLC0415  # only after such a day

        hand_over(client, config.home)
    return client


def _wire(config: Config, patience: float) -> Wire:
    if config.server is not None:
        from interlock.doors.cli.wire_http import HttpWire  # noqa: PLC0415  # httpx is slow to import

        return HttpWire(config.server, config.token, patience=patience)
    from interlock.doors.cli.wire_local import LocalWire  # noqa: PLC0415  # a remote command needs no database

    return LocalWire(config, local_actor(config.root))


def local_actor(root: Path) -> Actor:
    """Whoever runs this process: all scopes of this machine's own database, no one's approval.

    The name is the address that git would write into a commit here, else the operating system's user: it is a
    claim, and a claim can only add an author.
    """
    return Actor(principal=f"local:{_git_address(root) or _user()}", kind="person", scopes=frozenset(Scope))


def _git_address(root: Path) -> str:
    command = ["git", "-C", str(root), "config", "--get", "user.email"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=5, text=True)  # noqa: S603  # fixed words
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout.strip()[:MAX_ADDRESS]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
