"""Where a key of one of our own YAML files stands, for an error about its value.

Rules:
1. The file was read before (``read_plain``), so it is small, shallow and without aliases.
2. A key that is not there is told at the nearest one above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def line_of(content: bytes, keys: Sequence[str | int]) -> int:
    """The line (from 1) at which ``keys`` lead to something, or as far as they lead."""
    node: Any = yaml.compose(content.decode("utf-8-sig"), Loader=_LOADER)
    line = 1
    for key in keys:
        marked, node = _below(node, key)
        if marked is None:
            break
        line = marked.start_mark.line + 1
    return line


def _below(node: Any, key: str | int) -> tuple[Any, Any]:  # noqa: ANN401  # PyYAML's nodes are untyped in the stubs
    """What stands at the line of ``key``, and the value there; None for both where there is no such key."""
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == str(key)), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None, None
