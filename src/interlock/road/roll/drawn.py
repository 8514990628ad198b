"""Recorded ticks as they are drawn for people."""

from __future__ import annotations

from collections.abc import Iterable

from interlock.core.judge.record import Said
from interlock.core.judge.tick import Counts, Observed
from interlock.road.roll.live import RECENT, RecentMetric, RecentTick


def recent_of(said: Said, weight: float) -> RecentTick:
    """One tick as it is drawn."""
    tick = said.tick
    metrics = {
        name: RecentMetric(
            kind=seen.kind, canary=counts.canary, expected=_expected(counts, tick.share), edge=_edge(seen)
        )
        for name, seen in tick.metrics.items()
        if (counts := _counts(seen)) is not None
    }
    return RecentTick(t=tick.t, weight=weight, log_e=said.log_e or 0.0, discard=tick.discard, metrics=metrics)


def last(ticks: Iterable[RecentTick]) -> tuple[RecentTick, ...]:
    """As many as a picture holds."""
    return tuple(ticks)[-RECENT:]


def _edge(seen: Observed) -> str:
    edges = list(seen.buckets)
    return edges[len(edges) // 2] if edges else ""


def _counts(seen: Observed) -> Counts | None:
    return seen.counts if seen.counts is not None else seen.buckets.get(_edge(seen))


def _expected(counts: Counts, share: float) -> float:
    return sum(counts.control) * share / (1.0 - share) if share < 1.0 else float(counts.canary)
