"""A real Prometheus on a free port with scrapes each second: thrown away afterwards, paused and killed at will.

Rules:
1. The program is Debian's ``prometheus`` or the first on the path; without it the start fails and says so.
2. It takes 5 s until it scrapes: its discovery waits that long, and nothing can be set about it.
3. What it scrapes is given at the start, and may be replaced while it runs (``targets``): groups of addresses with
   the labels that they get.
"""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from interlock.testing.programs import Program, free_port, program

_SCRAPED_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Addresses (``host:port``) that are scraped at ``path``, and what their series are labelled with."""

    addresses: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    path: str = "/metrics"
    job: str = "shop"


class Prometheus(Program):
    """One server. Use as a context manager; it returns when the server is ready.

    ``features`` are for ``--enable-feature``, ``web`` is a web configuration (users, TLS).
    """

    def __init__(
        self,
        targets: Sequence[Targets],
        *,
        interval: str = "1s",
        features: Sequence[str] = (),
        web: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__("prometheus")
        self._interval, self._features, self._web = interval, tuple(features), web
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.targets(targets)

    def command(self) -> Sequence[str | Path]:
        """See ``Program``."""
        command: list[str | Path] = [
            program("prometheus"),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]
        if self._features:
            command.append(f"--enable-feature={','.join(self._features)}")
        if self._web is not None:
            (self.folder / "web.yml").write_text(yaml.safe_dump(dict(self._web)), encoding="utf-8")
            command.append(f"--web.config.file={self.folder / 'web.yml'}")
        return command

    def ready(self) -> bool:
        """Whether it answers; one that asks for a password does."""
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1.0) as answer:  # noqa: S310  # our own address
                return bool(answer.status == 200)  # noqa: PLR2004  # HTTP's OK
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401  # noqa: PLR2004  # HTTP's unauthorized
        except OSError:
            return False

    def targets(self, groups: Sequence[Targets]) -> None:
        """Scrape these from now on, and drop what is not among them. A running server takes up to 5 s."""
        jobs: dict[tuple[str, str], list[object]] = {}
        for group in groups:
            one = {"targets": list(group.addresses), "labels": dict(group.labels)}
            jobs.setdefault((group.job, group.path), []).append(one)
        configuration = {
            "global": {"scrape_interval": self._interval, "scrape_timeout": self._interval},
            "scrape_configs": [
                {"job_name": job, "metrics_path": path, "static_configs": static}
                for (job, path), static in jobs.items()
            ],
        }
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
        if self.alive:
            os.kill(self.pid, signal.SIGHUP)

    def scraped(self, selector: str, series: int, *, samples: int = 2) -> None:
        """Wait until so many series of ``selector`` have at least so many samples each.

        Raises:
            RuntimeError: they have not within half a minute.
        """
        end = time.monotonic() + _SCRAPED_SECONDS
        while sum(count >= samples for count in self._samples(selector)) < series:
            if time.monotonic() > end:
                raise RuntimeError(f"expected {series} series of {selector}, got too few in time: {self.log()}")
            time.sleep(0.05)

    def _samples(self, selector: str) -> list[int]:
        query = urllib.parse.urlencode({"query": f"count_over_time({selector}[1m])"})
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=1.0) as answer:  # noqa: S310  # ours
                found = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            error.close()
            return []
        except OSError:
            return []
        return [int(float(each["value"][1])) for each in found]
