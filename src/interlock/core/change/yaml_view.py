"""Short ways through a YAML tree that nobody promised a shape of: what is not there is None."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.core.change.yaml_nodes import Mapping, Node, Scalar, Sequence


def at(node: Node | None, *keys: str) -> Node | None:
    """What stands under these keys."""
    for key in keys:
        node = node.fields.get(key) if isinstance(node, Mapping) else None
    return node


def word(node: Node | None, *keys: str) -> str:
    """The text under these keys; empty where there is none."""
    found = at(node, *keys)
    return "" if not isinstance(found, Scalar) or found.null else found.text


def items(node: Node | None, *keys: str) -> list[Node]:
    """The list under these keys; empty where there is none."""
    found = at(node, *keys)
    return found.items if isinstance(found, Sequence) else []


def number(node: Node | None, *keys: str) -> float | None:
    """The number under these keys (``20`` or ``20%``), None where there is none."""
    text = word(node, *keys).strip().removesuffix("%").strip()
    try:
        return float(text) if text and len(text) <= 20 else None  # noqa: PLR2004  # longer is no percent
    except ValueError:
        return None


def mappings(node: Node) -> Iterator[Mapping]:
    """Every mapping of a tree, the outer ones first. An alias is gone through where it stands."""
    waiting: list[Node] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            yield one
            waiting += reversed([*one.fields.values()])
        elif isinstance(one, Sequence):
            waiting += reversed(one.items)


def texts(node: Node) -> Iterator[Scalar]:
    """Every text of a tree."""
    for one in mappings(node):
        for value in one.fields.values():
            if isinstance(value, Scalar):
                yield value
