"""HAProxy (Debian's package) before a service of two versions.

Rules:
1. ``retries 0``: a connection that a crashed canary refuses is an error, not a request for somebody else.
2. The canary starts with weight 0, and every other server is the control.
3. ``metrics`` is HAProxy's own exporter of its statistics, for Prometheus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from interlock.testing.programs import free_ports, program
from interlock.testing.proxies.proxy import LOCAL, Proxy, listens

BACKEND = "shop"


class HAProxy(Proxy):
    """One HAProxy. ``defaults`` and ``backend`` are further lines of these sections, ``server`` of each server.

    ``level`` is what the runtime socket permits: ``admin``, ``operator`` or ``user``.
    """

    router = "haproxy"

    def __init__(
        self,
        *,
        canary: int,
        control: Sequence[int],
        defaults: Sequence[str] = ("retries 0",),
        backend: Sequence[str] = ("balance roundrobin",),
        server: str = "",
        level: str = "admin",
    ) -> None:
        super().__init__("haproxy", canary=canary, control=control)
        self.port, self._metrics_port = free_ports(2)
        self.socket = self.folder / "runtime.sock"
        self._defaults, self._backend, self._server, self._level = defaults, backend, server, level

    @property
    def settings(self) -> Mapping[str, object]:
        """Settings of the router ``haproxy``."""
        return {"socket": str(self.socket), "backend": BACKEND, "canary": "canary"}

    @property
    def metrics(self) -> str:
        """The address of the exporter."""
        return f"http://{LOCAL}:{self._metrics_port}/metrics"

    def command(self) -> Sequence[str | Path]:
        """Write the configuration and say how HAProxy is started with it."""
        place = self.folder / "haproxy.cfg"
        place.write_text(self._configuration(), encoding="utf-8")
        return (program("haproxy"), "-db", "-f", place)

    def ready(self) -> bool:
        """Whether it takes traffic and has a socket."""
        return self.socket.exists() and listens(self.port)

    def _configuration(self) -> str:
        servers = [f"server canary {LOCAL}:{self.canary} weight 0 {self._server}"]
        servers += [
            f"server control-{number} {LOCAL}:{port} weight 100 {self._server}"
            for number, port in enumerate(self.control, 1)
        ]
        timeouts = ("timeout connect 1s", "timeout client 30s", "timeout server 30s")
        sections = {
            "global": (f"stats socket {self.socket} mode 600 level {self._level}", "stats timeout 5s"),
            "defaults": ("mode http", *timeouts, *self._defaults),
            "frontend traffic": (f"bind {LOCAL}:{self.port}", f"default_backend {BACKEND}"),
            f"backend {BACKEND}": (*self._backend, *servers),
            "frontend exporter": (
                f"bind {LOCAL}:{self._metrics_port}",
                "http-request use-service prometheus-exporter if { path /metrics }",
            ),
        }
        return "\n".join(f"{name}\n" + "".join(f"  {x}\n" for x in lines) for name, lines in sections.items())
