"""One YAML file as values that know their line: what a plan is read from.

Rules:
1. Quoted words are text. Plain ones are null, ``true`` and ``false``, whole numbers and decimals as JSON writes
   them, and else text: ``15m``, ``on`` and ``2026-03-05`` are what they look like.
2. Every refusal names file and line, what was expected, what was written, and what to do. The line is that of the
   key, or of the item of a list.
3. Spans of time are written ``90s``, ``15m``, ``2h`` or ``1d``, or as seconds. Shares are written ``90%``; a
   percent of traffic may be a plain number too.
4. A key without a value means nothing: it is refused, and not taken for one that is left out, whose default is
   something else than nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from interlock.core.change.canonical import Json
from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.yaml_nodes import Mapping as MappingNode
from interlock.core.change.yaml_nodes import Node, Scalar, documents, refused
from interlock.core.rollout.plan import Keys
from interlock.core.rollout.plan_faults import together

MAX_BYTES = 256 * 1024
MAX_VALUES = 20_000

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,18}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")
_SPAN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)?")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_WORDS: Mapping[str, Json] = {"true": True, "True": True, "false": False, "False": False}
_SEVERAL = "a collection"

_PLANNED = ("rollout", "rehearsal", "alert", "snapshot", "test", "scan")
SHAPE = {kind: f"{kind}-plan" for kind in _PLANNED}
RANGE = {kind: f"{kind}-range" for kind in _PLANNED}
"""Codes by what is planned: it is not what it should be, and it is out of bounds."""


@dataclass(slots=True)
class Source:
    """What is known of a file beside its values: the line of each, and each scalar as it was written."""

    path: str
    lines: dict[Keys, int] = field(default_factory=dict)
    texts: dict[Keys, str] = field(default_factory=dict)
    kind: str = "rollout"
    """What is planned: its refusals have codes of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value of the file and the keys that lead to it."""

    value: Json
    source: Source
    keys: Keys = ()

    @property
    def line(self) -> int:
        """Where it stands."""
        return self.source.lines[self.keys]

    @property
    def text(self) -> str:
        """A scalar as it was written, else what it is."""
        return self.source.texts.get(self.keys, _SEVERAL)

    @property
    def name(self) -> str:
        """The key or position it stands at, for people."""
        return ".".join(str(key) for key in self.keys) or "the file"

    def refuse(self, expected: str, got: str | None = None, *, code: str = "", hint: str) -> InvalidInput:
        """The refusal of this value; ``code`` where it is another than that of the whole file's shape."""
        place, code = Place(path=self.source.path, line=self.line), code or SHAPE[self.source.kind]
        return refused(place, expected, self.text if got is None else got, code=code, hint=hint)

    def below(self, key: str | int, value: Json) -> Part:
        """The value at one step further down."""
        return Part(value, self.source, (*self.keys, key))

    def fields(self, known: Iterable[str] | None = None, required: Iterable[str] = ()) -> dict[str, Part]:
        """The values of a map, each of which has one; with ``known`` it may have no other keys."""
        found, faults = self.survey(known, required)
        if faults:
            raise together(faults)
        return found

    def survey(
        self, known: Iterable[str] | None = None, required: Iterable[str] = ()
    ) -> tuple[dict[str, Part], list[InvalidInput]]:
        """The same with all that is wrong with its keys; a misspelt key is not missing as well."""
        if not isinstance(self.value, Mapping):
            raise self.refuse(f"a map at `{self.name}`", hint="write `key: value` lines")
        names = [*self.value] if known is None else [*known]
        found = {key: self.below(key, value) for key, value in self.value.items() if value is not None}
        near = {key: closest(key, names) for key in self.value if key not in names}
        faults = [
            self.below(key, None).refuse(
                f"a known key of `{self.name}`{meant}", key, hint=f"known: {', '.join(names)}"
            )
            for key, meant in near.items()
        ]
        empty = [key for key, value in self.value.items() if value is None and key not in near]
        faults += [self.below(key, None).without_value() for key in empty]
        faults += [
            self.refuse(f"`{key}` in `{self.name}`", "none", hint=f"add `{key}:`")
            for key in required
            if key not in self.value and not any(f"`{key}`" in meant for meant in near.values())
        ]
        return {key: each for key, each in found.items() if key in names}, faults

    def without_value(self) -> InvalidInput:
        """The refusal of a key after which nothing stands."""
        return self.refuse(
            f"a value at `{self.name}`", "nothing", hint="write it after the colon, or remove the key"
        )

    def items(self) -> list[Part]:
        """The values of a list that is not empty."""
        if not isinstance(self.value, list) or not self.value:
            got = None if not isinstance(self.value, list) else "an empty one"
            raise self.refuse(
                f"a list at `{self.name}`",
                got,
                hint="write one `- …` for each, or leave the key out where it may be",
            )
        return [self.below(number, value) for number, value in enumerate(self.value)]

    def word(self) -> str:
        """A text of one line that is not empty."""
        if not isinstance(self.value, str) or not self.value.isprintable() or not self.value.strip():
            raise self.refuse(f"a text at `{self.name}`", hint="write a word, in quotes if it looks like a number")
        return self.value

    def choice(self, known: Sequence[str]) -> str:
        """One of a few words."""
        if self.value not in known:
            near = closest(self.text, list(known))
            raise self.refuse(f"one of {', '.join(known)} at `{self.name}`{near}", hint="write one of them")
        return str(self.value)

    def seconds(self, *, least: float, most: float) -> float:
        """A span of time within bounds."""
        match = _SPAN.fullmatch(self.text)
        if not match:
            raise self.refuse(f"a span of time at `{self.name}`", hint="write 90s, 15m, 2h or 1d, or seconds")
        found = float(match[1]) * _UNITS[match[2] or "s"]
        if not least <= found <= most:
            raise self.refuse(
                f"{span(least)} to {span(most)} at `{self.name}`",
                code=RANGE[self.source.kind],
                hint="correct that line",
            )
        return found

    def percent(self) -> float:
        """A share of traffic, as ``5`` or ``5%``: 0 to 100; whoever asked looks at the bounds."""
        match = _SHARE.fullmatch(self.text)
        if match:
            return float(match[1])
        if not _number(self.value):
            raise self.refuse(f"a percentage at `{self.name}`", hint="write 5, or 5%")
        return float(self.text)

    def fraction(self) -> float:
        """A share above 0 and at most 1, as ``90%`` or ``0.9``."""
        match = _SHARE.fullmatch(self.text)
        found = float(match[1]) / 100 if match else float(self.text) if _number(self.value) else math.nan
        if not 0 < found <= 1:
            wrong = (RANGE if match or _number(self.value) else SHAPE)[self.source.kind]
            raise self.refuse(
                f"a share above 0 % and at most 100 % at `{self.name}`", code=wrong, hint="write 90%, or 0.9"
            )
        return found


