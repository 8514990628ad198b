"""What is measured on real processes, and the goals.

Rules:
1. 300 orders a second, every request an order, ticks of 1 s; one canary beside three instances of the running
   version, so each control instance serves a third of what the canary does not.
2. A case is the same for both proxies. Through Prometheus, which scrapes each second, one case is enough to tell
   what the detour costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from interlock.testing.stack.behaviour import Behaviour

RATE = 300.0
RUNNING = Behaviour(version="running")
FAULTS = {
    "orders lost": replace(RUNNING, lost=0.99),
    "crash": replace(RUNNING, crash="first-request"),
    "latency ×3": replace(RUNNING, slower=3.0),
    "errors 0.1 → 5 %": replace(RUNNING, errors=0.05),
}
SECONDS = {
    "orders lost": (5.0, 5.0),
    "crash": (5.0, 5.0),
    "latency ×3": (5.0, 5.0),
    "errors 0.1 → 5 %": (20.0, 6.0),
}
"""Goals for the median, at 1 % and at 5 %."""
MOST_LOST = 10.0
"""Orders, at 1 %, where orders are what is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One stack with one plan; all its cases are run on it in turn."""

    proxy: str
    percent: float
    meter: str = "scrape"
    faults: Sequence[str] = field(default=tuple(FAULTS))

    @property
    def name(self) -> str:
        """As rows name it."""
        through = "" if self.meter == "scrape" else f" through {self.meter}"
        return f"{self.proxy}, {self.percent:g} %{through}"


PLACES = (
    *(Place(proxy=proxy, percent=percent) for proxy in ("envoy", "haproxy") for percent in (1.0, 5.0)),
    *(
        Place(proxy=proxy, percent=1.0, meter="prometheus", faults=("orders lost",))
        for proxy in ("envoy", "haproxy")
    ),
)


def goal(case: str, place: Place) -> float:
    """Seconds that the median may have."""
    return SECONDS[case][place.percent > 1] + (1.0 if place.meter == "prometheus" else 0.0)
