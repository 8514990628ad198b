"""Labels that alerts ask for and the new version's series have no more: renamed, gone, or of another value.

Rules:
1. A label is missing when a healthy series of the service has it, no series of that metric in the exposition does,
   and it is the service's own: another metric of the exposition has it, or a label is there instead that no
   healthy series of the metric has. What no metric has is put there by the scrape.
2. A value is missing when a healthy series has it and the exposition has series of the metric with that label, all
   of other values. An answer's status is none: errors are there once they happen.
3. A metric without a series in the exposition says nothing of its labels.
4. The proof goes on with the labels as the new version has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.exposition import Exposed
from interlock.core.alerts.expression import LabelMatch
from interlock.core.alerts.gone import JOB, own
from interlock.core.alerts.modes import BAD, Mode
from interlock.core.alerts.scope import Looked
from interlock.core.alerts.shape import Fits, Shape, selected

_SCRAPED = frozenset({JOB, "instance", "le", "quantile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelled:
    """One label of one metric: the ``value`` that is gone, empty where the label is; ``now`` is what is there.

    ``alerts`` are those that ask for it, with their places.
    """

    metric: str
    label: str
    value: str
    now: tuple[str, ...]
    alerts: tuple[str, ...]


def relabelled(
    alerts: Sequence[Looked], shapes: Sequence[Shape], modes: Iterable[Mode], exposed: Exposed
) -> tuple[Relabelled, ...]:
    """Each label or value that an alert asks for and would no longer find, in the alerts' order."""
    changes = _changes(own(shapes, modes), exposed)
    fits, found = Fits(), dict[tuple[str, str, str], tuple[Relabelled, list[str]]]()
    for alert in alerts:
        for selector in alert.selectors:
            asked = {each.label: each for each in selector.matchers}
            mine = {shape.key for shape in selected(shapes, selector, fits)}
            for shape, change in changes:
                match = asked.get(change.label)
                if shape.key in mine and match is not None and not _fits(match, change, fits):
                    key = (change.metric, change.label, change.value)
                    place = f"{alert.rule.name} ({alert.rule.place.path}:{alert.rule.place.line})"
                    found.setdefault(key, (change, []))[1].append(place)
    return tuple(replace(one, alerts=tuple(dict.fromkeys(places))) for one, places in found.values())


def as_exposed(shapes: Sequence[Shape], modes: Iterable[Mode], exposed: Exposed) -> tuple[Shape, ...]:
    """The healthy series with the labels that they have once the new version is out, each once."""
    changes = dict[object, list[Relabelled]]()
    for shape, change in _changes(own(shapes, modes), exposed):
        changes.setdefault(shape.key, []).append(change)
    after = [_relabelled(shape, changes.get(shape.key, ())) for shape in shapes]
    return tuple({shape.key: shape for shape in reversed(after)}.values())[::-1]


def _changes(shapes: Sequence[Shape], exposed: Exposed) -> list[tuple[Shape, Relabelled]]:
    had: dict[str, set[str]] = {}
    for shape in shapes:
        had.setdefault(shape.metric, set()).update(shape.labels)
    anywhere = {label for series in exposed.series.values() for labels in series for label in labels}
    found = []
    for shape in shapes:
        series = exposed.series.get(shape.metric, ())
        names = {label for labels in series for label in labels}
        new = tuple(sorted(names - had[shape.metric]))
        for label, value in shape.labels.items() if series else ():
            if label in _SCRAPED or not value:
                continue
            values = tuple(sorted({labels[label] for labels in series if label in labels}))
            if label not in names and (new or label in anywhere):
                change = Relabelled(metric=shape.metric, label=label, value="", now=new, alerts=())
            elif label in names and value not in values and label not in BAD:
                change = Relabelled(metric=shape.metric, label=label, value=value, now=values, alerts=())
            else:
                continue
            found.append((shape, change))
    return found


def _fits(match: LabelMatch, change: Relabelled, fits: Fits) -> bool:
    """Whether an alert that asked for what was there finds what there is now."""
    return any(_matches(match, value, fits) for value in (change.now if change.value else ("",)))


def _matches(match: LabelMatch, value: str, fits: Fits) -> bool:
    if match.op in {"=", "!="}:
        return (value == match.value) is (match.op == "=")
    return fits(match.value, value) is (match.op == "=~")


def _relabelled(shape: Shape, changes: Iterable[Relabelled]) -> Shape:
    labels = dict(shape.labels)
    for change in changes:
        was = labels.pop(change.label, "")
        if change.value and change.now:
            labels[change.label] = change.now[0]
        elif len(change.now) == 1:
            labels[change.now[0]] = was
    return replace(shape, labels=labels)
