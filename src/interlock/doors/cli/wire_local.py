"""To the same operations in this process, without a server: no sockets, no event loop, no web framework."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.bootstrap import build
from interlock.config import Config
from interlock.core.approval.actor import Actor
from interlock.core.change.canonical import canonical
from interlock.doors.api import dispatch
from interlock.doors.api.lookup import lookup
from interlock.doors.api.problems import refused
from interlock.doors.cli.client import Reply


class LocalWire:
    """The embedded application over the configured database."""

    def __init__(self, config: Config, actor: Actor) -> None:
        self._interlock = build(config)
        self._actor = actor

    def send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """One request, one reply."""
        found = lookup(method, path)
        if isinstance(found, list):
            got = f"expected a known address, got `{path[:80]}`"
            told = refused(404, "path-unknown", got, "report it", "local")
            return Reply(status=404, headers={}, content=canonical(told))
        operation, parameters = found
        request = dispatch.Request(
            method=method, path=path, query=query, headers=headers, body=body, local=self._actor
        )
        done = dispatch.answer(self._interlock.station, operation, parameters, request)
        return Reply(status=done.status, headers=done.headers, content=done.body)

    def close(self) -> None:
        """Finish what was accepted and close the database."""
        self._interlock.close()
