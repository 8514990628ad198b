"""A planned resource as the plan rules see it: what it will be, and what nobody knows before apply.

Rules:
1. A rule asks for attributes; asking for one that is known only after apply is remembered, so that "could not be
   checked" is told apart from "is fine".
2. Nothing here fails on a value of an unexpected kind: providers change their schemas, and an attribute that is
   not what a rule expects is as good as absent.
3. A problem is told the same way before and after the change, so that an old one can be told from a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.core.change.pointers import joined

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a rule found. ``words`` follow the resource's address; ``pointer`` is from the resource's own root."""

    rule: str
    words: str
    pointer: str = ""
    remedy: str = ""
    level: Level = "error"


@dataclass(frozen=True, slots=True)
class View:
    """One resource, or one block inside it. ``unknown`` is the plan's mask: true where a value is not known."""

    value: Mapping[str, Json]
    unknown: Json = None
    pointer: str = ""
    asked: list[str] = field(default_factory=list)

    def read(self, name: str) -> Json:
        """An attribute, None when it is absent or unknown."""
        mask = self.unknown.get(name) if isinstance(self.unknown, dict) else self.unknown
        if mask is True:
            self.asked.append(joined(self.pointer, name))
            return None
        return self.value.get(name)

    def text(self, name: str) -> str:
        """A text, ``""`` for anything else."""
        found = self.read(name)
        return found if isinstance(found, str) else ""

    def texts(self, name: str) -> list[str]:
        """The texts of a list; a single text counts as a list of one."""
        found = self.read(name)
        mask = self.unknown.get(name) if isinstance(self.unknown, dict) else None
        if isinstance(mask, list) and any(item is True for item in mask):
            self.asked.append(joined(self.pointer, name))
        if isinstance(found, str):
            return [found]
        return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []

    def number(self, name: str) -> int | None:
        """A whole number, None for anything else."""
        found = self.read(name)
        if isinstance(found, str) and found.isdecimal() and len(found) < 10:  # noqa: PLR2004  # no port is longer
            return int(found)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def blocks(self, name: str) -> Iterator[View]:
        """The nested blocks under a name, in order."""
        found = self.read(name)
        mask = self.unknown.get(name) if isinstance(self.unknown, dict) else None
        values = found if isinstance(found, list) else [found]
        masks = mask if isinstance(mask, list) else [mask] * len(values)
        for index, item in enumerate(values):
            if isinstance(item, dict):
                below = masks[index] if index < len(masks) else None
                pointer = joined(joined(self.pointer, name), index) if isinstance(found, list) else self.at(name)
                yield View(item, below, pointer, self.asked)

    def at(self, name: str) -> str:
        """The pointer of an attribute."""
        return joined(self.pointer, name)


Rule = Callable[[View], Iterator[Problem]]
Table = Mapping[str, tuple[Rule, ...]]
"""Rules by resource type."""
