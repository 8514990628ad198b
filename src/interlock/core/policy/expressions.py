"""Reading Cedar's JSON expressions: ``context.fact``, ``context has fact``, constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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


def constant(node: Node) -> bool | int | str | None:
    """The value that ``node`` is, if it is a constant and no set."""
    value = node.get("Value") if isinstance(node, dict) and len(node) == 1 else None
    return value if isinstance(value, bool | int | str) else None


def only(node: Node) -> tuple[str, Mapping[str, Node]]:
    """The one operator that ``node`` applies, with its operands; nothing for a node of another form."""
    (kind, inner), *more = node.items() if isinstance(node, dict) and node else [("", {})]
    return (kind, inner) if not more and isinstance(inner, dict) else ("", {})


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
