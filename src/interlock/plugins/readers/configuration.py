"""Reads configuration files key by key; ``interlock.core.change.configuration`` has the rules.

Arguments, one of two ways:
- ``match``: patterns (one a line or between commas, ``!`` excludes) over the files that the other readers of the
  same request found changed. A matching file must be readable configuration. ``renamed`` names files that were
  renamed (a JSON object, new path → old): one whose old path matches is read under its new path and compared with
  what was at the old one.
- ``before`` and ``after``: two files, or two folders whose files of a known format are compared by their place in
  them. One may be left out: then everything is new, or everything is gone.

Without any of these, or when no changed file matches, there is nothing to read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from interlock.core.change.change import Recipe
from interlock.core.change.configuration import MAX_BYTES, format_of, read_configuration
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Configuration
from interlock.core.change.paths import glob_matcher, path_text, split_patterns
from interlock.plugins.readers.files import content, inside, relative
from interlock.ports.reader import Material, Reading, ReadRequest

MAX_FILES = 5_000
MAX_TOTAL = 128 * 1024 * 1024


class ConfigurationMaterial:
    """The files that were compared. With a material behind it, what else exists is asked there."""

    def __init__(
        self,
        before: dict[str, bytes],
        after: dict[str, bytes],
        *,
        behind: tuple[Material, ...] = (),
        folder: Path | None = None,
        formerly: Mapping[str, str] | None = None,
    ) -> None:
        self._before = before
        self._after = after
        self._behind = behind
        self._folder = folder
        self.formerly = dict(formerly or {})

    def changed(self) -> Iterable[str]:
        """Paths that differ, sorted."""
        return sorted(self._before.keys() | self._after.keys())

    def before(self, path: str) -> bytes | None:
        """Content before."""
        return self._before.get(path)

    def after(self, path: str) -> bytes | None:
        """Content after."""
        return self._after.get(path)

    def exists(self, path: str) -> bool:
        """Whether it is one of the files, or exists in what is behind, or in the new folder."""
        if path in self._after or any(material.exists(path) for material in self._behind):
            return True
        if self._folder is None or path in self._before:
            return False
        try:
            return inside(self._folder, path).exists()
        except InvalidInput:
            return False


class ConfigurationReader:
    """Describes which keys of which configuration files differ."""

    name = "configuration"

    def read(self, request: ReadRequest) -> Reading | None:
        """The files as a ``Configuration``, None when there are none."""
        named = {key: request.arguments[key] for key in ("after", "before", "match") if request.arguments.get(key)}
        if not named:
            return None
        if "match" in named and len(named) > 1:
            raise InvalidInput(
                "expected either `match` or `before` and `after`, got both",
                code="configuration-arguments",
                hint="read them as two parts",
            )
        material = _matched(request, named["match"]) if "match" in named else _compared(request, named)
        if material is None:
            return None
        files = [
            read_configuration(
                path, material.before(path), material.after(path), formerly=material.formerly.get(path)
            )
            for path in material.changed()
        ]
        part = Configuration(files=tuple(files))
        return Reading(part=part, recipe=Recipe(reader=self.name, arguments=named), material=material)


def _matched(request: ReadRequest, patterns: str) -> ConfigurationMaterial | None:
    """Changed files of the request's materials that a pattern names; the first material that has one counts."""
    wanted = glob_matcher(split_patterns(patterns))
    before: dict[str, bytes] = {}
    after: dict[str, bytes] = {}
    seen: set[str] = set()
    budget = _Budget()
    renamed = _renamed(request, wanted)
    for material in request.materials:
        for path in material.changed():
            if path in seen or path in renamed.values() or not (path in renamed or wanted(path)):
                continue
            seen.add(path)
            old, new = material.before(renamed.get(path, path)), material.after(path)
            if old is not None:
                before[path] = old
            if new is not None:
                after[path] = new
            budget.take(old)
            budget.take(new)
    if not before and not after:
        return None
    return ConfigurationMaterial(before, after, behind=request.materials, formerly=renamed)


def _renamed(request: ReadRequest, wanted: Callable[[str], bool]) -> dict[str, str]:
    """New path → old, of files that were configuration and still have a format that can be read key by key."""
    told = json.loads(request.arguments.get("renamed", "{}"))
    return {new: old for new, old in told.items() if wanted(old) and format_of(new)}


def _compared(request: ReadRequest, named: dict[str, str]) -> ConfigurationMaterial:
    sides = {side: inside(request.root, named[side]) for side in ("before", "after") if side in named}
    folders = {path.is_dir() for path in sides.values()}
    if len(folders) > 1:
        raise InvalidInput(
            "expected two files or two folders, got one of each",
            code="configuration-arguments",
            hint="name the file inside the folder",
        )
    folder = folders == {True}
    top = sides.get("after", sides.get("before", request.root))
    shown = "" if folder else relative(request.root, top)
    budget = _Budget()
    before = _side(sides.get("before"), request.root, shown, budget, folder=folder)
    after = _side(sides.get("after"), request.root, shown, budget, folder=folder)
    same = [path for path in before if before[path] == after.get(path)]
    for path in same:
        del before[path], after[path]
    if not before and not after:
        raise InvalidInput(
            "expected two versions that differ, got the same content",
            code="configuration-unchanged",
            hint="name the version before and the version after the change",
        )
    return ConfigurationMaterial(before, after, folder=sides.get("after") if folder else None)


def _side(path: Path | None, root: Path, shown: str, budget: _Budget, *, folder: bool) -> dict[str, bytes]:
    if path is None:
        return {}
    if not folder:
        return {shown: content(root, os.fspath(path), limit=MAX_BYTES)}
    found: dict[str, bytes] = {}
    for file in _walk(path):
        name = path_text(os.fsencode(file.relative_to(path)))
        found[name] = content(path, os.fspath(file), limit=MAX_BYTES)
        budget.take(found[name])
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Files of a known format below a folder, in order; ``.git`` is no configuration. Links are not entered."""

    def refuse(error: OSError) -> None:
        raise InvalidInput(
            f"expected a readable folder, got `{path_text(os.fsencode(error.filename or folder))[:200]}`",
            code="file-unreadable",
            hint="check its permissions",
        ) from error

    for top, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(files):
            if format_of(name):
                yield Path(top, name)


class _Budget:
    """How much may still be read; every file is counted once, before or after."""

    def __init__(self) -> None:
        self._files = 0
        self._bytes = 0

    def take(self, content: bytes | None) -> None:
        """Count one file.

        Raises:
            InvalidInput: ``configuration-too-big`` when it is one too many.
        """
        if content is None:
            return
        self._files += 1
        self._bytes += len(content)
        if self._files > 2 * MAX_FILES:
            raise _too_many(f"at most {MAX_FILES} configuration files on each side")
        if self._bytes > MAX_TOTAL:
            raise _too_many(f"at most {MAX_TOTAL >> 20} MiB of configuration")


def _too_many(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got more", code="configuration-too-big", hint="narrow the patterns or the folder"
    )
