"""RFC 6901 pointers: made, shown to people, and matched by globs.

Rules:
1. A person reads ``delivery.max_days``, ``hosts[2].name`` and ``Deployment frontend spec.replicas``; a program
   reads ``/delivery/max_days``.
2. In a glob ``*`` stands for one step or a part of it, ``?`` for one character, and ``**`` for any number of
   steps, none included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from interlock.core.change.canonical import Json

MAX_SHOWN = 60
MAX_LINE = 500
_STAND_INS = frozenset({"number", "redacted", "unknown"})
_LABEL = 3  # slashes in ``apiVersion/kind/namespace/name``, a Kubernetes object's step


def joined(pointer: str, step: str | int) -> str:
    """The pointer to a member of what ``pointer`` names."""
    return f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}"


def steps(pointer: str) -> list[str]:
    """The unescaped steps of a pointer; none for the whole document."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def dotted(pointer: str) -> str:
    """The pointer as people write it; ``the document`` for the whole."""
    parts = steps(pointer)
    label = parts.pop(0).split("/") if parts and parts[0].count("/") >= _LABEL else []
    text = "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in parts).removeprefix(".")
    return " ".join(filter(None, (f"{label[-3]} {label[-1]}" if label else "", text))) or "the document"


def shown(value: Json) -> str:
    """A value in one short line, for a message."""
    if isinstance(value, dict):
        return _stand_in(value) if is_stand_in(value) else f"a map of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = f'"{value}"' if isinstance(value, str) and (not value or value != value.strip()) else str(value)
    text = one_line(text)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _stand_in(value: dict[str, Json]) -> str:
    ((kind, held),) = value.items()
    return shown(held) if kind == "number" else {"redacted": "redacted", "unknown": "not known yet"}[kind]


def one_line(text: str) -> str:
    """``text`` as a message may show it: what does not print is escaped, what is too long is cut."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"


def leaves(value: Json, pointer: str = "") -> Iterator[tuple[str, Json]]:
    """Every scalar below ``value`` (every empty list or map, every stand-in) with its pointer, in order."""
    for place, item in every(value, pointer):
        if not isinstance(item, dict | list) or not item or is_stand_in(item):
            yield place, item


def is_stand_in(value: Json) -> bool:
    """Whether a map stands for one value: an exact number, or something redacted or not known yet."""
    return isinstance(value, dict) and len(value) == 1 and not _STAND_INS.isdisjoint(value)


def every(value: Json, pointer: str = "") -> Iterator[tuple[str, Json]]:
    """Everything in ``value`` with its pointer, what contains before what is contained."""
    pending: list[tuple[str, Json]] = [(pointer, value)]
    while pending:
        place, item = pending.pop()
        yield place, item
        if isinstance(item, dict) and not is_stand_in(item):
            pending.extend((joined(place, key), item[key]) for key in reversed(item))
        elif isinstance(item, list):
            pending.extend((joined(place, index), item[index]) for index in reversed(range(len(item))))


def at(value: Json, pointer: str) -> Json:
    """What a pointer names, None where there is nothing."""
    for step in steps(pointer):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 10 and int(step) < len(value):  # noqa: PLR2004  # no list is longer
            value = value[int(step)]
        else:
            return None
    return value


def covers(pattern: str, pointer: str) -> bool:
    """Whether a pointer glob (``/delivery/**``, ``/hosts/*/port``) covers ``pointer``, by rule 2."""
    return _compiled(pattern).fullmatch(pointer) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = pattern.strip("/").split("/")
    expression = "".join("(?:/[^/]*)*" if part == "**" else "/" + _step(part) for part in parts if part)
    return re.compile(expression, re.DOTALL)


def _step(part: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(mark) or re.escape(mark) for mark in part)
