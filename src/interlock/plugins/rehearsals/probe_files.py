"""The probe ``files``: every file and folder that some globs match, with its content, its mode and whose it is.

Rules:
1. Globs are relative to the checkout, or absolute. One that matches nothing is seen as nothing: a file that a
   change makes is a difference.
2. A file is its SHA-256, its length, its permissions and its owner and group by number; a folder its permissions
   and whose it is, empty or not. What else a system keeps (times, lists of rights, attributes) is not seen.
3. A link is where it leads, whose it is, and what is there: the file's content, that it is a folder, or nothing.
   What lies in a folder behind it is not looked at.
4. More than ``MAX_ITEMS`` files, or a file that may not be read, is a look that failed.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.fingerprint import MAX_ITEMS, Fingerprint
from interlock.plugins.rehearsals.reading import read, refuse
from interlock.ports.rehearsal import RehearsalScene

NAME = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSettings:
    """Globs with ``**`` for any depth."""

    paths: tuple[str, ...]


class FilesProbe:
    """The probe; see the rules above."""

    def __init__(self, settings: Mapping[str, Json], scene: RehearsalScene) -> None:
        self._paths = read(FilesSettings, settings, what=f"the probe `{NAME}`").paths
        self._root = scene.root
        if not self._paths:
            raise refuse("at least one path", "none", hint='write paths: ["config/**"]', path=("paths",))
        for number, each in enumerate(self._paths):
            if not each.strip() or "\0" in each:
                raise refuse("a path or a glob", each, hint="correct that path", path=("paths", number))

    def look(self) -> Fingerprint:
        """Everything that is there now."""
        items: dict[str, str] = {}
        try:
            for name, place in self._found():
                items[name] = seen_file(place, owned=True)
                if len(items) > MAX_ITEMS:
                    return Fingerprint(items={}, failed=f"more than {MAX_ITEMS} files and folders; name fewer")
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            return Fingerprint(items={}, failed=f"{named}{(error.strerror or str(error)).lower()}")
        return Fingerprint(items=items)

    def _found(self) -> Iterator[tuple[str, Path]]:
        for pattern in self._paths:
            for name in sorted(_matching(pattern, self._root)):
                place = Path(self._root, name)
                if _linked(pattern, name, self._root):
                    continue
                yield f"{name.rstrip('/')}/" if place.is_dir() and not place.is_symlink() else name, place


def _matching(pattern: str, root: str) -> list[str]:
    # Path.glob takes no absolute patterns
    return glob.glob(pattern, root_dir=root, recursive=True, include_hidden=True)  # noqa: PTH207  # as above


def _linked(pattern: str, name: str, root: str) -> bool:
    """Whether a glob came there through a linked folder; one that the pattern itself names is meant."""
    meant = len(Path(pattern[: _magic(pattern)]).parts)
    folders = Path(name).parts[:-1]
    return any(Path(root, *folders[:end]).is_symlink() for end in range(meant + 1, len(folders) + 1))


def _magic(pattern: str) -> int:
    """Where the folders end that are named without a wildcard."""
    first = min([at for sign in "*?[" if (at := pattern.find(sign)) >= 0], default=len(pattern))
    return pattern.rfind("/", 0, first) + 1


def seen_file(place: Path, *, owned: bool = False) -> str:
    """A file, a folder, or where a link leads, as a short text; ``owned``: with whose it is.

    Raises:
        OSError: it may not be read.
    """
    if place.is_symlink():
        return f"link to {place.readlink()}{_behind(place)}" if owned else f"link to {place.readlink()}"
    return _seen(place, owned=owned)


def _seen(place: Path, *, owned: bool) -> str:
    status = place.stat()
    if stat.S_ISDIR(status.st_mode):
        what = "folder"
    elif stat.S_ISREG(status.st_mode):
        with place.open("rb") as file:
            what = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}…, {status.st_size} bytes"
    else:
        what = f"no file ({stat.filemode(status.st_mode)[0]})"
    mode = f"{what}, mode {stat.S_IMODE(status.st_mode):04o}"
    return f"{mode}{_owner(status)}" if owned else mode


def _behind(link: Path) -> str:
    """Whose a link is, and what is there where it leads."""
    there = _seen(link, owned=True) if link.exists() else "nothing"
    return f"{_owner(link.lstat())}, where there is {there}"


def _owner(status: os.stat_result) -> str:
    return f", owner {status.st_uid}:{status.st_gid}"
