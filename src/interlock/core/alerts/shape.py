"""Series as they are when nothing is wrong: what an alert would see, step by step.

Rules:
1. A counter is kept as its increments, because only those can be changed without inventing the past; a gauge as
   its levels. What a counter lost by a reset is not made up: after one its value is its increment.
2. A step is the scrape interval. A step at which nothing was scraped is NaN.
3. Labels are as scraped, ``__name__`` apart from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from interlock.core.alerts.expression import LabelMatch, Selector

_COUNTERS = ("_total", "_count", "_sum", "_bucket", "_created")
MISSING = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One series. ``values`` are increments per step where ``counter``, which starts at ``first``, else levels."""

    metric: str
    labels: Mapping[str, str]
    counter: bool
    values: tuple[float, ...]
    first: float = 0.0

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What tells it from all others."""
        return self.metric, tuple(sorted(self.labels.items()))

    @property
    def name(self) -> str:
        """As PromQL writes it."""
        inner = ",".join(f'{label}="{quoted(value)}"' for label, value in sorted(self.labels.items()))
        return f"{self.metric}{{{inner}}}" if inner else self.metric


def quoted(value: str) -> str:
    """A label's value between PromQL's double quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def is_counter(metric: str, kind: str = "") -> bool:
    """Whether a metric only rises: by its type where that is known, else by its name."""
    if kind in {"counter", "histogram", "summary"}:
        return kind != "summary" or metric.endswith(_COUNTERS)
    return kind in {"", "unknown", "untyped"} and metric.endswith(_COUNTERS)


def captured(metric: str, labels: Mapping[str, str], samples: Sequence[float], *, counter: bool) -> Shape | None:
    """The shape of what was scraped, one sample a step; None of a counter with less than two."""
    if not counter:
        return Shape(metric=metric, labels=labels, counter=False, values=tuple(samples))
    known = [one for one in samples if not math.isnan(one)]
    if len(known) < 2:  # noqa: PLR2004  # one sample has no increment
        return None
    rises = tuple(_rise(before, after) for before, after in pairwise(samples))
    return Shape(metric=metric, labels=labels, counter=True, values=rises, first=known[0])


def selected(shapes: Iterable[Shape], selector: Selector, fits: Fits) -> list[Shape]:
    """Those that a selector means; ``fits`` says whether a regular expression fits a whole value."""
    return [shape for shape in shapes if _selects(selector, shape, fits)]


class Fits:
    """Whether a regular expression fits a whole value, as PromQL does: RE2, anchored at both ends."""

    def __call__(self, pattern: str, value: str) -> bool:
        """Whether it does; False for an expression that RE2 does not know."""
        import re2  # type: ignore[import-untyped]  # noqa: PLC0415  # the wheel has no types; only for expressions

        try:
            return re2.fullmatch(pattern, value) is not None
        except re2.error:
            return False


def _selects(selector: Selector, shape: Shape, fits: Fits) -> bool:
    if selector.metric and selector.metric != shape.metric:
        return False
    return all(_matches(match, shape, fits) for match in selector.matchers)


def _matches(match: LabelMatch, shape: Shape, fits: Fits) -> bool:
    value = shape.metric if match.label == "__name__" else shape.labels.get(match.label, "")
    if match.op in {"=", "!="}:
        return (value == match.value) is (match.op == "=")
    return fits(match.value, value) is (match.op == "=~")


def _rise(before: float, after: float) -> float:
    if math.isnan(before) or math.isnan(after):
        return MISSING
    return after - before if after >= before else after
