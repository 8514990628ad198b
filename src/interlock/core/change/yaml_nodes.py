"""YAML with line numbers and limits, read event by event: what catalog and documentation are written in.

Rules:
1. Every scalar stays the text that was written (``1`` and ``"1"`` read the same); the reader of a field says
   what it must be. A plain empty, ``~`` or ``null`` scalar is null.
2. Events are pulled one at a time, so a document that is too deep, too wide or repeats itself through aliases
   is refused before it is built. Nothing here recurses.
3. A key twice in one mapping is refused: the second would silently replace the first.
4. An alias may only name an anchor that is already complete, so no value contains itself; what aliases repeat
   may add at most ``MAX_ALIASED`` nodes to a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 3_000_000
MAX_ALIASED = 100_000

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class Scalar:
    """Text as written, its line (from 1), and whether it stood without quotes."""

    text: str
    line: int
    plain: bool

    @property
    def null(self) -> bool:
        """Whether nothing was written."""
        return self.plain and self.text in _NULLS


@dataclass(slots=True)
class Sequence:
    """A list and the line of its first item."""

    items: list[Node]
    line: int


@dataclass(slots=True)
class Mapping:
    """A mapping and the line of its first key."""

    fields: dict[str, Node]
    line: int


Node: TypeAlias = Scalar | Sequence | Mapping


class Words(str):
    """What is there, in words: nothing that somebody wrote, so it is shown without quotes."""

    __slots__ = ()


def refused(place: Place, expected: str, got: str, *, code: str, hint: str) -> InvalidInput:
    """The one form in which a catalog file is refused: expected, got, file and line."""
    shown = " ".join(got.split())[:80]
    shown = shown if isinstance(got, Words) else f"`{shown}`"
    return InvalidInput(f"expected {expected}, got {shown} at `{place.path}:{place.line}`", code=code, hint=hint)


def documents(path: str, content: bytes) -> Iterator[Node]:
    """Each document of a file, lazily; an empty one is a null scalar.

    Raises:
        InvalidInput: ``yaml-unreadable``, ``yaml-duplicate-key`` or ``yaml-too-large``, naming file and line.
    """
    if len(content) > MAX_BYTES:
        raise _large(path, 1, f"at most {MAX_BYTES} bytes", f"{len(content)} bytes")
    try:
        text = content.decode("utf-8-sig")
        yield from _Builder(path).build(text)
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "bytes that are not UTF-8 text"
        raise refused(
            Place(path=path, line=line), "YAML", str(problem), code="yaml-unreadable", hint="correct that line"
        ) from error


class _Builder:
    """Turns events into nodes with an explicit stack; one per file, so that limits count over the whole file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.nodes = 0
        self.aliased = 0
        self.anchors: dict[str, tuple[Node, int]] = {}
        # Each open collection with its anchor, its pending key, and the node count when it was opened.
        self.stack: list[tuple[Sequence | Mapping, str | None, list[str], int]] = []
        self.root: Node | None = None

    def build(self, text: str) -> Iterator[Node]:
        """The documents of ``text``."""
        for event in _events(text):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                line = event.start_mark.line + 1
                self._count(line)
                self._place(Scalar(event.value, line, not event.style), event.anchor, 1)
            elif kind is yaml.MappingStartEvent:
                self._open(Mapping({}, event.start_mark.line + 1), event.anchor)
            elif kind is yaml.SequenceStartEvent:
                self._open(Sequence([], event.start_mark.line + 1), event.anchor)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                node, anchor, _, before = self.stack.pop()
                self._place(node, anchor, self.nodes + self.aliased - before + 1)
            elif kind is yaml.AliasEvent:
                self._alias(event.anchor, event.start_mark.line + 1)
            elif kind is yaml.DocumentEndEvent:
                if self.root is not None:
                    yield self.root
                self.root = None
                self.anchors.clear()

    def _count(self, line: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _large(self.path, line, f"at most {MAX_NODES} values", "more")

    def _open(self, node: Sequence | Mapping, anchor: str | None) -> None:
        self._count(node.line)
        if len(self.stack) >= MAX_DEPTH:
            raise _large(self.path, node.line, f"at most {MAX_DEPTH} levels", "more")
        self.stack.append((node, anchor, [], self.nodes + self.aliased))

    def _alias(self, name: str, line: int) -> None:
        if name not in self.anchors:
            raise refused(
                Place(path=self.path, line=line),
                "an alias of a complete, earlier anchor",
                f"*{name}",
                code="yaml-unreadable",
                hint="write the value out",
            )
        node, weight = self.anchors[name]
        self.aliased += weight
        if self.aliased > MAX_ALIASED:
            raise _large(self.path, line, f"aliases that repeat at most {MAX_ALIASED} values", "more")
        self._place(node, None, weight)

    def _place(self, node: Node, anchor: str | None, weight: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, weight)
        if not self.stack:
            self.root = node
            return
        parent, _, pending, _ = self.stack[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif pending:
            parent.fields[pending.pop()] = node
        else:
            pending.append(self._key(parent, node))

    def _key(self, parent: Mapping, node: Node) -> str:
        if not isinstance(node, Scalar):
            place = Place(path=self.path, line=node.line)
            raise refused(place, "a word as key", "a collection", code="yaml-unreadable", hint="use plain keys")
        if node.text in parent.fields:
            raise refused(
                Place(path=self.path, line=node.line),
                "each key once",
                f"{node.text} twice",
                code="yaml-duplicate-key",
                hint="remove one of the two",
            )
        return node.text


def _events(text: str) -> Iterator[Any]:
    """The loader is used for its events alone: it constructs nothing."""
    loader = _LOADER(text)
    try:
        event = loader.get_event()
        while type(event) is not yaml.StreamEndEvent:
            yield event
            event = loader.get_event()
    finally:
        loader.dispose()


def _large(path: str, line: int, expected: str, got: str) -> InvalidInput:
    return refused(
        Place(path=path, line=line),
        expected,
        got,
        code="yaml-too-large",
        hint="split the file, or write it plainly",
    )
