"""From raw series to counts by shard: sums at one moment, events above an edge, the past in steps."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from interlock.plugins.meters.counting import INF
from interlock.plugins.meters.prom_query import PromQuery
from interlock.plugins.meters.promql import Raw
from interlock.ports.meter import History

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Counts of one shard at one moment."""

    value: float
    at: float
    above: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One series of a shard, as cumulative points: ``edge`` is empty for all events.

    ``whole`` marks all events where they stand for those above an edge, before a bucket is taken off.
    """

    edge: str
    sign: int
    points: Points
    whole: bool = False


def newest(raw: Raw) -> float | None:
    """The moment of the newest sample."""
    times = [at for at, _ in (*raw.points[-1:], *raw.natives[-1:])]
    return max(times, default=None)


def amounts(raws: Iterable[Raw], query: PromQuery) -> dict[str, Amount]:
    """Counts by shard. A shard of which an edge has no bucket is left out."""
    found: dict[str, Amount] = {}
    for shard, parts in _by_shard(raws, query).items():
        at = min(part.points[-1][0] for part in parts)
        sums = dict.fromkeys(("", *query.edges), 0.0)
        for part in parts:
            sums[part.edge] += part.sign * _at(part.points, at)
        if all(math.isfinite(value) and value >= 0 for value in sums.values()):
            found[shard] = Amount(value=sums[""], at=at, above={edge: sums[edge] for edge in query.edges})
    return found


def bounds(raws: Iterable[Raw]) -> set[float]:
    """The bounds of the classic buckets among these series."""
    return {_bound(raw) for raw in raws if "le" in raw.labels}


def histories(raws: Iterable[Raw], query: PromQuery, *, start: float, step: float, steps: int) -> list[History]:
    """What each shard counted in each step after ``start``."""
    found: list[History] = []
    for shard, parts in sorted(_by_shard(raws, query).items()):
        for edge in query.edges or ("",):
            counted = [part for part in parts if part.edge == edge]
            levels = [_level(counted, start + number * step, step) for number in range(steps + 1)]
            counts = tuple(_between(old, new) for old, new in pairwise(levels))
            found.append(History(metric=query.metric, shard=shard, step=step, counts=counts, edge=edge))
    return found


def _by_shard(raws: Iterable[Raw], query: PromQuery) -> dict[str, list[Part]]:
    """The parts of each shard, without the shards that lack a bucket for an edge."""
    found: dict[str, list[Part]] = {}
    for raw in raws:
        if raw.points or raw.natives:
            found.setdefault(raw.labels.get(query.shard, ""), []).extend(_parts(raw, query))
    wanted = {"", *query.edges}
    return {
        shard: parts for shard, parts in found.items() if {part.edge for part in parts if not part.whole} == wanted
    }


def _parts(raw: Raw, query: PromQuery) -> list[Part]:
    if not query.edges:
        return [Part(edge="", sign=1, points=raw.points)] if raw.points else []
    if raw.natives:
        every = Part(edge="", sign=1, points=[(at, each.count) for at, each in raw.natives])
        return [every, *(_native_part(raw, edge, bound) for edge, bound in query.edges.items())]
    bound = _bound(raw)
    if bound == INF:
        return [Part(edge=edge, sign=1, points=raw.points, whole=bool(edge)) for edge in ("", *query.edges)]
    return [Part(edge=edge, sign=-1, points=raw.points) for edge, value in query.edges.items() if value == bound]


def _native_part(raw: Raw, edge: str, bound: float) -> Part:
    return Part(edge=edge, sign=1, points=[(at, each.above(bound)) for at, each in raw.natives])


def _bound(raw: Raw) -> float:
    try:
        return float(raw.labels.get("le", "nan"))
    except ValueError:
        return math.nan


def _at(points: Points, at: float) -> float:
    """The count at a moment, evenly risen between two samples; that of the first before it."""
    right = bisect_right(points, (at, INF))
    if right == 0:
        return points[0][1]
    (begun, old) = points[right - 1]
    if begun == at or right == len(points):
        return old
    (end, new) = points[right]
    return old + (new - old) * (at - begun) / (end - begun) if new >= old else old


def _level(parts: Sequence[Part], at: float, step: float) -> float | None:
    """The sum of parts at a step of a range query, None where one has no value there."""
    total = 0.0
    for part in parts:
        right = bisect_right(part.points, (at + step / 2, INF))
        if right == 0 or abs(part.points[right - 1][0] - at) > step / 2:
            return None
        total += part.sign * part.points[right - 1][1]
    return total if parts else None


def _between(old: float | None, new: float | None) -> int | None:
    return None if old is None or new is None or new < old else round(new - old)
