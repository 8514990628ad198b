"""YAML with lines, by PyYAML's event stream; several documents in one text.

Rules:
1. The tree is built from events, never by the library's recursive composer: depth is checked as it grows.
2. Scalars resolve as PyYAML's safe loader does (YAML 1.1), except that times and binary stay text, a key keeps
   its spelling (``on`` stays ``on``), and a value under a local tag becomes ``{"!tag": value}``.
3. An alias shares its anchor's node; the tree's weight counts it each time. Merge keys are resolved, a key
   written out wins over a merged one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from interlock.core.change.canonical import Json
from interlock.core.change.keyed import (
    MAX_DEPTH,
    MAX_NODES,
    Node,
    Single,
    duplicate,
    malformed,
    mapping,
    number,
    sequence,
    too_big,
)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_CORE = "tag:yaml.org,2002:"


def read_yaml(text: str) -> list[Node]:
    """The trees of a YAML text, one for each document that is not empty.

    Raises:
        InvalidInput: ``configuration-malformed``, ``key-twice`` or ``configuration-too-big``.
    """
    try:
        return [node for node in _documents(_events(text)) if node.content is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or "characters that YAML does not permit")
        raise malformed("YAML", " ".join(problem.split()), mark.line + 1 if mark else None) from error
    except (ValueError, OverflowError) as error:
        raise malformed("YAML", "a number that cannot be read", None) from error


def _events(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        count = 0
        while loader.check_event():
            event = loader.get_event()
            count += 1
            if count > 3 * MAX_NODES:
                raise too_big(f"at most {MAX_NODES} values", "more", event.start_mark.line + 1)
            yield event
    finally:
        loader.dispose()


def _documents(events: Iterator[Any]) -> Iterator[Node]:
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            yield _Document(events).root()


class _Document:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}

    def root(self) -> Node:
        return self._node(next(self._events), 1)

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401  # PyYAML's events have no common type in the stubs
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise too_big(f"at most {MAX_DEPTH} levels", "deeper nesting", line)
        if isinstance(event, yaml.AliasEvent):
            known = self._anchors.get(str(event.anchor))
            if known is None:
                raise malformed("YAML", f"the alias `{str(event.anchor)[:60]}` of no anchor before it", line)
            return Node(known.content, line, known.weight, known.depth)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(_scalar(event, line), line)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._tagged(event, self._sequence(line, depth))
        else:
            node = self._tagged(event, self._mapping(line, depth))
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _tagged(self, event: Any, node: Node) -> Node:  # noqa: ANN401  # as above
        if not event.tag or event.tag.startswith(_CORE) or event.tag == "!":
            return node
        return mapping({event.tag[:100]: node}, node.line)

    def _sequence(self, line: int, depth: int) -> Node:
        children: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            children.append(self._node(event, depth + 1))
        return sequence(children, line)

    def _mapping(self, line: int, depth: int) -> Node:
        written: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            at = event.start_mark.line + 1
            key = self._key(event, at)
            node = self._node(next(self._events), depth + 1)
            if _is_merge(event):
                for name, child in _merged(node, at).items():
                    merged.setdefault(name, child)
            elif key in written:
                raise duplicate(key, at)
            else:
                written[key] = Node(node.content, at, node.weight, node.depth)
        return mapping(merged | written, line)

    def _key(self, event: Any, line: int) -> str:  # noqa: ANN401  # as above
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        if isinstance(event, yaml.AliasEvent):
            known = self._anchors.get(str(event.anchor))
            if known is not None and isinstance(known.content, str):
                return known.content
        raise malformed("YAML", "a key that is not a single value", line)


def _is_merge(event: Any) -> bool:  # noqa: ANN401  # as above
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]


def _merged(node: Node, line: int) -> dict[str, Node]:
    sources = node.content if isinstance(node.content, list) else [node]
    found: dict[str, Node] = {}
    for source in sources:
        if not isinstance(source, Node) or not isinstance(source.content, dict):
            raise malformed("YAML", "a merge key whose value is no mapping", line)
        for name, child in source.content.items():
            if isinstance(child, Node):
                found.setdefault(name, child)
    return found


def _scalar(event: Any, line: int) -> Json:  # noqa: ANN401  # as above
    tag = event.tag
    if tag == "!":
        return str(event.value)
    if tag is None:
        tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
    node = yaml.ScalarNode(tag, event.value)
    try:
        if tag == _CORE + "null":
            return None
        if tag == _CORE + "bool":
            return bool(_CONSTRUCTOR.construct_yaml_bool(node))
        if tag == _CORE + "int":
            return number(str(_CONSTRUCTOR.construct_yaml_int(node)))
        if tag == _CORE + "float":
            return _float(node)
    except (ValueError, KeyError) as error:
        raise malformed("YAML", f"`{event.value[:40]}`, which is not what its tag says", line) from error
    if tag.startswith(_CORE):
        return str(event.value)
    return Single({str(tag)[:100]: str(event.value)})


def _float(node: yaml.ScalarNode) -> Json:
    """Decimal literals exactly; infinities, NaN and base 60 by their text."""
    text = node.value.replace("_", "").lower()
    try:
        return number(text)
    except ValueError:
        _CONSTRUCTOR.construct_yaml_float(node)
        return Single(number=text)
