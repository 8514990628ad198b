"""To the same operations in this process, without a server: no sockets, no event loop, no web framework.

Rules:
1. The state is opened with the first request that needs it, and made only by one that begins it: a command that
   reads in a wrong folder is told so and leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping

from interlock.bootstrap import Interlock, build, unbegun
from interlock.config import Config
from interlock.core.approval.actor import Actor
from interlock.core.change.canonical import canonical
from interlock.core.change.errors import NotFound
from interlock.doors.api import dispatch
from interlock.doors.api.lookup import lookup
from interlock.doors.api.problems import refused
from interlock.doors.api.surface import Operation
from interlock.doors.cli.client import Reply
from interlock.road.station import Station


class LocalWire:
    """The embedded application over the configured database."""

    def __init__(self, config: Config, actor: Actor) -> None:
        self._config = config
        self._actor = actor
        self._opened: Interlock | None = None

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
        done = dispatch.answer(self._station(operation), operation, parameters, request)
        return Reply(status=done.status, headers=done.headers, content=done.body)

    def close(self) -> None:
        """Finish what was accepted and close the database."""
        if self._opened is not None:
            self._opened.close()

    def _station(self, operation: Operation) -> Station:
        if self._opened is None:
            try:
                self._opened = build(self._config, begin=operation.begins)
            except NotFound as error:
                if error.code != "state-missing" or not operation.stateless:
                    raise
                return unbegun(self._config)
        return self._opened.station
