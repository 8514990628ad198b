"""JSON (RFC 8259) with lines: no comments, no trailing commas, no NaN, no key twice."""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # documented in the source, absent from the stubs

from interlock.core.change.canonical import Json
from interlock.core.change.keyed import (
    MAX_DEPTH,
    Node,
    duplicate,
    malformed,
    mapping,
    number,
    sequence,
    too_big,
)

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}


def read_json(text: str) -> Node:
    """The tree of a JSON text.

    Raises:
        InvalidInput: ``configuration-malformed``, ``key-twice`` or ``configuration-too-big``.
    """
    reading = _Reading(text)
    node, end = reading.value(reading.skip(0), 1)
    end = reading.skip(end)
    if end != len(text):
        raise reading.refused(end, "something after the end")
    return node


class _Reading:
    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def line(self, at: int) -> int:
        return bisect_right(self._starts, at)

    def refused(self, at: int, problem: str) -> Exception:
        return malformed("JSON", problem, self.line(at))

    def skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        if depth > MAX_DEPTH:
            raise too_big(f"at most {MAX_DEPTH} levels", "deeper nesting", self.line(at))
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._array(at, depth)
        if first == '"':
            text, end = self._string(at)
            return Node(text, self.line(at)), end
        return self._scalar(at)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            text, end = scanstring(self._text, at + 1, True)  # noqa: FBT003  # strict, positional in the library
        except JSONDecodeError as error:
            raise self.refused(error.pos, "a broken string") from error
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self.refused(at, "half of a surrogate pair")
        return text, end

    def _scalar(self, at: int) -> tuple[Node, int]:
        for word, meaning in _WORDS.items():
            if self._text.startswith(word, at):
                return Node(meaning, self.line(at)), at + len(word)
        match = _NUMBER.match(self._text, at)
        if not match:
            got = self._text[at : at + 20].split("\n")[0]
            raise self.refused(at, f"`{got}`" if got else "the end of the text")
        try:
            return Node(number(match.group()), self.line(at)), match.end()
        except ValueError as error:
            raise self.refused(at, "a number that is too long") from error

    def _object(self, start: int, depth: int) -> tuple[Node, int]:
        children: dict[str, Node] = {}
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "}":
            if children:
                at = self._expect(at, ",")
            if self._text[at : at + 1] != '"':
                raise self.refused(at, "no key in quotes where one must be")
            key_at = at
            key, at = self._string(at)
            if key in children:
                raise duplicate(key, self.line(key_at))
            node, at = self.value(self._expect(self.skip(at), ":"), depth + 1)
            children[key] = Node(node.content, self.line(key_at), node.weight, node.depth)
            at = self.skip(at)
        return mapping(children, self.line(start)), at + 1

    def _array(self, start: int, depth: int) -> tuple[Node, int]:
        children: list[Node] = []
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "]":
            if children:
                at = self._expect(at, ",")
            node, at = self.value(at, depth + 1)
            children.append(node)
            at = self.skip(at)
        return sequence(children, self.line(start)), at + 1

    def _expect(self, at: int, mark: str) -> int:
        if self._text[at : at + 1] != mark:
            got = self._text[at : at + 1]
            raise self.refused(at, f"`{got}` instead of `{mark}`" if got else "the end of the text")
        return self.skip(at + 1)
