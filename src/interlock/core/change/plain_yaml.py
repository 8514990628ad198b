"""Our own YAML files (settings, modes, policy cases) as plain values, never larger than what was written.

Rules:
1. Everything is counted event by event before anything is built: bytes, depth, values, and what aliases write out.
2. Aliases are refused unless the reader of a file permits them; then every repetition counts in full.
3. The safe loader builds the value, so only numbers, words, times, lists and maps can come out.
4. A key is a word and stands once in its mapping: a second one would silently replace the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import refused

MAX_BYTES = 1 << 20
MAX_DEPTH = 100
MAX_NODES = 200_000
MAX_WRITTEN = 16 << 20
"""Characters of one file once its aliases are written out."""
MAX_WORD = 4096
"""Characters of a value without quotes and blanks: a longer one is no number, and slow to try as one."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Any = yaml.resolver.Resolver()
_CORE = "tag:yaml.org,2002:"
_KEY_TAGS = frozenset({_CORE + "str", _CORE + "merge", "!"})
_Weight = tuple[int, int, int]
"""Values, characters and levels of a node, aliases written out."""


def read_plain(path: str, content: bytes, *, limit: int = MAX_BYTES, aliases: bool = False) -> object:
    """The one document of a file, None when it is empty; ``path`` names the file in the error.

    Raises:
        InvalidInput: ``yaml-too-large``, ``yaml-duplicate-key`` or ``yaml-unreadable``, naming file and line.
    """
    if len(content) > limit:
        raise _large(path, 1, f"at most {limit} bytes", f"{len(content)} bytes")
    try:
        text = content.decode("utf-8-sig")
        _Scales(path, aliases=aliases).weigh(text)
        return yaml.load(text, Loader=_LOADER)  # noqa: S506  # a safe loader, in C where there is one
    except (yaml.YAMLError, RecursionError, ValueError, ArithmeticError, TypeError, LookupError) as error:
        raise _unreadable(path, error) from error


class _Scales:
    """Weighs one text; ``_open`` holds each open collection's anchor and the weight before it."""

    def __init__(self, path: str, *, aliases: bool) -> None:
        self._path = path
        self._aliases = aliases
        self._nodes = 0
        self._written = 0
        self._open: list[tuple[str | None, int, int, int]] = []
        self._deepest = 0
        self._anchors: dict[str, _Weight] = {}
        self._keys = _Keys(path)

    def weigh(self, text: str) -> None:
        """Pass a text within the limits.

        Raises:
            InvalidInput: at the first line that is not.
        """
        for event in _events(text):
            line = event.start_mark.line + 1
            self._keys.pass_by(event, line)
            if isinstance(event, yaml.ScalarEvent):
                self._word(event, line)
            elif isinstance(event, yaml.AliasEvent):
                self._repeat(event.anchor, line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._open.append((event.anchor, self._nodes, self._written, self._deepest))
                self._deepest = len(self._open)
                self._add((1, 0, 0), line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._close()

    def _word(self, event: Any, line: int) -> None:  # noqa: ANN401  # PyYAML's events have no common type in the stubs
        if not event.style and len(event.value) > MAX_WORD and len(event.value.split()) == 1:
            raise _large(self._path, line, f"at most {MAX_WORD} characters without quotes", f"{len(event.value)}")
        weight = (1, len(event.value), 0)
        if event.anchor:
            self._anchors[event.anchor] = weight
        self._add(weight, line)

    def _repeat(self, name: str | None, line: int) -> None:
        if not self._aliases or name is None or name not in self._anchors:
            place = Place(path=self._path, line=line)
            expected = "an alias of a complete, earlier anchor" if self._aliases else "YAML without aliases"
            raise refused(place, expected, f"*{name}", code="yaml-unreadable", hint="write the value out")
        self._add(self._anchors[name], line)

    def _add(self, weight: _Weight, line: int) -> None:
        nodes, written, levels = weight
        self._nodes += nodes
        self._written += written
        self._deepest = max(self._deepest, len(self._open) + levels)
        if self._deepest > MAX_DEPTH:
            raise _large(self._path, line, f"at most {MAX_DEPTH} levels", "more")
        if self._nodes > MAX_NODES:
            raise _large(self._path, line, f"at most {MAX_NODES} values", "more")
        if self._written > MAX_WRITTEN:
            raise _large(self._path, line, f"at most {MAX_WRITTEN} characters", "more")

    def _close(self) -> None:
        levels = self._deepest - len(self._open) + 1
        anchor, nodes, written, deepest = self._open.pop()
        if anchor:
            self._anchors[anchor] = (self._nodes - nodes, self._written - written, levels)
        self._deepest = max(self._deepest, deepest)


class _Keys:
    """Each key is a word and stands once; ``_open`` holds the keys of each open mapping, None for a list."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: list[set[str] | None] = []
        self._key_is_next: list[bool] = []

    def pass_by(self, event: Any, line: int) -> None:  # noqa: ANN401  # PyYAML's events have no common type in the stubs
        """Follow one event.

        Raises:
            InvalidInput: ``yaml-duplicate-key`` or ``yaml-unreadable``.
        """
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._key_is_next.pop()
        elif isinstance(event, yaml.NodeEvent):
            if self._open and (known := self._open[-1]) is not None:
                if self._key_is_next[-1]:
                    self._key(event, known, line)
                self._key_is_next[-1] = not self._key_is_next[-1]
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._open.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
                self._key_is_next.append(True)

    def _key(self, event: Any, known: set[str], line: int) -> None:  # noqa: ANN401  # as above
        place = Place(path=self._path, line=line)
        if not isinstance(event, yaml.ScalarEvent):
            shown = f"*{event.anchor}" if isinstance(event, yaml.AliasEvent) else "a collection"
            raise refused(place, "a word as key", shown, code="yaml-unreadable", hint="use plain keys")
        tag = event.tag or _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag not in _KEY_TAGS:
            hint = "put the key in quotes, or use another word"
            raise refused(place, "a word as key", event.value, code="yaml-unreadable", hint=hint)
        if event.value in known:
            got = f"{event.value} twice"
            raise refused(place, "each key once", got, code="yaml-duplicate-key", hint="remove one of the two")
        known.add(event.value)


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _unreadable(path: str, error: Exception) -> InvalidInput:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "something unreadable"
    place = Place(path=path, line=mark.line + 1 if mark else 1)
    return refused(place, "YAML", str(problem), code="yaml-unreadable", hint="correct that line")


def _large(path: str, line: int, expected: str, got: str) -> InvalidInput:
    place = Place(path=path, line=line)
    return refused(place, expected, got, code="yaml-too-large", hint="write the file plainly, or split it")
