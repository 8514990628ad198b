"""Contenders with fixed thresholds, as Argo Rollouts and Flagger publish them.

Rules:
1. Both look at the last minute once a minute, and both count failed looks without ever taking one back.
2. Argo Rollouts (argoproj/argo-rollouts @ 9f8d111, docs/analysis/prometheus.md, docs/features/analysis.md,
   analysis/analysis.go): a metric fails the rollout when its failures exceed ``failureLimit: 3``. *documented*
   has the page's own conditions: success rate ≥ 0.95, latency < 1000 (ms); orders, which it does not know, get
   the same 0.95 of the canary's share of the control. *tuned* is what an operator who knows this service would
   write: errors at most twice the usual rate, p99 ≤ 500 ms, orders ≥ 0.95. It is the floor's "4 failures of 1
   min".
3. Flagger (fluxcd/flagger @ 15bd6ad, docs/gitbook/usage/how-it-works.md, usage/metrics.md,
   pkg/controller/scheduler.go): a look fails when any metric does, ``threshold: 10`` failed looks roll back;
   request-success-rate ≥ 99, request-duration (p99) ≤ 500 ms, orders ≥ 95 % of the share as a custom metric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from benchmarks.judge.streams import Streams

Looks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What a look at the last minute accepts, and how many failed looks stop the rollout."""

    success: float
    """Requests without an error, of all of them, at least."""
    slow: bool
    """Whether a p99 above 500 ms fails (a limit of 1000 ms is never met by this service)."""
    orders: float
    """The canary's orders over its share of the control's, at least."""
    failures: int
    together: bool
    """Whether a look fails as a whole, or each metric counts its own failures."""


ARGO = Thresholds(success=0.95, slow=False, orders=0.95, failures=4, together=False)
ARGO_TUNED = Thresholds(success=0.998, slow=True, orders=0.95, failures=4, together=False)
FLAGGER = Thresholds(success=0.99, slow=True, orders=0.95, failures=10, together=True)


def stops(streams: Streams, rules: Thresholds) -> npt.NDArray[np.float64]:
    """When they stop each rollout, seconds since its beginning; infinite where they never do."""
    failed = looks(streams, rules)
    if rules.together:
        failed = failed.any(axis=0, keepdims=True)
    enough = failed.cumsum(axis=2) >= rules.failures
    first = np.where(enough.any(axis=2), enough.argmax(axis=2) + 1, np.inf)
    return np.asarray(first.min(axis=0) * 60.0)


def looks(streams: Streams, rules: Thresholds) -> Looks:
    """Whether each metric failed, as metric × rollout × minute."""
    canary = {name: folded(streams, name)[:, :, 0] for name in ("orders", "errors", "requests", "slo")}
    control = folded(streams, "orders")[:, :, 1:].mean(axis=2)
    return np.stack(
        [
            canary["orders"] < rules.orders * control,
            canary["errors"] > (1 - rules.success) * canary["requests"],
            rules.slow & (canary["slo"] > 0.01 * canary["requests"]),
        ]
    )


def folded(streams: Streams, name: str) -> npt.NDArray[np.int64]:
    """A series by the minute."""
    ticks = round(60 / streams.setting.tick)
    counts = streams.series[name]
    whole = counts.shape[1] // ticks
    found = counts[:, : whole * ticks].reshape(len(counts), whole, ticks, -1).sum(axis=2)
    return np.asarray(found)
