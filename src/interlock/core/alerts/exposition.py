"""What a version of a service exposes: the names of its metrics, and the labels of its series.

Rules:
1. A metric is exposed when it has a sample or a ``TYPE`` line: one with labels has no sample before its first
   event. A histogram's and a counter's parts are exposed with it.
2. What Prometheus makes by itself (``up``, ``ALERTS``, what a scrape tells of itself) is nobody's to expose.
"""

from __future__ import annotations

from collections.abc import Mapping

ENDS = ("_total", "_bucket", "_count", "_sum", "_created", "_info")
_OWN = frozenset({"up", "ALERTS", "ALERTS_FOR_STATE"})


class Exposed:
    """The metrics of one version, and by metric the labels of each series."""

    def __init__(
        self, names: frozenset[str], series: Mapping[str, tuple[Mapping[str, str], ...]] | None = None
    ) -> None:
        self.names = names
        self.series = series or {}

    def __contains__(self, metric: str) -> bool:
        """Whether it exposes ``metric``, or Prometheus makes it."""
        if metric in self.names or metric in _OWN or metric.startswith("scrape_"):
            return True
        return any(metric.endswith(end) and metric.removesuffix(end) in self.names for end in ENDS)
