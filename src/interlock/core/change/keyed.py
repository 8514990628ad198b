"""A configuration text as a tree of keys that remembers its lines.

Rules:
1. A tree has at most 100 levels and 200,000 nodes *as a reader would see it*: what an alias repeats is counted
   each time, before anything walks it.
2. A number keeps its exact value: what a double or 2**53 cannot hold is written ``{"number": "…"}``.
3. A key that appears twice is refused: readers disagree about which one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput

MAX_DEPTH = 100
MAX_NODES = 200_000
MAX_EXACT = 2**53
_MAX_DIGITS = 4_000


class Single(dict[str, Json]):
    """A mapping that stands for one value: a number by rule 2, a tagged text, a placeholder for a secret."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value. ``content`` is a scalar, or child nodes by key or in order; ``line`` counts from 1.

    ``weight`` is the number of nodes in it with aliases counted each time, ``depth`` its levels.
    """

    content: dict[str, Node] | list[Node] | Json
    line: int
    weight: int = 1
    depth: int = 1


def mapping(children: dict[str, Node], line: int) -> Node:
    """A node of named children, checked by rule 1."""
    return Node(children, line, *_measured(children.values(), line))


def sequence(children: list[Node], line: int) -> Node:
    """A node of children in order, checked by rule 1."""
    return Node(children, line, *_measured(children, line))


def _measured(children: Iterable[Node], line: int) -> tuple[int, int]:
    weight, depth = 1, 1
    for child in children:
        weight += child.weight
        depth = max(depth, child.depth + 1)
    if weight > MAX_NODES:
        raise too_big(f"at most {MAX_NODES} values", "more once aliases are followed", line)
    if depth > MAX_DEPTH:
        raise too_big(f"at most {MAX_DEPTH} levels", "deeper nesting", line)
    return weight, depth


def plain_value(node: Node) -> Json:
    """The value without lines. What aliases share stays shared, so this is as small as the text."""
    return _plain(node, {})


def _plain(node: Node, seen: dict[int, Json]) -> Json:
    content = node.content
    if isinstance(content, Single) or not isinstance(content, dict | list):
        return content
    if id(node) not in seen:
        if isinstance(content, dict):
            seen[id(node)] = {key: _item(child, seen) for key, child in content.items()}
        else:
            seen[id(node)] = [_item(child, seen) for child in content]
    return seen[id(node)]


def _item(child: object, seen: dict[int, Json]) -> Json:
    # Only a ``Single`` holds anything but nodes, and it was returned whole before this is asked.
    return _plain(child, seen) if isinstance(child, Node) else str(child)


def line_at(node: Node | None, path: Sequence[str | int]) -> int | None:
    """The line of the value at ``path``, or of its nearest ancestor; None without a tree."""
    if node is None:
        return None
    line = node.line
    for step in path:
        content = node.content
        child: object = None
        if isinstance(content, dict):
            child = content.get(str(step))
        elif isinstance(content, list) and isinstance(step, int) and step < len(content):
            child = content[step]
        if not isinstance(child, Node):
            break
        node, line = child, child.line
    return line


def number(text: str) -> Json:
    """The exact value of a decimal literal, by rule 2.

    Raises:
        ValueError: ``text`` is not a number, or has more than 4,000 digits.
    """
    if len(text) > _MAX_DIGITS:
        raise ValueError(text[:20])
    if text.removeprefix("-").isdigit():
        whole = int(text)
        return whole if abs(whole) < MAX_EXACT else Single(number=str(whole))
    try:
        exact = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    near = float(text)
    return near if Decimal(repr(near)) == exact else Single(number=text)


def duplicate(key: str, line: int) -> InvalidInput:
    """Rule 3's refusal."""
    return InvalidInput(
        f"expected each key once, got `{key[:60]}` again in line {line}",
        code="key-twice",
        hint="remove one of the two",
    )


def too_big(expected: str, got: str, line: int) -> InvalidInput:
    """Rule 1's refusal."""
    return InvalidInput(
        f"expected {expected}, got {got} in line {line}",
        code="configuration-too-big",
        hint="write the values out in several smaller files",
    )


def malformed(kind: str, problem: str, line: int | None) -> InvalidInput:
    """The text is not what its format demands."""
    where = f" in line {line}" if line else ""
    return InvalidInput(
        f"expected {kind}, got {problem[:120]}{where}",
        code="configuration-malformed",
        hint="correct the file, or leave it out with a pattern such as `!templates/**`",
    )
