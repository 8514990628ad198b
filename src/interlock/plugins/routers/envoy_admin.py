"""Envoy's admin interface, as far as a router needs it. Nothing is decided here.

Rules:
1. Statistics are asked for by a pattern of exact names: an Envoy may have a hundred thousand.
2. A run of Envoy is named by the moment at which it loaded its bootstrap, to the millisecond. That stands in its
   configuration, and writing this out keeps its main thread busy; so it is asked for again only when Envoy did not
   answer meanwhile, the uptime or a counter went back, or uptime and clock went apart.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from interlock.core.change.errors import Rejected, Unavailable
from interlock.plugins.routers.wire import Address, Deadline, Reply, bad, http, json_object

_OK = 200
_UPTIME = "server.uptime"
_APART = 15.0
"""Seconds by which the uptime, which Envoy writes down every five, and the clock may go apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Counters by their whole names, read ``at`` (Unix seconds) from the ``run`` of that name."""

    values: Mapping[str, int]
    at: float
    run: str

    def lives_on(self, values: Mapping[str, int], at: float) -> bool:
        """Whether later ``values`` can be of the same run."""
        before, now = self.values.get(_UPTIME, 0), values.get(_UPTIME, 0)
        grown = all(values.get(name, 0) >= value for name, value in self.values.items())
        return grown and abs((at - now) - (self.at - before)) < _APART


class EnvoyAdmin:
    """One admin interface. Safe between threads."""

    def __init__(self, where: Address, *, plugin: str) -> None:
        self._where, self._plugin = where, plugin
        self._last: Counted | None = None

    def runtime(self, deadline: Deadline) -> tuple[Sequence[str], Mapping[str, Mapping[str, Any]]]:
        """The layers by name, and each key that is set: ``final_value`` and ``layer_values``."""
        found = self._json("/runtime?format=json", deadline)
        layers, entries = found.get("layers"), found.get("entries")
        if not isinstance(layers, list) or not isinstance(entries, dict):
            raise bad("the runtime of Envoy", str(found), plugin=self._plugin)
        return layers, cast("Mapping[str, Mapping[str, Any]]", entries)

    def modify(self, values: Mapping[str, int], deadline: Deadline) -> None:
        """Set keys of the runtime's admin layer, all in one request.

        Raises:
            Rejected: ``router-rejected``.
        """
        query = "&".join(f"{quote(key, safe='')}={value}" for key, value in values.items())
        reply = self._get(f"/runtime_modify?{query}", deadline, method="POST")
        if reply.status != _OK or reply.body.strip() != b"OK":
            said = reply.body.decode("utf-8", "replace").strip().lower()
            raise Rejected(
                f"expected Envoy to take the weights, got status {reply.status}: {said[:160]!a}",
                code="router-rejected",
                hint="give it an `admin_layer` as the last of `layered_runtime`",
                plugin=self._plugin,
            )

    def counters(self, names: Sequence[str], deadline: Deadline) -> Counted:
        """Counters by their whole names; one that Envoy does not have is absent."""
        pattern = quote(f"^({'|'.join(map(re.escape, (*names, _UPTIME)))})$", safe="")
        values, at = self._values(pattern, deadline)
        last = self._last
        if last is not None and last.lives_on(values, at):
            run = last.run
        else:
            run = self._run(deadline)
            values, at = self._values(pattern, deadline)  # those before may be another run's
        self._last = Counted(values=values, at=at, run=run)
        return self._last

    def _values(self, pattern: str, deadline: Deadline) -> tuple[dict[str, int], float]:
        reply = self._checked(self._get(f"/stats?filter={pattern}", deadline))
        lines = (line.rpartition(": ") for line in reply.body.decode("utf-8", "replace").splitlines())
        return {name: int(value) for name, _, value in lines if value.isascii() and value.isdigit()}, time.time()

    def routes(self, deadline: Deadline) -> list[dict[str, Any]]:
        """Every route configuration that was loaded, from the file or over the network."""
        kinds = ("static_route_configs", "dynamic_route_configs")
        dumps = [each for kind in kinds for each in self._configs(f"resource={kind}", deadline)]
        return [each["route_config"] for each in dumps if isinstance(each.get("route_config"), dict)]

    def layers(self, deadline: Deadline) -> list[dict[str, Any]]:
        """The layers of the runtime as they were configured."""
        for each in self._configs("mask=bootstrap.layered_runtime", deadline):
            found = each.get("bootstrap", {}).get("layered_runtime", {}).get("layers", [])
            if found:
                return list(found)
        return []

    def _run(self, deadline: Deadline) -> str:
        for each in self._configs("mask=last_updated", deadline):
            if str(each.get("@type")).endswith(".BootstrapConfigDump"):
                return str(each.get("last_updated"))
        raise bad("the bootstrap of Envoy", "none", plugin=self._plugin)

    def _configs(self, query: str, deadline: Deadline) -> list[dict[str, Any]]:
        found = self._json(f"/config_dump?{query}", deadline).get("configs", [])
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def _json(self, target: str, deadline: Deadline) -> dict[str, Any]:
        return json_object(self._checked(self._get(target, deadline)).body, plugin=self._plugin)

    def _checked(self, reply: Reply) -> Reply:
        if reply.status != _OK:
            raise bad("the admin interface of Envoy", f"status {reply.status}", plugin=self._plugin)
        return reply

    def _get(self, target: str, deadline: Deadline, *, method: str = "GET") -> Reply:
        try:
            return http(self._where, method, target, deadline, plugin=self._plugin)
        except Unavailable:
            self._last = None  # whoever answers next may be another run
            raise
