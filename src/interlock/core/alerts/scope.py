"""How far an alert looks: back in time, and at which series.

Rules:
1. An alert can only be moved by series that it looks at, through recording rules too. Whatever it looks at without
   naming a metric is taken for everything.
2. The healthy phase begins with the longest look back, in which an alert would see the beginning of the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interlock.core.alerts.expression import Selector, Unparsed, closed
from interlock.core.alerts.rule_files import Group, Rule
from interlock.core.alerts.shape import Fits, Shape, selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One alert. ``back`` in seconds, ``for`` and ``keep_firing_for`` included; ``unread`` says why it is not."""

    rule: Rule
    interval: float
    selectors: tuple[Selector, ...]
    back: float
    unread: str = ""


def looked(groups: Sequence[Group], *, interval: float) -> tuple[Looked, ...]:
    """Every alert of these groups; ``interval`` where a group does not say.

    Raises:
        InvalidInput: ``alert-rules`` for recording rules in a circle.
    """
    rules = [rule for group in groups for rule in group.rules]
    return tuple(
        _looked(rule, group.interval or interval, rules) for group in groups for rule in group.rules if rule.alert
    )


def moved(alert: Looked, touched: Iterable[Shape]) -> bool:
    """Whether one of these series is among those that it looks at."""
    shapes, fits = [*touched], Fits()
    return any(selected(shapes, selector, fits) for selector in alert.selectors)


def _looked(rule: Rule, interval: float, rules: Sequence[Rule]) -> Looked:
    found = closed(rule.expression, rules)
    if isinstance(found, Unparsed):
        return Looked(rule=rule, interval=interval, selectors=(), back=0.0, unread=found.reason)
    back = max((each.range + max(each.offset, 0.0) for each in found), default=0.0)
    # What fired while the world began goes on firing for as long as the rule keeps it.
    back += rule.pending + rule.keep_firing
    return Looked(rule=rule, interval=interval, selectors=found, back=back)