def read_source(path: str, content: bytes, kind: str = "rollout") -> Part:
    """The one document of a file; ``kind`` is what it plans.

    Raises:
        InvalidInput: ``yaml-unreadable``, ``yaml-duplicate-key``, ``yaml-too-large``, ``rollout-plan``.
    """
    if len(content) > MAX_BYTES:
        place = Place(path=path, line=1)
        hint = "a plan is a page: split it into one file for each service"
        raise refused(
            place, f"at most {MAX_BYTES} bytes", f"{len(content)} bytes", code="yaml-too-large", hint=hint
        )
    found = list(documents(path, content))
    source = Source(path, {(): 1}, kind=kind)
    if len(found) != 1:
        place = Place(path=path, line=found[1].line if found else 1)
        raise refused(
            place,
            "one plan in a file",
            str(len(found)),
            code=SHAPE[kind],
            hint="one file for each service",
        )
    value = _value(found[0], (), source)
    _find_keys(yaml.compose(content.decode("utf-8-sig"), Loader=_LOADER), (), source)
    return Part(value, source)


def span(seconds: float) -> str:
    """Seconds as a plan writes them."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


def _value(node: Node, keys: Keys, source: Source) -> Json:
    """The JSON value of a node; the reader of nodes has bounded how deep they lie."""
    source.lines[keys] = node.line
    if len(source.lines) > MAX_VALUES:
        place = Place(path=source.path, line=node.line)
        raise refused(
            place, f"at most {MAX_VALUES} values", "more", code="yaml-too-large", hint="a plan is a page"
        )
    if isinstance(node, Scalar):
        source.texts[keys] = node.text
        return _scalar(node)
    if isinstance(node, MappingNode):
        return {key: _value(inner, (*keys, key), source) for key, inner in node.fields.items()}
    return [_value(inner, (*keys, number), source) for number, inner in enumerate(node.items)]


def _find_keys(node: Any, keys: Keys, source: Source) -> None:  # noqa: ANN401  # PyYAML's nodes have no common type
    """The line of each key, which nodes do not tell; what is composed here has been read, counted and bounded."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            source.lines[*keys, key.value] = key.start_mark.line + 1
            _find_keys(value, (*keys, key.value), source)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _find_keys(value, (*keys, number), source)


def _scalar(node: Scalar) -> Json:
    if not node.plain:
        return node.text
    if node.null:
        return None
    if node.text in _WORDS:
        return _WORDS[node.text]
    if _WHOLE.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if _DECIMAL.fullmatch(node.text) else node.text


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
