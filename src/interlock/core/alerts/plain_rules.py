"""A rule file in the form that promtool reads.

Rules:
1. A file that is one document with ``groups`` is given as it is, to the byte.
2. Anything else that holds rules, such as a ``PrometheusRule`` of Kubernetes or several documents, is written
   anew from its groups: what is in the rules stays as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from interlock.core.alerts.rule_files import Group, Rule
from interlock.core.change.yaml_nodes import Mapping, documents


def plain(path: str, content: bytes, groups: Sequence[Group]) -> bytes:
    """The bytes for promtool; ``groups`` are what ``read_rules`` found in it."""
    nodes = [*documents(path, content)]
    first = nodes[0] if len(nodes) == 1 else None
    if isinstance(first, Mapping) and "groups" in first.fields and "apiVersion" not in first.fields:
        return content
    return anew(groups)


def anew(groups: Sequence[Group]) -> bytes:
    """A rule file of these groups."""
    whole = {"groups": [_group(group) for group in groups]}
    return yaml.safe_dump(whole, sort_keys=False, width=10_000, allow_unicode=True).encode()


def _group(group: Group) -> dict[str, object]:
    found: dict[str, object] = {"name": group.name}
    if group.interval is not None:
        found["interval"] = _span(group.interval)
    return {**found, "rules": [rule_of(rule) for rule in group.rules]}


def rule_of(rule: Rule) -> dict[str, object]:
    """A rule as it stands in a file."""
    found: dict[str, object] = {"alert" if rule.alert else "record": rule.name, "expr": rule.expression}
    if rule.pending:
        found["for"] = _span(rule.pending)
    if rule.keep_firing:
        found["keep_firing_for"] = _span(rule.keep_firing)
    for key, words in (("labels", rule.labels), ("annotations", rule.annotations if rule.alert else {})):
        if words:
            found[key] = dict(words)
    return found


def _span(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
