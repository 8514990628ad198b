"""Failures whose series the change takes away: under which name they may be counted from then on.

Rules:
1. A failure is one of these when all of its series are the service's own and the new version exposes none of them;
   or when what it names is new with the change and no series has that name yet.
2. The other name is a guess, the nearest among those that only one of the two versions has. It proves nothing: a
   plan names what must be noticed, and is changed for it.
3. What is proven of the other name is proven over the healthy series as they were, called by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.exposition import Exposed
from interlock.core.alerts.expression import Selector, Unparsed, selectors
from interlock.core.alerts.gone import own, staying
from interlock.core.alerts.modes import Failing, Mode, failing, meant
from interlock.core.alerts.near import whole
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.renamed import like
from interlock.core.alerts.shape import Shape
from interlock.core.change.parse import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is told of one failure: each ``metric`` that goes with its new name, empty where none is near.

    ``places`` are where the plan names the old ones; ``told_by`` alerts of the change that would tell of it under
    the new names. ``captured``: the plan declares no series.
    """

    names: tuple[tuple[str, str], ...]
    places: tuple[str, ...]
    captured: bool = False
    told_by: tuple[str, ...] = ()

    @property
    def renamed(self) -> bool:
        """Whether each has another name."""
        return all(new for _, new in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """One failure with what there would be under the new names, ``failing`` None where one is not known."""

    taken: Taken
    failing: Failing | None


def taken(plan: AlertPlan, shapes: Sequence[Shape], exposed: Exposed) -> dict[str, Renamed]:
    """By the failure's name."""
    there = staying(shapes, plan.modes, exposed)
    found = {}
    for mode in plan.modes:
        if meant(there, mode):
            continue
        names = dict(_gone(mode, shapes, plan, exposed))
        if names:
            found[mode.name] = _renamed(plan, mode, names, shapes, there)
    return found


def _gone(mode: Mode, shapes: Sequence[Shape], plan: AlertPlan, exposed: Exposed) -> Iterable[tuple[str, str]]:
    """Each old name that is meant, with the new one."""
    now = {name for shape in shapes for name in (shape.metric, whole(shape.metric))}
    for selector in mode.selectors:
        metric = selector.metric
        if meant(shapes, replace(mode, selectors=(selector,))):
            yield metric, nearest(metric, like(metric, exposed.names - now))
        elif metric in exposed and metric not in now:
            mine = {whole(shape.metric) for shape in own(shapes, plan.modes) if shape.metric not in exposed}
            if old := nearest(metric, like(metric, mine)):
                yield old, metric


def _renamed(
    plan: AlertPlan, mode: Mode, names: Mapping[str, str], shapes: Sequence[Shape], there: Sequence[Shape]
) -> Renamed:
    told = Taken(
        names=tuple(names.items()),
        places=tuple(_places(plan, mode, names)),
        captured=not plan.shapes,
    )
    if not told.renamed:
        return Renamed(taken=told, failing=None)
    called = tuple(
        _called(shape, names) for shape in shapes if whole(shape.metric) in names or shape.metric in names
    )
    chosen = tuple(replace(each, metric=names.get(each.metric, each.metric)) for each in mode.selectors)
    return Renamed(taken=told, failing=failing((*there, *called), replace(mode, selectors=chosen)))


def _called(shape: Shape, names: Mapping[str, str]) -> Shape:
    old = shape.metric if shape.metric in names else whole(shape.metric)
    return replace(shape, metric=names[old] + shape.metric.removeprefix(old))


def _places(plan: AlertPlan, mode: Mode, names: Mapping[str, str]) -> Iterable[str]:
    """Lines of the plan that name one of the old ones."""
    lines = {one.line for one in plan.shapes if any(each.metric in names for each in _written(one.series))}
    if any(each.metric in names for each in mode.selectors):
        lines.add(mode.line)
    return [f"{plan.path}:{line}" for line in sorted(lines)]


def _written(series: str) -> Sequence[Selector]:
    found = selectors(series)
    return () if isinstance(found, Unparsed) else found
