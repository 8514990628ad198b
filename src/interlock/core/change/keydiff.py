"""The difference of two values, key by key.

Rules:
1. What is added or removed is told leaf by leaf; an empty mapping or list is a leaf. A value that changes its
   kind (a text becomes a list, ``1`` becomes ``"1"`` or ``1.0``) is one change of the whole value.
2. Lists of mappings that all have a ``name`` (or ``key``, or ``id``) of their own are compared by it, so that an
   insertion is one insertion. Other lists are compared in place after what is equal at both ends.
3. A path is the new value's, or the old one's for a removal.
4. Order: as in the new value, then what is only in the old.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from interlock.core.change.canonical import Json
from interlock.core.change.keyed import Single

Path = tuple[str | int, ...]

_NAMES = ("name", "key", "id")
_SINGLES = frozenset({str, int, float, bool, type(None)})


class Difference(NamedTuple):
    """One key that differs; ``path`` by rule 3."""

    path: Path
    op: Literal["added", "removed", "changed"]
    before: Json
    after: Json


class Absent:
    """No value at all, which is not null."""


ABSENT = Absent()


def compare(before: Json | Absent, after: Json | Absent, path: Path = ()) -> Iterator[Difference]:
    """What differs between two JSON values of bounded depth."""
    if isinstance(before, Absent):
        if not isinstance(after, Absent):
            yield from (Difference(at, "added", None, leaf) for at, leaf in leaves(after, path))
    elif isinstance(after, Absent):
        yield from (Difference(at, "removed", leaf, None) for at, leaf in leaves(before, path))
    elif _is_mapping(before) and _is_mapping(after):
        yield from _mappings(before, after, path)  # type: ignore[arg-type]  # both are dicts by the line above
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path)
    elif not same(before, after):
        yield Difference(path, "changed", before, after)


def same(before: Json, after: Json) -> bool:
    """Equality that tells ``1`` from ``True`` and from ``1.0``, at any depth."""
    if type(before) is not type(after):
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(same(item, after[key]) for key, item in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(same(*pair) for pair in zip(before, after, strict=True))
    return before == after


def leaves(value: Json, path: Path) -> list[tuple[Path, Json]]:
    """Each leaf of a value with its path."""
    found: list[tuple[Path, Json]] = []
    _gather(value, path, found)
    return found


def _gather(value: Json, path: Path, found: list[tuple[Path, Json]]) -> None:
    if isinstance(value, dict) and value and not isinstance(value, Single):
        for key, item in value.items():
            _gather(item, (*path, key), found)
    elif isinstance(value, list) and value:
        for at, item in enumerate(value):
            _gather(item, (*path, at), found)
    else:
        found.append((path, value))


def pointer(path: Sequence[str | int]) -> str:
    """The path as an RFC 6901 pointer."""
    text = "".join([f"/{step}" for step in path])
    if "~" in text or text.count("/") != len(path):
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return text


def _is_mapping(value: Json) -> bool:
    return isinstance(value, dict) and not isinstance(value, Single)


def _mappings(before: dict[str, Json], after: dict[str, Json], path: Path) -> Iterator[Difference]:
    for key, item in after.items():
        old = before.get(key, ABSENT)
        # Most of a real document stays as it was, and most of that are single values.
        if not (type(item) in _SINGLES and type(old) is type(item) and old == item):
            yield from compare(old, item, (*path, key))
    for key, item in before.items():
        if key not in after:
            yield from compare(item, ABSENT, (*path, key))


def _lists(before: list[Json], after: list[Json], path: Path) -> Iterator[Difference]:
    if not before or not after:
        yield from _emptied(before, after, path)
        return
    for name in _NAMES:
        old, new = _named(before, name), _named(after, name)
        if old is not None and new is not None:
            for label, (at, item) in new.items():
                yield from compare(old[label][1] if label in old else ABSENT, item, (*path, at))
            for label, (at, item) in old.items():
                if label not in new:
                    yield from compare(item, ABSENT, (*path, at))
            return
    yield from _placed(before, after, path)


def _emptied(before: list[Json], after: list[Json], path: Path) -> Iterator[Difference]:
    """To or from an empty list: the leaves alone would not say that the list is still, or already, there."""
    if before or after:
        yield Difference(path, "changed", before, after)


def _placed(before: list[Json], after: list[Json], path: Path) -> Iterator[Difference]:
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and same(before[head], after[head]):
        head += 1
    tail = 0
    while tail < shorter - head and same(before[-1 - tail], after[-1 - tail]):
        tail += 1
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    for at in range(max(len(old), len(new))):
        left = old[at] if at < len(old) else ABSENT
        right = new[at] if at < len(new) else ABSENT
        yield from compare(left, right, (*path, head + at))


def _named(items: list[Json], name: str) -> dict[str, tuple[int, Json]] | None:
    """Items by their own name, None unless each has one and no two share it."""
    found: dict[str, tuple[int, Json]] = {}
    for at, item in enumerate(items):
        label = item.get(name) if isinstance(item, dict) else None
        if not isinstance(label, str) or label in found:
            return None
        found[label] = (at, item)
    return found
