"""Other healthy noise than the one that was looked at, to see whether an alert's threshold lies on its edge.

Rules:
1. Declared series are drawn again with another seed; captured ones are turned round, all together, so that what
   goes up together still does and the failure begins at another place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interlock.core.alerts.declared import declared
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.shape import Shape

SEED = 1
OTHER_SEEDS = (2, 3)


def shaken(plan: AlertPlan, shapes: Sequence[Shape], *, steps: int) -> tuple[tuple[Shape, ...], ...]:
    """``shapes`` with other noise, once for each of the other seeds; ``steps`` as for the first."""
    if plan.shapes or not plan.prometheus:
        return tuple(declared(plan.shapes, steps=steps, step=plan.step, seed=seed) for seed in OTHER_SEEDS)
    parts = len(OTHER_SEEDS) + 1
    return tuple(tuple(_turned(shape, place / parts) for shape in shapes) for place in range(1, parts))


def _turned(shape: Shape, share: float) -> Shape:
    begin = round(len(shape.values) * share)
    return replace(shape, values=shape.values[begin:] + shape.values[:begin])
