"""nginx (Debian's package) before a service of two versions.

Rules:
1. The split is the file that the router writes, at 0 % to begin with; see ``interlock.plugins.routers.nginx``.
2. It runs with a configuration, a folder and a log of its own, and as whoever runs the tests.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from interlock.plugins.routers.nginx_split import Split, split_text
from interlock.testing.programs import free_ports, program
from interlock.testing.proxies.proxy import LOCAL, Proxy, listens

CANARY, CONTROL = "shop-canary", "shop-control"
VARIABLE = "shop_arm"


class Nginx(Proxy):
    """One nginx with two workers. ``key`` is what is split by."""

    router = "nginx"

    def __init__(self, *, canary: int, control: Sequence[int], key: str = "$request_id") -> None:
        super().__init__("nginx", canary=canary, control=control)
        self.port, self._status_port = free_ports(2)
        self.split_file = self.folder / "split.conf"
        self.split_log = self.folder / "split.log"
        self._key = key

    @property
    def settings(self) -> Mapping[str, object]:
        """Settings of the router ``nginx``."""
        place = str(self.folder / "nginx.conf")
        asked = [str(program("nginx")), "-e", str(self.log_file), "-c", place]
        return {
            "file": str(self.split_file),
            "log": str(self.split_log),
            "status": f"{LOCAL}:{self._status_port}",
            "canary": CANARY,
            "control": CONTROL,
            "variable": VARIABLE,
            "key": self._key,
            "test": [*asked, "-t"],
            "reload": [*asked, "-s", "reload"],
        }

    def command(self) -> Sequence[str | Path]:
        """Write the configuration and say how nginx is started with it."""
        place = self.folder / "nginx.conf"
        place.write_text(self._configuration(), encoding="utf-8")
        if not self.split_file.exists():
            status = f"{LOCAL}:{self._status_port}"
            split = Split(variable=VARIABLE, key=self._key, canary=CANARY, control=CONTROL, status=status)
            self.split_file.write_text(split_text(split, 0.0), encoding="utf-8")
        return (program("nginx"), "-e", self.log_file, "-c", place, "-g", "daemon off;")

    def ready(self) -> bool:
        """Whether it takes traffic and answers for its split."""
        return listens(self.port) and listens(self._status_port)

    def _configuration(self) -> str:
        upstreams = "\n".join((_upstream(CANARY, (self.canary,)), _upstream(CONTROL, self.control)))
        temporary = "\n".join(
            f"  {kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.geteuid() == 0 else ""
        return f"""{user}worker_processes 2;
pid {self.folder}/nginx.pid;
error_log {self.log_file} warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
{temporary}
  include {self.split_file};
{upstreams}
  server {{
    listen {LOCAL}:{self.port};
    location / {{
      proxy_pass http://${VARIABLE};
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_connect_timeout 1s;
      access_log {self.split_log} {VARIABLE};
    }}
  }}
}}
"""


def _upstream(name: str, ports: Sequence[int]) -> str:
    servers = " ".join(f"server {LOCAL}:{port} max_fails=0;" for port in ports)
    return f"  upstream {name} {{ {servers} keepalive 16; }}"
