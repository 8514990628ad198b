"""From the text that a service exposes to the few series that are counted: Prometheus text 0.0.4 and OpenMetrics.

Rules:
1. Only lines whose name matters are looked at. Names and labels are read by prometheus_client's own parser, once
   for each series: they are the same in the next scrape, and only the numbers differ.
2. A page that does not end as its format demands was cut off, and nothing of it counts.
3. A family that is declared and has no series yet counts zero: the source knows it. One that has series, of which
   none is meant, is not zero but missing, unless the plan says ``absent: zero``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client.parser import text_string_to_metric_families

START = "process_start_time_seconds"
OPEN_METRICS = "application/openmetrics-text"
ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5"
_SERIES = re.compile(rb'([A-Za-z_:][A-Za-z0-9_:]*)(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})?(?=[ \t])')
_TYPE = b"# TYPE "
_MOST_PARTS = 2
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
    if strict and not body.rstrip(b"\n").endswith(b"# EOF"):
        raise ValueError("it does not end in `# EOF`: it was cut off")
    if body and not body.endswith(b"\n") and not strict:
        raise ValueError("it does not end in a line feed: it was cut off")
    asked = _asked(wanted)
    starts = tuple(sorted(asked))
    points: dict[str, list[Point]] = {name: [] for name in (*wanted, START)}
    declared: dict[str, str] = {}
    for line in body.split(b"\n"):
        if line.startswith(starts):
            found = _SERIES.match(line)
            if found is None:
                raise ValueError(f"a line that is no sample: {line[:60].decode(errors='replace')}")
            for name in asked.get(found[1], ()):
                points[name].append(_point(found[0], line[found.end() :], strict=strict))
        elif line.startswith(_TYPE):
            parts = line[len(_TYPE) :].split()
            if len(parts) == _MOST_PARTS:
                declared[parts[0].decode(errors="replace")] = parts[1].decode(errors="replace")
    types = {name: declared.get(name) or declared.get(_stem(name)) for name in wanted}
    started = next((repr(point.value) for point in points.pop(START) if not point.labels), "")
    return Page(points=points, types={name: kind for name, kind in types.items() if kind}, started=started)


def counts(kind: str, family: str) -> bool:
    """Whether a series of this name and declared type only grows."""
    return any(suffix == "" or family.endswith(suffix) for suffix in _COUNTERS.get(kind, ()))


def _asked(wanted: frozenset[str]) -> dict[bytes, list[str]]:
    """For each name that a sample can have, which of the wanted names it belongs to."""
    found: dict[bytes, list[str]] = {START.encode(): [START]}
    for name in sorted(wanted):
        for sample in dict.fromkeys((name, f"{name}_bucket", f"{name}_count", f"{_stem(name)}_created")):
            found.setdefault(sample.encode(), []).append(name)
    return found


def _stem(name: str) -> str:
    return next((name.removesuffix(end) for end in ("_total", "_count", "_bucket") if name.endswith(end)), name)


def _point(series: bytes, rest: bytes, *, strict: bool) -> Point:
    numbers = rest.split(b" # ", 1)[0].split()
    if not 1 <= len(numbers) <= _MOST_PARTS:
        raise ValueError(f"a sample without a number: {series[:60].decode(errors='replace')}")
    name, labels = _named(series)
    at = float(numbers[1]) / (1.0 if strict else 1000.0) if len(numbers) == _MOST_PARTS else None
    return Point(name=name, labels=labels, value=float(numbers[0]), at=at)


@lru_cache(maxsize=20_000)
def _named(series: bytes) -> tuple[str, Mapping[str, str]]:
    """Name and labels of a series as it stands in a page."""
    families = text_string_to_metric_families(f"{series.decode()} 0\n")
    sample = next(iter(families)).samples[0]
    return str(sample.name), dict(sample.labels)
