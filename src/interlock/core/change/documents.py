"""The documents of a configuration file as plain values, with the line of anything in them; what checks read.

Rules:
1. The file's name says its format; a name that promises none has no documents.
2. A number is as exact as a check needs it: integers whole, others as doubles.
3. A file that cannot be read raises; whether that is a finding is for the caller to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.configuration import format_of, read_documents
from interlock.core.change.keyed import Node, line_at, plain_value
from interlock.core.change.pointers import joined, steps


@dataclass(frozen=True, slots=True)
class Document:
    """One document. ``label`` is ``apiVersion/kind/namespace/name`` of a Kubernetes object, or its place."""

    label: str
    value: Json
    node: Node
    kubernetes: bool = False

    @property
    def pointer(self) -> str:
        """What every pointer into this document begins with when it is told of the file."""
        return joined("", self.label) if self.label else ""

    def line(self, pointer: str) -> int | None:
        """The line of what a pointer (from the document's root) names, or of the nearest thing around it."""
        return line_at(self.node, _path(self.value, pointer))


def documents(path: str, content: bytes | None) -> tuple[Document, ...]:
    """Every document of a file that is not empty; none where the name promises no format.

    Raises:
        InvalidInput: ``configuration-malformed``, ``configuration-encoding``, ``configuration-too-big``,
            ``key-twice`` or ``file-too-large``.
    """
    kind = format_of(path)
    if kind is None:
        return ()
    return tuple(
        Document(found.label, _inexact(plain_value(found.node)), found.node, found.kubernetes)
        for found in read_documents(path, kind, content)
    )


def _inexact(value: Json) -> Json:
    if isinstance(value, list):
        return [_inexact(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and isinstance(exact := value.get("number"), str):
        return _number(exact)
    return {key: _inexact(item) for key, item in value.items()}


def _number(text: str) -> Json:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"number": text}  # somebody's own map with this one key


def _path(value: Json, pointer: str) -> list[str | int]:
    found: list[str | int] = []
    for step in steps(pointer):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            found.append(int(step))
            value = value[int(step)]
        else:
            found.append(step)
            value = value.get(step) if isinstance(value, dict) else None
    return found
