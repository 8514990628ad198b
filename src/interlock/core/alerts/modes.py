"""Failure modes: what a failure does to series that are healthy.

Rules:
1. Increments are changed, never counters; levels where a series is a gauge. One factor serves all buckets of a
   histogram, or its rate would contradict its quantiles.
2. A failure changes what its selectors mean and nothing else: that everything else stays healthy is the question.
3. Errors are moved from good answers to bad ones: the requests stay as many. Where no series counts bad ones yet,
   one is there at 0 from the beginning, as a service that knows its own errors would have it.
4. A selector that names a histogram means all of its parts.
5. A mode whose selectors mean no series says so: nobody can be told of what nobody measures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from interlock.core.alerts.expression import Selector
from interlock.core.alerts.shape import MISSING, Fits, Shape, selected

ModeKind = Literal["drop", "errors", "slow", "saturation", "silent", "wrong"]
BAD = {"code": "5..", "status": "5..", "status_code": "5..", "response_code": "5..", "http_status_code": "5.."}
"""Labels that tell an answer's status, and which of their values are errors."""
_PARTS = ("", "_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One failure. ``by``: the share lost (drop, wrong) or failed (errors), the factor (slow), the level.

    ``bad`` says which label's values are errors, by name and expression; the usual ones where it is empty.
    """

    name: str
    kind: ModeKind
    selectors: tuple[Selector, ...]
    by: float
    bad: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A mode over series. ``healthy`` and ``failing`` have the same series in the same order.

    ``touched`` are the names of those that the failure changes; empty where its selectors mean none.
    """

    mode: Mode
    healthy: tuple[Shape, ...]
    failing: tuple[Shape, ...]
    touched: tuple[str, ...]


def failing(shapes: Sequence[Shape], mode: Mode) -> Failing:
    """What the failure makes of ``shapes``."""
    fits = Fits()
    of_it = {shape.key for shape in meant(shapes, mode)}
    healthy = list(shapes)
    if mode.kind == "errors" and of_it:
        healthy += _unseen_errors([shape for shape in shapes if shape.key in of_it], mode, fits)
        of_it |= {shape.key for shape in healthy[len(shapes) :]}
    mine = [shape for shape in healthy if shape.key in of_it]
    changed = {shape.key: shape for shape in _CHANGES[mode.kind](mine, mode, fits)}
    return Failing(
        mode=mode,
        healthy=tuple(healthy),
        failing=tuple(changed.get(shape.key, shape) for shape in healthy),
        touched=tuple(sorted(shape.name for shape in mine if changed[shape.key] != shape)),
    )


def meant(shapes: Sequence[Shape], mode: Mode) -> list[Shape]:
    """The series that the selectors of a mode mean, each once."""
    fits = Fits()
    parts = [replace(each, metric=each.metric + part) for each in mode.selectors for part in _PARTS]
    found = {shape.key: shape for selector in parts for shape in selected(shapes, selector, fits)}
    return [*found.values()]


def quantile(q: float, buckets: Sequence[Shape]) -> float | None:
    """The ``q``-quantile over all steps of these buckets, as PromQL estimates it; None without a finite one."""
    counts: dict[float, float] = {}
    for shape in buckets:
        edge = _edge(shape)
        if edge is not None:
            counts[edge] = counts.get(edge, 0.0) + math.fsum(_known(shape))
    edges = sorted(counts)
    total = counts[edges[-1]] if edges else 0.0
    low, had = 0.0, 0.0
    for edge in edges:
        if counts[edge] >= q * total > 0.0:
            if math.isinf(edge):
                return low or None
            return low + (edge - low) * (q * total - had) / max(counts[edge] - had, 1e-12)
        low, had = edge, counts[edge]
    return None


def _drop(mine: list[Shape], mode: Mode, fits: Fits) -> list[Shape]:
    del fits
    return [_scaled(shape, 1.0 - mode.by) for shape in mine]


def _silent(mine: list[Shape], mode: Mode, fits: Fits) -> list[Shape]:
    del mode, fits
    return [replace(shape, values=(MISSING,) * len(shape.values)) for shape in mine]


def _saturation(mine: list[Shape], mode: Mode, fits: Fits) -> list[Shape]:
    del fits
    return [shape if shape.counter else replace(shape, values=(mode.by,) * len(shape.values)) for shape in mine]


def _errors(mine: list[Shape], mode: Mode, fits: Fits) -> list[Shape]:
    """The share ``by`` of all answers is bad, spread over bad series as they were, or evenly."""
    bad = [shape for shape in mine if _is_bad(shape, mode, fits)]
    good = [shape for shape in mine if not _is_bad(shape, mode, fits)]
    if not bad:
        return mine
    had, steps = [math.fsum(_known(shape)) for shape in bad], max(len(shape.values) for shape in mine)
    parts = [one / math.fsum(had) for one in had] if any(had) else [1.0 / len(bad)] * len(bad)
    totals = [math.fsum(_at(shape, step) for shape in mine) for step in range(steps)]
    goods = [math.fsum(_at(shape, step) for shape in good) for step in range(steps)]
    keeps = [(1.0 - mode.by) * total / was if was else 0.0 for total, was in zip(totals, goods, strict=True)]
    return [
        *(
            replace(shape, values=tuple(_at(shape, step) * keeps[step] for step in range(len(shape.values))))
            for shape in good
        ),
        *(
            replace(shape, values=tuple(mode.by * part * totals[step] for step in range(len(shape.values))))
            for shape, part in zip(bad, parts, strict=True)
        ),
    ]


def _slow(mine: list[Shape], mode: Mode, fits: Fits) -> list[Shape]:
    """Everything takes ``by`` times as long: a bucket then has what one with a ``by``-th of its edge had."""
    del fits
    found = [
        _scaled(shape, mode.by) if shape.metric.endswith("_sum") or not shape.counter else shape
        for shape in mine
        if not shape.metric.endswith("_bucket")
    ]
    histograms: dict[tuple[str, tuple[tuple[str, str], ...]], list[Shape]] = {}
    for shape in mine:
        if shape.metric.endswith("_bucket") and _edge(shape) is not None:
            others = tuple(sorted((name, value) for name, value in shape.labels.items() if name != "le"))
            histograms.setdefault((shape.metric, others), []).append(shape)
    for buckets in histograms.values():
        found += _slowed(sorted(buckets, key=lambda shape: _edge(shape) or 0.0), mode.by)
    kept = {shape.key for shape in found}
    return found + [shape for shape in mine if shape.key not in kept]


def _slowed(buckets: list[Shape], times: float) -> list[Shape]:
    edges = [_edge(shape) or 0.0 for shape in buckets]
    steps = min(len(shape.values) for shape in buckets)
    columns = [[_at(shape, step) for shape in buckets] for step in range(steps)]
    moved = [[_below(edges, column, edge / times) for edge in edges] for column in columns]
    return [replace(shape, values=tuple(column[place] for column in moved)) for place, shape in enumerate(buckets)]


def _below(edges: Sequence[float], counts: Sequence[float], edge: float) -> float:
    """How many of the observations lie at or below ``edge``, taken to be spread evenly inside each bucket."""
    if math.isinf(edge):
        return counts[-1]
    low, had = 0.0, 0.0
    for high, count in zip(edges, counts, strict=True):
        if edge <= high:
            return had if math.isinf(high) else had + (count - had) * (edge - low) / (high - low)
        low, had = high, count
    return had


def _unseen_errors(mine: list[Shape], mode: Mode, fits: Fits) -> list[Shape]:
    """A series of bad answers at 0 beside the first good one, where none counts them."""
    if any(_is_bad(shape, mode, fits) for shape in mine):
        return []
    for label, value in (mode.bad or BAD).items():
        for shape in mine:
            if label in shape.labels:
                labels = {**shape.labels, label: value.replace(".", "0")}
                return [replace(shape, labels=labels, values=(0.0,) * len(shape.values), first=0.0)]
    return []


def _is_bad(shape: Shape, mode: Mode, fits: Fits) -> bool:
    return any(
        label in shape.labels and fits(value, shape.labels[label]) for label, value in (mode.bad or BAD).items()
    )


def _scaled(shape: Shape, factor: float) -> Shape:
    return replace(shape, values=tuple(value * factor for value in shape.values))


def _known(shape: Shape) -> list[float]:
    return [value for value in shape.values if not math.isnan(value)]


def _at(shape: Shape, step: int) -> float:
    value = shape.values[step] if step < len(shape.values) else 0.0
    return 0.0 if math.isnan(value) else value


def _edge(shape: Shape) -> float | None:
    try:
        return float(shape.labels.get("le", ""))
    except ValueError:
        return None


_CHANGES: Mapping[ModeKind, Callable[[list[Shape], Mode, Fits], list[Shape]]] = {
    "drop": _drop,
    "errors": _errors,
    "slow": _slow,
    "saturation": _saturation,
    "silent": _silent,
    "wrong": _drop,
}
