"""What a failure mode that changes nothing may have meant; a histogram by its own name, never by a part."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.alerts.modes import Mode
from interlock.core.alerts.shape import Shape
from interlock.core.change.parse import closest

_PARTS = ("_bucket", "_count", "_sum")


def near(mode: Mode, shapes: Sequence[Shape]) -> str:
    """`` (did you mean `x`?)`` for the first selector that nearly names a series, else nothing."""
    metrics = {whole(shape.metric) for shape in shapes} | {shape.metric for shape in shapes}
    metrics = {metric for metric in metrics if not metric.endswith("_bucket")}
    for selector in mode.selectors:
        found = closest(selector.metric, sorted(metrics))
        if found:
            return found
        of_it = [shape for shape in shapes if whole(shape.metric) == selector.metric]
        values = {match.value: match.label for match in selector.matchers if match.op == "="}
        for value, label in values.items():
            known = sorted({shape.labels[label] for shape in of_it if label in shape.labels})
            if found := closest(value, known):
                return found
    return ""


def whole(metric: str) -> str:
    """The histogram whose part it may be, or it."""
    return next((metric.removesuffix(end) for end in _PARTS if metric.endswith(end)), metric)
