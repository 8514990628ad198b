"""Reading Cedar's JSON expressions: which facts a policy looks at."""

from __future__ import annotations

from collections.abc import Iterator

_CONTEXT = {"Var": "context"}


def facts_read(est: dict[str, object]) -> tuple[str, ...]:
    """The context attributes in the conditions, in order of appearance."""
    return tuple(dict.fromkeys(_attributes(est.get("conditions"))))


def _attributes(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _attributes(item)
    elif isinstance(node, dict):
        if node.get("left") == _CONTEXT and isinstance(node.get("attr"), str):
            yield str(node["attr"])
        for item in node.values():
            yield from _attributes(item)
