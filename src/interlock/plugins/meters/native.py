"""Native histograms as Prometheus' API shows them: buckets that appear where there are observations.

Rules:
1. Events above an edge are those of all buckets beyond it. Where the edge lies inside a bucket, as much of it
   counts as lies above, taken as even: at the usual resolution a bucket is 9 % wide. An edge that is a power of
   two (0.25, 0.5, 1 …) is a bound at every resolution from 0 up, and exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """All events, and how many lie between two bounds each."""

    count: float
    buckets: Sequence[tuple[float, float, float]]

    def above(self, edge: float) -> float:
        """Events above ``edge``."""
        return sum(_part(edge, low, high) * count for low, high, count in self.buckets)


def read_native(body: Mapping[str, object]) -> Native:
    """A histogram as it stands in an answer: ``{count, sum, buckets: [[rule, left, right, count], …]}``.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    rows = body.get("buckets", ())
    if not isinstance(rows, list | tuple):
        raise TypeError("buckets are no list")
    buckets = [(float(low), float(high), float(count)) for _, low, high, count in rows]
    return Native(count=float(str(body["count"])), buckets=buckets)


def _part(edge: float, low: float, high: float) -> float:
    if edge <= low or math.isclose(edge, low, rel_tol=1e-9):
        return 1.0
    if edge >= high or math.isclose(edge, high, rel_tol=1e-9):
        return 0.0
    return 0.0 if math.isinf(high) else (high - edge) / (high - low)
