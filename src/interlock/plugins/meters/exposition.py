"""From the text that a service exposes to the few series that are counted: Prometheus text 0.0.4 and OpenMetrics.

Rules:
1. Only lines whose name matters are parsed, by prometheus_client's own parsers; a page of a thousand series costs
   little then.
2. A page that does not end as its format demands was cut off, and nothing of it counts.
3. A family that is declared and has no series yet counts zero: the source knows it. One that has series, of which
   none is meant, is not zero but missing, unless the plan says ``absent: zero``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

START = "process_start_time_seconds"
OPEN_METRICS = "application/openmetrics-text"
ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5"
_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created")
_COUNTERS = {
    "counter": ("_total", ""),
    "unknown": ("",),
    "untyped": ("",),
    "histogram": ("_count", "_bucket"),
    "summary": ("_count",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One series of a page. ``at`` is the source's own time where it gives one."""

    name: str
    labels: Mapping[str, str]
    value: float
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was asked for of one page: points by the name that was asked for, and each name's declared type."""

    points: Mapping[str, Sequence[Point]]
    types: Mapping[str, str]
    started: str
    """When the process began, where the page says so."""


def read_page(body: bytes, media: str, names: Iterable[str]) -> Page:
    """The series of these names (of a histogram the name without its suffix).

    Raises:
        ValueError: no page of either format, or one that was cut off.
    """
    wanted = frozenset(names)
    strict = media.startswith(OPEN_METRICS)
    if strict and not body.endswith(b"# EOF\n") and not body.endswith(b"# EOF"):
        raise ValueError("it does not end in `# EOF`: it was cut off")
    if body and not body.endswith(b"\n") and not strict:
        raise ValueError("it does not end in a line feed: it was cut off")
    text = _relevant(body, wanted)
    families: Iterable[Metric] = (
        open_metrics(f"{text}# EOF\n") if strict else plain_text(text)  # type: ignore[no-untyped-call]  # no types
    )
    points: dict[str, list[Point]] = {name: [] for name in wanted}
    types: dict[str, str] = {}
    started = ""
    for family in families:
        started = _start(family) or started
        for name in wanted:
            if family.name == f"{_stem(name)}_created":
                points[name] += _points(family, name)
            elif name in _names(family):
                types[name] = family.type
                points[name] += _points(family, name)
    return Page(points=points, types=types, started=started)


def counts(kind: str, family: str) -> bool:
    """Whether a series of this name and declared type only grows."""
    return any(suffix == "" or family.endswith(suffix) for suffix in _COUNTERS.get(kind, ()))


def _relevant(body: bytes, wanted: frozenset[str]) -> str:
    stems = {START, *wanted, *(name.removesuffix(end) for name in wanted for end in _SUFFIXES)}
    named = tuple(sorted(stem.encode() for stem in stems))
    declared = tuple(b"# TYPE " + name for name in named)
    exact = {name.encode() + end.encode() for name in stems for end in ("", *_SUFFIXES)}
    kept: list[bytes] = []
    for line in body.split(b"\n"):
        if line.startswith(named):
            if line[: _name_end(line)] in exact:
                kept.append(line)
        elif line.startswith(declared) and line.split(b" ", 3)[2] in exact:
            kept.append(line)
    return b"\n".join([*kept, b""]).decode("utf-8")


def _name_end(line: bytes) -> int:
    ends = [place for mark in (b"{", b" ", b"\t") if (place := line.find(mark)) >= 0]
    return min(ends, default=len(line))


def _names(family: Metric) -> set[str]:
    """By which names a family is asked for: a histogram without suffix, everything else by its series' name."""
    return {family.name, *(family.name + end for end in ("_total", "_count", "_bucket"))}


def _stem(name: str) -> str:
    return next((name.removesuffix(end) for end in ("_total", "_count", "_bucket") if name.endswith(end)), name)


def _start(family: Metric) -> str:
    if family.name != START:
        return ""
    return next((repr(sample.value) for sample in family.samples if not sample.labels), "")


def _points(family: Metric, name: str) -> Iterable[Point]:
    of_histogram = family.type == "histogram" and name == family.name
    for sample in family.samples:
        # The plain parser calls a counter `x` that was declared without its suffix `x_total`.
        meant = sample.name == name or (family.type == "counter" and sample.name == f"{name}_total")
        if meant or of_histogram or sample.name.endswith("_created"):
            at = None if sample.timestamp is None else float(sample.timestamp)
            yield Point(name=sample.name, labels=sample.labels, value=sample.value, at=at)
