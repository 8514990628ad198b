"""Reading Cedar's JSON expressions: ``context.fact``, ``context has fact``, constants."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.core.policy.facts import FactValue

Node = object
"""A JSON value of Cedar's policy format."""

WHOLE = "context"
"""Stands among the facts read by a policy that uses ``context`` as one value."""

_CONTEXT = {"Var": "context"}


def facts_read(est: dict[str, object]) -> tuple[str, ...]:
    """The facts in the conditions, in order of appearance."""
    return tuple(dict.fromkeys(_names(est.get("conditions"))))


def attribute(node: Node) -> str | None:
    """The fact that ``node`` is, if it is ``context.fact``."""
    return _named(node, ".")


def guarded(node: Node) -> str | None:
    """The fact that ``node`` asks for, if it is ``context has fact``."""
    return _named(node, "has")


def literal(value: FactValue) -> dict[str, object]:
    """The expression for a constant."""
    if isinstance(value, list):
        return {"Set": [{"Value": item} for item in value]}
    return {"Value": value}


def _named(node: Node, operator: str) -> str | None:
    inner = node.get(operator) if isinstance(node, dict) and len(node) == 1 else None
    if isinstance(inner, dict) and inner.get("left") == _CONTEXT:
        return str(inner.get("attr"))
    return None


def _names(node: Node) -> Iterator[str]:
    name = attribute(node) or guarded(node)
    if name is not None:
        yield name
    elif node == _CONTEXT:
        yield WHOLE
    elif isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _names(item)
