"""The release of a change that renames series: the old ones until then, the new ones from then on.

Rules:
1. What a rule does right after the release is another question than what it does later: the new series have no
   past then.
2. It is asked twice: of a release in which the failure begins at once, and of one in which all stays well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from interlock.core.alerts.modes import Failing
from interlock.core.alerts.near import whole
from interlock.core.alerts.shape import MISSING, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """``failing``: the failure begins with it. ``well``: nothing is wrong. Their modes have names of their own."""

    failing: Failing
    well: Failing


def release(renamed: Failing, was: Mapping[str, str]) -> Release:
    """Of a failure over the new names. ``was``: metrics by the name that they had before."""
    pairs = [*zip(renamed.healthy, renamed.failing, strict=True)]
    touched = {shape.name for shape in renamed.healthy if _old(shape, was) is not None} | {*renamed.touched}
    return Release(
        failing=_crossing(renamed, pairs, was, touched, "with the release"),
        well=_crossing(renamed, [(each, each) for each, _ in pairs], was, touched, "not with the release"),
    )


def _crossing(
    renamed: Failing, pairs: list[tuple[Shape, Shape]], was: Mapping[str, str], touched: set[str], when: str
) -> Failing:
    before, after = list[Shape](), list[Shape]()
    for well, then in pairs:
        old = _old(well, was)
        before += [well] if old is None else [_missing(well), old]
        after += [then] if old is None else [then, _missing(old)]
    return Failing(
        mode=replace(renamed.mode, name=f"{renamed.mode.name}, {when}"),
        healthy=tuple(before),
        failing=tuple(after),
        touched=tuple(sorted(touched)),
    )


def _old(shape: Shape, was: Mapping[str, str]) -> Shape | None:
    name = next((each for each in (shape.metric, whole(shape.metric)) if each in was), None)
    return None if name is None else replace(shape, metric=was[name] + shape.metric.removeprefix(name))


def _missing(shape: Shape) -> Shape:
    return replace(shape, values=(MISSING,) * len(shape.values), first=0.0)
