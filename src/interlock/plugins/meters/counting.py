"""What a page says of one metric in one arm: cumulative counts, or the one reason why there are none.

Rules:
1. All series that fit are added up; for latency, events above an edge are all events less those in the bucket up
   to that edge. An edge is a bucket's bound or it is refused: nothing is interpolated.
2. ``at`` is the oldest time that a series carries, where series carry times.
3. ``since`` is the process's start, else when the oldest of the series was created.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from interlock.plugins.meters.exposition import Page, Point, counts
from interlock.plugins.meters.matching import Labels, read_labels, series_name
from interlock.plugins.meters.reading import Section, one_of
from interlock.ports.meter import Arm, Counted

ARMS: tuple[Arm, ...] = ("canary", "control")
INF = float("inf")
KEYS = ("series", "histogram", "match", "canary", "control", "absent", "shard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One metric: the series or histogram, which of its series in each arm, and by which label they are shards."""

    metric: str
    name: str
    key: str
    edges: Mapping[str, float]
    labels: Mapping[Arm, Labels]
    absent_is_zero: bool
    shard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of one shard."""

    value: float
    at: float | None
    since: str
    above: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why a page counts nothing for a metric, and the ``key`` of the setting that is wrong."""

    code: str
    expected: str
    got: str
    hint: str
    key: str


def read_query(counted: Counted, what: str) -> Query:
    """The plan's section for one metric.

    Raises:
        InvalidSetting: unknown keys, neither or both of ``series`` and ``histogram``, edges without a histogram.
    """
    path = ("metrics", counted.name)
    section = Section(values=counted.query, what=f"metric `{counted.name}` of {what}", path=path)
    section.only(*KEYS)
    key = one_of(section, ("series", "histogram"))
    if (key == "histogram") != bool(counted.edges):
        expected = "`histogram` for a metric that has edges, else `series`"
        raise section.refuse(key, expected, section.values[key])
    section.choice("absent", ("zero", "missing"), "missing")
    return Query(
        metric=counted.name,
        name=series_name(section, key),
        key=key,
        edges={edge: edge_value(section, edge) for edge in counted.edges},
        labels={arm: read_labels(section, "match", arm) for arm in ARMS},
        absent_is_zero=section.values.get("absent") == "zero",
        shard=section.text("shard", ""),
    )


def edge_value(section: Section, edge: str) -> float:
    """An edge as a number of seconds."""
    try:
        value = float(edge)
    except ValueError:
        value = INF
    if not 0 < value < INF:
        raise section.refuse("histogram", "edges above 0 in seconds", edge, code="setting-range")
    return value


def tallies(page: Page, query: Query, arm: Arm) -> Mapping[str, Tally] | Missing:
    """Counts by shard (the empty name where no label tells shards apart), or why there are none."""
    every = [point for point in page.points.get(query.name, ()) if not point.name.endswith("_created")]
    labels = query.labels[arm]
    meant = [point for point in page.points.get(query.name, ()) if labels.fit(point.labels)]
    if problem := _problem(page, query, labels, every, meant):
        return problem
    by_shard: dict[str, list[Point]] = {} if query.shard else {"": []}
    for point in meant:
        by_shard.setdefault(point.labels.get(query.shard, ""), []).append(point)
    found: dict[str, Tally] = {}
    for shard, points in by_shard.items():
        tally = _histogram(points, query) if query.edges else _sum(points)
        if isinstance(tally, Missing):
            return tally
        found[shard] = Tally(value=tally.value, at=tally.at, since=page.started or tally.since, above=tally.above)
    return found


def _problem(
    page: Page, query: Query, labels: Labels, every: Sequence[Point], meant: Sequence[Point]
) -> Missing | None:
    kind = page.types.get(query.name)
    if kind is None and not every:
        if query.absent_is_zero:
            return None
        return _missing("series-missing", f"the series `{query.name}`", "none of that name", query.key)
    right = kind in {"histogram", None} if query.edges else counts(kind or "unknown", query.name)
    if not right:
        expected = "a histogram" if query.edges else "a counter"
        return _missing("series-type", f"{expected} at `{query.name}`", f"a {kind}", query.key)
    if not every or any(not point.name.endswith("_created") for point in meant):
        return None
    for name in labels.names:
        if not any(name in point.labels for point in every):
            known = sorted({label for point in every for label in point.labels if label != "le"})
            got = f"labels {', '.join(known)[:120]}" if known else "no labels"
            return _missing("label-unknown", f"the label `{name}` on `{query.name}`", got, "match")
    if query.absent_is_zero:
        return None
    shown = "; ".join(sorted({_shown(point, labels) for point in every}))[:160]
    return _missing("series-missing", f"a series of `{query.name}` that fits `match`", shown, "match")


def _missing(code: str, expected: str, got: str, key: str) -> Missing:
    hints = {
        "series-missing": "correct it, or say `absent: zero` where the series appears with its first event",
        "series-type": "name one that only grows",
        "label-unknown": "correct the label's name",
        "edge-missing": "name bounds that the histogram has",
    }
    return Missing(code=code, expected=expected, got=got, hint=hints[code], key=key)


def _shown(point: Point, labels: Labels) -> str:
    return ",".join(f'{name}="{point.labels.get(name, "")[:40]}"' for name in labels.names)


def _sum(points: Sequence[Point]) -> Tally:
    return Tally(
        value=sum(point.value for point in points if not point.name.endswith("_created")),
        at=min((point.at for point in points if point.at is not None), default=None),
        since=_created(points),
    )


def _histogram(points: Sequence[Point], query: Query) -> Tally | Missing:
    buckets: dict[float, float] = {}
    for point in points:
        if point.name.endswith("_bucket"):
            bound = float(point.labels.get("le", "nan"))
            buckets[bound] = buckets.get(bound, 0.0) + point.value
    if not buckets and not points:
        return Tally(value=0.0, at=None, since="", above=dict.fromkeys(query.edges, 0.0))
    for edge, bound in query.edges.items():
        if bound not in buckets:
            known = ", ".join(f"{each:g}" for each in sorted(buckets))
            got = f"the bounds {known[:120]}" if known else "no buckets"
            return _missing("edge-missing", f"a bucket of `{query.name}` up to {edge} s", got, "histogram")
    value = buckets.get(INF, 0.0)
    above = {edge: value - buckets[bound] for edge, bound in query.edges.items()}
    times = [point.at for point in points if point.at is not None]
    return Tally(value=value, at=min(times, default=None), since=_created(points), above=above)


def _created(points: Sequence[Point]) -> str:
    created = [point.value for point in points if point.name.endswith("_created")]
    return repr(min(created)) if created else ""
