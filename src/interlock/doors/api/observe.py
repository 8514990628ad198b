"""What the server says about itself: one log line per request, and counters for Prometheus.

Rules:
1. No secret, no body and no query is ever logged: operation, status, time, request id, and the problem's code.
2. Log lines are JSON unless a person reads them on a terminal.
3. A fault's trace goes to the log under its request id and nowhere else.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from interlock.core.change.errors import InterlockError
from interlock.road.station import Station


class Observer(Protocol):
    """Told of every request. Must not raise and must not block."""

    def request(self, operation: str, status: int, seconds: float, request_id: str, body: bytes) -> None:
        """A request was answered."""

    def fault(self, request_id: str, path: str, error: Exception) -> None:
        """Something unexpected was raised."""

    def exposition(self, station: Station) -> tuple[bytes, str]:
        """The metrics and their media type."""


class SilentObserver:
    """Sees nothing: for an application without a server around it."""

    def request(self, operation: str, status: int, seconds: float, request_id: str, body: bytes) -> None:
        """Nothing."""

    def fault(self, request_id: str, path: str, error: Exception) -> None:
        """Nothing."""

    def exposition(self, station: Station) -> tuple[bytes, str]:
        """Nothing to show."""
        del station
        return b"", "text/plain"


class ServerObserver:
    """Logs with structlog and counts with prometheus-client, both imported only here: they are slow to load."""

    def __init__(self, *, as_json: bool) -> None:
        import prometheus_client as prometheus  # noqa: PLC0415  # slow to import; only a server needs it
        import structlog  # noqa: PLC0415  # likewise

        renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
        self._prometheus = prometheus
        self._registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "interlock_requests", "Requests answered.", ["operation", "status"], registry=self._registry
        )
        self._seconds = prometheus.Histogram(
            "interlock_request_seconds", "Time to answer, in seconds.", ["operation"], registry=self._registry
        )
        self._decisions = prometheus.Counter(
            "interlock_decisions", "Decisions given, by outcome.", ["outcome"], registry=self._registry
        )
        self._refusals = prometheus.Counter(
            "interlock_rule_refusals", "Rules that fired, by mode.", ["rule", "mode"], registry=self._registry
        )
        self._entries = prometheus.Gauge(
            "interlock_ledger_entries", "Entries under the newest checkpoint.", registry=self._registry
        )

    def request(self, operation: str, status: int, seconds: float, request_id: str, body: bytes) -> None:
        """Count and log."""
        self._requests.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)
        shown: dict[str, object] = {"operation": operation, "status": status, "ms": round(seconds * 1000, 1)}
        if status >= 400:  # noqa: PLR2004  # every error status is a problem with a code
            shown["code"] = json.loads(body).get("code")
        elif operation in {"gate", "check"}:
            self._decision(json.loads(body).get("decision") or {})
        self._log.info("request", request_id=request_id, **shown)

    def _decision(self, decision: dict[str, Any]) -> None:
        self._decisions.labels(str(decision.get("outcome", "unknown"))).inc()
        for mode, key in (("enforce", "reasons"), ("observe", "observed")):
            for reason in decision.get(key, ()):
                self._refusals.labels(str(reason["id"]), mode).inc()

    def fault(self, request_id: str, path: str, error: Exception) -> None:
        """Log the trace."""
        self._log.error("fault", request_id=request_id, path=path, exc_info=error)

    def exposition(self, station: Station) -> tuple[bytes, str]:
        """The metrics now; the ledger's size is read on asking."""
        try:
            self._entries.set(int(station.store.checkpoint().splitlines()[1]))
        except InterlockError:
            self._entries.set(float("nan"))
        return self._prometheus.generate_latest(self._registry), self._prometheus.CONTENT_TYPE_LATEST

    def worker_failed(self, rollout: str, error: BaseException) -> None:
        """The worker could not go on with a rollout (empty: with none in particular) and tries again.

        That another server has it now is no fault.
        """
        if not isinstance(error, InterlockError):
            self._log.error("rollout", rollout=rollout, exc_info=error)
            return
        level = self._log.warning if error.code == "lease-lost" else self._log.error
        level("rollout", rollout=rollout, exc_info=None, code=error.code, why=error.message)

    def started(self, address: str) -> None:
        """Say where it listens."""
        self._log.info("listening", address=address)
