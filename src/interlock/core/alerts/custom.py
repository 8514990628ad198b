"""How a service's own alerts are labelled, and its series: what a ready rule carries and looks by.

Rules:
1. The alerts to go by are those that look at series of the plan's failures; where none does, all of the files.
2. Of those that wake somebody, the severity that most of them have is taken, with every label on which they agree:
   it is by labels that an alert is sent to somebody.
3. Where none wakes anybody, a rule is a page of the service, with what the others agree on besides their severity.
4. A label that is filled in only when the alert fires is nobody's to copy.
5. A series is the service's by the labels that say where it was scraped, or that name the service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.alerts.expression import LabelMatch
from interlock.core.alerts.scope import Looked, moved
from interlock.core.alerts.shape import Shape
from interlock.core.alerts.urgency import SEVERITIES, is_quiet, is_urgent, severity_of

OWN = frozenset(
    {
        "app", "app_kubernetes_io_name", "application", "component", "job", "namespace", "service", "service_name",
    }
)  # fmt: skip
"""Labels that say whose a series is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """The ``labels`` of a ready rule, and the ``alerts`` that they are taken from; none where there are none."""

    labels: Mapping[str, str]
    alerts: tuple[Looked, ...] = ()


def custom(alerts: Sequence[Looked], touched: Iterable[Shape], *, service: str) -> Custom:
    """The service's own, by the series that its failures change."""
    loud = [alert for alert in alerts if not is_quiet(alert.rule.labels)]
    series = [*touched]
    mine = [alert for alert in loud if moved(alert, series)] or loud
    urgent = [alert for alert in mine if is_urgent(alert.rule.labels)]
    if not urgent:
        agreed = {name: value for name, value in _agreed(mine).items() if name not in SEVERITIES}
        return Custom(labels={"severity": "page", "service": service} | agreed)
    ((usual, _),) = Counter(severity_of(alert.rule.labels) for alert in urgent).most_common(1)
    same = tuple(alert for alert in urgent if severity_of(alert.rule.labels) == usual)
    return Custom(labels=_agreed(same), alerts=same)


def whose(shapes: Sequence[Shape], service: str) -> tuple[LabelMatch, ...]:
    """By which labels all of these series are the service's; none where they differ."""
    if not shapes:
        return ()
    first, *others = shapes
    return tuple(
        LabelMatch(name, "=", value)
        for name, value in sorted(first.labels.items())
        if (name in OWN or value == service) and all(each.labels.get(name) == value for each in others)
    )


def _agreed(alerts: Sequence[Looked]) -> dict[str, str]:
    """What all of them have, as the first has it, and nothing that is filled in later."""
    if not alerts:
        return {}
    first, *others = (alert.rule.labels for alert in alerts)
    return {
        name: value
        for name, value in first.items()
        if "{{" not in value and all(each.get(name) == value for each in others)
    }
