"""The order in which groups of rules are evaluated at one moment: what is recorded before who looks at it.

Rules:
1. promtool takes groups in any order, another one each time, unless it is told: who looks at what is recorded
   would see it one evaluation late, or, where that is long ago, not at all.
2. Else groups keep the order in which they stand. Groups that record from each other keep it too.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.alerts.expression import Unparsed, selectors
from interlock.core.alerts.rule_files import Group


def ordered(groups: Sequence[Group]) -> tuple[str, ...]:
    """The names of the groups, each once."""
    records: dict[str, list[str]] = {}
    looks: dict[str, set[str]] = {}
    for group in groups:
        looked_at = (each for rule in group.rules for each in _metrics(rule.expression))
        looks.setdefault(group.name, set()).update(looked_at)
        for rule in group.rules:
            if not rule.alert:
                records.setdefault(rule.name, []).append(group.name)
    found: dict[str, None] = {}
    entered: set[str] = set()

    def enter(name: str) -> None:
        if name in entered:
            return
        entered.add(name)
        for metric in sorted(looks[name]):
            for before in records.get(metric, ()):
                enter(before)
        found[name] = None

    for group in groups:
        enter(group.name)
    return tuple(found)


def _metrics(expression: str) -> list[str]:
    found = selectors(expression)
    return [] if isinstance(found, Unparsed) else [each.metric for each in found]
