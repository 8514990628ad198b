r"""Globs over paths as in CODEOWNERS, and an index that finds the globs of a path among thousands.

Rules:
1. A slash at the start or in the middle anchors a glob at the root; otherwise it may start in any folder.
2. ``*`` and ``?`` stay inside one folder, ``**`` crosses folders, a backslash takes the next character as it is.
3. A glob that names a folder covers everything in it, except when its last part is ``*``, which covers the
   folder's own files alone. A slash at the end names a folder, never a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_PATTERN = 1_000
_WILD = re.compile(r"[*?\\]")


def matches(pattern: str, path: str) -> bool:
    """Whether ``path`` (``/``-separated, relative) is covered by ``pattern``. An empty pattern covers nothing."""
    return compiled(pattern).match(path) is not None


@lru_cache(maxsize=65_536)
def compiled(pattern: str) -> re.Pattern[str]:
    """The anchored expression of a glob."""
    parts = [part for part in pattern.strip("/").split("/") if part]
    if not parts or len(pattern) > MAX_PATTERN:
        return re.compile(r"(?!)")
    start = "" if "/" in pattern.rstrip("/") else r"(?:[^/]*/)*?"
    return re.compile(start + _body(parts) + _ending(pattern, parts), re.DOTALL)


def _body(parts: list[str]) -> str:
    """The parts with ``**`` between them.

    What stands between two ``**`` is taken where it first fits and never tried again (an atomic group), so that
    a hostile glob costs no more than a plain one.
    """
    chunks: list[list[str]] = [[]]
    for part in parts:
        if part == "**":
            chunks.append([])
        else:
            chunks[-1].append(_part(part))
    joined = ["/".join(chunk) for chunk in chunks]
    if len(joined) == 1:
        return joined[0]
    first = joined[0] + "/" if joined[0] else ""
    middle = "".join(f"(?>(?:[^/]*/)*?{chunk}/)" for chunk in joined[1:-1] if chunk)
    last = f"(?:[^/]*/)*?{joined[-1]}" if joined[-1] else ".+"
    return first + middle + last


def _ending(pattern: str, parts: list[str]) -> str:
    if pattern.endswith("/"):
        return r"/.+\Z"
    only_files = parts[-1] == "*" and len(parts) > 1
    return r"\Z" if only_files else r"(?:/.*)?\Z"


def _part(part: str) -> str:
    pieces, position = [""], 0
    while position < len(part):
        mark = part[position]
        if mark == "\\" and position + 1 < len(part):
            position += 1
            pieces[-1] += re.escape(part[position])
        elif mark == "*":
            pieces.append("")
        else:
            pieces[-1] += "[^/]" if mark == "?" else re.escape(mark)
        position += 1
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1] if piece)
    return f"{pieces[0]}{middle}[^/]*{pieces[-1]}"


class GlobIndex(Generic[T]):
    """Values by glob. A look-up tries only globs whose literal folder is the path's own or above it."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._by_folder: dict[str, list[tuple[str, T]]] = {}
        for pattern, value in entries:
            self._by_folder.setdefault(_folder(pattern), []).append((pattern, value))

    def of(self, path: str) -> list[tuple[str, T]]:
        """Each glob that covers ``path``, with its value: the widest folder first, then as entered."""
        near = (entry for folder in _ancestors(path) for entry in self._by_folder.get(folder, ()))
        return [(pattern, value) for pattern, value in near if matches(pattern, path)]


def _folder(pattern: str) -> str:
    """The literal folders an anchored glob starts with; ``""`` when it may start anywhere."""
    if "/" not in pattern.rstrip("/"):
        return ""
    parts = pattern.strip("/").split("/")
    literal = []
    for part in parts[:-1]:
        if _WILD.search(part):
            break
        literal.append(part)
    return "/".join(literal)


def _ancestors(path: str) -> list[str]:
    folders = path.split("/")[:-1]
    return [""] + ["/".join(folders[: count + 1]) for count in range(len(folders))]
