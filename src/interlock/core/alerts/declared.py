"""Healthy series where nothing can be captured: as they were declared, with the noise of independent events.

Rules:
1. The same plan and the same seed give the same series. Other seeds give other noise: an alert whose threshold
   lies on the edge of what is healthy is found by several.
2. A counter's increments are Poisson counts, a histogram's buckets are cut from one such count, so that they add
   up; a gauge stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from interlock.core.alerts.expression import Selector, Unparsed, selectors
from interlock.core.alerts.plan import DeclaredShape
from interlock.core.alerts.shape import Shape
from interlock.core.change.errors import InvalidInput

INFINITE = "+Inf"


def declared(shapes: Iterable[DeclaredShape], *, steps: int, step: float, seed: int) -> tuple[Shape, ...]:
    """Each declared series over ``steps`` steps of ``step`` seconds.

    Raises:
        InvalidInput: ``alert-plan`` for a series that is none.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    return tuple(each for one in shapes for each in _series(one, steps, step, random))


def _series(one: DeclaredShape, steps: int, step: float, random: np.random.Generator) -> Iterator[Shape]:
    metric, labels = _named(one)
    if one.per_second is None:
        yield Shape(metric=metric, labels=labels, counter=False, values=(one.level or 0.0,) * steps)
        return
    counts = random.poisson(one.per_second * step, steps).astype(float)
    if not one.buckets:
        yield Shape(metric=metric, labels=labels, counter=True, values=tuple(counts.tolist()))
        return
    yield from _histogram(metric, labels, one.buckets, counts, random)


def _histogram(
    metric: str,
    labels: Mapping[str, str],
    buckets: Mapping[str, float],
    counts: np.ndarray[tuple[int], np.dtype[np.float64]],
    random: np.random.Generator,
) -> Iterator[Shape]:
    """Cumulative buckets, their count, and a sum as if each event took as long as its bucket's edge."""
    edges = sorted(buckets, key=float)
    shares = np.diff([0.0, *(buckets[edge] for edge in edges), 1.0]).clip(0.0)
    parts = random.multinomial(counts.astype(np.int64), shares / shares.sum()).astype(float)
    below = parts.cumsum(axis=1)
    for place, edge in enumerate([*edges, INFINITE]):
        values = tuple(below[:, place].tolist())
        yield Shape(metric=f"{metric}_bucket", labels={**labels, "le": edge}, counter=True, values=values)
    lasting = np.array([*(float(edge) for edge in edges), float(edges[-1]) * 2.0])
    yield Shape(metric=f"{metric}_sum", labels=labels, counter=True, values=tuple((parts @ lasting).tolist()))
    yield Shape(metric=f"{metric}_count", labels=labels, counter=True, values=tuple(counts.tolist()))


def _named(one: DeclaredShape) -> tuple[str, dict[str, str]]:
    found = selectors(one.series)
    selector: Selector | None = None if isinstance(found, Unparsed) or len(found) != 1 else found[0]
    if selector is None or not selector.metric:
        raise InvalidInput(
            f"expected a series with its labels, got `{one.series[:80]}`",
            code="alert-plan",
            hint='write orders_total{service="shop"}',
        )
    return selector.metric, {match.label: match.value for match in selector.matchers}
