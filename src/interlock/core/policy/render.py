"""Filling the facts into a rule's sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from interlock.core.policy.facts import FactValue
from interlock.core.policy.policy import Policy

_SLOT = re.compile(r"\{([a-z_]+)\}")
_NAMED = 3
"""Items of a set that fit one line."""


def fill(template: str, facts: Mapping[str, FactValue]) -> str:
    """``template`` with each ``{fact}`` replaced by its value."""
    text, slots = _cut(template)
    return text % tuple([shown(facts.get(name)) for name in slots]) if slots else template


def shown(value: FactValue | None) -> str:
    """A fact as people read it: sets by their first items, an unknown one as such."""
    if isinstance(value, str):
        return value
    if value is None:
        return "unknown"
    if isinstance(value, list):
        more = f" and {len(value) - _NAMED} more" if len(value) > _NAMED else ""
        return ", ".join(value[:_NAMED]) + more if value else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def progress(policy: Policy, facts: Mapping[str, FactValue]) -> str:
    """How far it got, such as ``1 of 2``; empty for a rule that says nothing of it."""
    if policy.progress is None:
        return ""
    have, total = policy.progress
    return f"{shown(facts.get(have))} of {total if total.isdigit() else shown(facts.get(total))}"


@lru_cache(maxsize=4096)
def _cut(template: str) -> tuple[str, tuple[str, ...]]:
    return _SLOT.sub("%s", template.replace("%", "%%")), tuple(_SLOT.findall(template))
