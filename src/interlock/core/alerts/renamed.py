"""What a metric of a failure was called before the change, where the plan names it as it is called from then on.

Rules:
1. A metric that the new version exposes had the nearest name of those that the new version does not expose any
   more, and that the service's alerts look at, its healthy series have, or the plan names.
2. It is a guess, and says so wherever it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from interlock.core.alerts.exposition import ENDS, Exposed
from interlock.core.alerts.gone import own
from interlock.core.alerts.modes import Mode
from interlock.core.alerts.near import whole
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.scope import Looked
from interlock.core.alerts.shape import Shape
from interlock.core.change.parse import nearest


def renames(
    plan: AlertPlan, alerts: Sequence[Looked], shapes: Sequence[Shape], exposed: Exposed
) -> dict[str, Mapping[str, str]]:
    """Old names by the new ones, by the failure's name; failures without any are left out."""
    mine = own(shapes, plan.modes)
    elsewhere = {shape.metric for shape in shapes} - {shape.metric for shape in mine}
    known = {whole(shape.metric) for shape in mine} | {each.metric for one in plan.modes for each in one.selectors}
    known |= {each.metric for alert in alerts for each in alert.selectors if each.metric}
    away = {name for name in known if name not in exposed and name not in elsewhere}
    found = {mode.name: _of(mode, exposed, away) for mode in plan.modes}
    return {name: was for name, was in found.items() if was}


def _of(mode: Mode, exposed: Exposed, away: Iterable[str]) -> dict[str, str]:
    new = {each.metric for each in mode.selectors if each.metric in exposed}
    pairs = {metric: nearest(metric, like(metric, away)) for metric in sorted(new)}
    # Each is the other's nearest, or one that only looks a little like it is taken for what it was.
    return {
        metric: old for metric, old in pairs.items() if old and nearest(old, like(old, exposed.names)) == metric
    }


def like(metric: str, names: Iterable[str]) -> list[str]:
    """Those that end as it does: a counter was one before. A counter's family without its end is no series."""
    known = {*names}
    return sorted(name for name in known if _end(name) == _end(metric) and f"{name}_total" not in known)


def _end(name: str) -> str:
    return next((end for end in ENDS if name.endswith(end)), "")
