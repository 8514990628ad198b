"""How far an alert looks: back in time, and at which series.

Rules:
1. An alert can only be moved by series that it looks at, through recording rules too. Whatever it looks at without
   naming a metric is taken for everything.
2. The healthy phase begins with the longest look back, in which an alert would see the beginning of the world.
3. Alerts of one name are told apart by those of their labels that differ; a label that is filled in only when the
   alert fires tells nothing apart. What cannot be told apart counts as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interlock.core.alerts.expression import Selector, Unparsed, closed, muted_by
from interlock.core.alerts.promtool_file import Named
from interlock.core.alerts.rule_files import Group, Rule
from interlock.core.alerts.shape import Fits, Shape, quoted, selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One alert. ``back`` in seconds, ``for`` and ``keep_firing_for`` included; ``unread`` says why it is not.

    ``muted`` is what keeps it silent while it is there.
    """

    rule: Rule
    named: Named
    interval: float
    selectors: tuple[Selector, ...]
    back: float
    unread: str = ""
    muted: tuple[Selector, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.named.key


def looked(groups: Sequence[Group], *, interval: float) -> tuple[Looked, ...]:
    """Every alert of these groups; ``interval`` where a group does not say.

    Raises:
        InvalidInput: ``alert-rules`` for recording rules in a circle.
    """
    rules = [rule for group in groups for rule in group.rules]
    apart = _apart(rules)
    return tuple(
        _looked(rule, group.interval or interval, rules, apart.get(rule.name, ()))
        for group in groups
        for rule in group.rules
        if rule.alert
    )


def moved(alert: Looked, touched: Iterable[Shape]) -> bool:
    """Whether one of these series is among those that it looks at."""
    shapes, fits = [*touched], Fits()
    return any(selected(shapes, selector, fits) for selector in alert.selectors)


def _apart(rules: Iterable[Rule]) -> dict[str, tuple[str, ...]]:
    """Of each name that several alerts have, the labels by which they differ."""
    by_name: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.alert:
            by_name.setdefault(rule.name, []).append(rule)
    return {name: _differing(same) for name, same in by_name.items() if len(same) > 1}


def _differing(same: Sequence[Rule]) -> tuple[str, ...]:
    names = sorted({label for rule in same for label in rule.labels})
    values = {label: [rule.labels.get(label, "") for rule in same] for label in names}
    return tuple(
        label for label, each in values.items() if len({*each}) > 1 and not any("{{" in value for value in each)
    )


def _named(rule: Rule, apart: Sequence[str]) -> Named:
    labels = {label: rule.labels.get(label, "") for label in apart}
    inner = ",".join(f'{label}="{quoted(value)}"' for label, value in labels.items())
    return Named(key=f"{rule.name}{{{inner}}}" if inner else rule.name, name=rule.name, labels=labels)


def _looked(rule: Rule, interval: float, rules: Sequence[Rule], apart: Sequence[str]) -> Looked:
    found, named = closed(rule.expression, rules), _named(rule, apart)
    if isinstance(found, Unparsed):
        return Looked(rule=rule, named=named, interval=interval, selectors=(), back=0.0, unread=found.reason)
    back = max((each.range + max(each.offset, 0.0) for each in found), default=0.0)
    # What fired while the world began goes on firing for as long as the rule keeps it.
    back += rule.pending + rule.keep_firing
    muted = muted_by(rule.expression, rules)
    return Looked(rule=rule, named=named, interval=interval, selectors=found, back=back, muted=muted)
