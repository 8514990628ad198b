"""Material for validators, made by hand, that refuses every question a validator has no business asking.

Rules:
1. Content is asked for by paths that changed or that ``exists`` has confirmed; any other path is a misuse and
   raises ``AssertionError`` at once.
2. Absolute paths and paths that climb (``..``) are a misuse too: they could leave the tree of a real material.
3. What is listed under ``broken`` raises ``InvalidInput`` as a real material does for a file that is too large.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlock.core.change.change import Recipe
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Part
from interlock.ports.reader import Reading


class HostileMaterial:
    """A change from ``before`` to ``after``, both path → content; ``unchanged`` lies beside it."""

    def __init__(
        self,
        before: Mapping[str, bytes] | None = None,
        after: Mapping[str, bytes] | None = None,
        *,
        unchanged: Mapping[str, bytes] | None = None,
        broken: Iterable[str] = (),
    ) -> None:
        self._beside = dict(unchanged or {})
        self._before = dict(before or {})
        self._after = dict(after or {})
        self._broken = frozenset(broken)
        self._asked: set[str] = set()

    def changed(self) -> Iterable[str]:
        """Paths that differ, sorted."""
        paths = {*self._before, *self._after, *self._broken}
        return sorted(p for p in paths if p in self._broken or self._before.get(p) != self._after.get(p))

    def before(self, path: str) -> bytes | None:
        """Content before, None for a new path."""
        self._allowed(path)
        return self._beside.get(path, self._before.get(path))

    def after(self, path: str) -> bytes | None:
        """Content after, None for a path that is gone."""
        self._allowed(path)
        return self._beside.get(path, self._after.get(path))

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there after the change."""
        self._inside(path)
        known = [*self._after, *self._beside]
        found = path in known or any(other.startswith(f"{path.rstrip('/')}/") for other in known)
        if found:
            self._asked.add(path)
        return found

    def _allowed(self, path: str) -> None:
        self._inside(path)
        if path in self._broken:
            raise InvalidInput(
                f"expected a file of at most 1 byte, got more at `{path}`", code="file-too-large", hint="split it"
            )
        if path not in self._asked and path not in set(self.changed()):
            raise AssertionError(f"asked for the content of `{path}`, which neither changed nor was seen to exist")

    @staticmethod
    def _inside(path: str) -> None:
        if not path or path.startswith("/") or ".." in path.split("/"):
            raise AssertionError(f"asked for `{path}`, which may lie outside of the tree")


def reading(part: Part, material: HostileMaterial, reader: str = "test") -> Reading:
    """A reading of one part with its material."""
    return Reading(part=part, recipe=Recipe(reader=reader, arguments={}), material=material)
