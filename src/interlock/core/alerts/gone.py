"""Metrics that alerts look at and the new version of the service does not expose: renamed, or taken away.

Rules:
1. A metric is the service's own when one of its healthy series comes from a job that a failure mode looks at;
   series without a job are all its own. One of another job is another exporter's to expose.
2. What is its own and no longer exposed has no series once the change is out: the proof goes on without them, so
   that whoever relied on it is not counted as told.
3. A metric that nobody has now and the new version does not expose either is gone as well. One that there is now
   was renamed to something new, if at all; one that nobody has may be misspelt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.alerts.exposition import Exposed
from interlock.core.alerts.modes import Mode, meant
from interlock.core.alerts.scope import Looked
from interlock.core.alerts.shape import Shape
from interlock.core.change.parse import closest

JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """One metric: the ``alerts`` that look at it with their places, and the ``near`` name that is exposed."""

    metric: str
    alerts: tuple[str, ...]
    near: str


def gone(
    alerts: Sequence[Looked],
    shapes: Sequence[Shape],
    modes: Iterable[Mode],
    exposed: Exposed,
    now_called: Mapping[str, str] | None = None,
) -> tuple[Gone, ...]:
    """Each metric of the alerts that is gone, in the alerts' order; ``now_called``: new names that are known."""
    now = {shape.metric for shape in shapes}
    elsewhere = now - {shape.metric for shape in own(shapes, modes)}
    looking: dict[str, list[str]] = {}
    for alert in alerts:
        for selector in alert.selectors:
            if selector.metric and selector.metric not in exposed and selector.metric not in elsewhere:
                looking.setdefault(selector.metric, []).append(
                    f"{alert.rule.name} ({alert.rule.place.path}:{alert.rule.place.line})"
                )
    return tuple(
        Gone(
            metric=metric,
            alerts=tuple(dict.fromkeys(names)),
            near=_near(metric, exposed.names - now if metric in now else exposed.names, now_called or {}),
        )
        for metric, names in looking.items()
    )


def _near(metric: str, names: Iterable[str], now_called: Mapping[str, str]) -> str:
    known = {*names}
    # A counter's family without its end is no series.
    series = sorted(name for name in known if f"{name}_total" not in known)
    return closest(metric, [now_called[metric]] if metric in now_called else series)


def staying(shapes: Sequence[Shape], modes: Iterable[Mode], exposed: Exposed) -> tuple[Shape, ...]:
    """The healthy series that there still are once the new version is out."""
    mine = {shape.key for shape in own(shapes, modes)}
    return tuple(shape for shape in shapes if shape.key not in mine or shape.metric in exposed)


def own(shapes: Sequence[Shape], modes: Iterable[Mode]) -> list[Shape]:
    """Those that the service itself exposes, by rule 1."""
    jobs = {shape.labels.get(JOB, "") for mode in modes for shape in meant(shapes, mode)}
    return [shape for shape in shapes if shape.labels.get(JOB, "") in {"", *jobs}]
