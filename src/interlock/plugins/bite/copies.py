"""Copies of a repository in which tests are run: made by git from its objects, in a folder that is thrown away.

Rules:
1. The checkout and the repository are only read. No hook, filter or configuration of either runs (``gitbox``).
2. The base has every file of head that is not the product and differs: tests, fixtures, their data, and how they
   are configured; what head no longer has of these is gone there too.
3. There is one copy at a time, always in the same place, made anew for each run: neither its name, nor its age,
   nor what an earlier run left in it says which side it is of. It is no repository: no branch, no index.
4. Submodules and what git does not track are in no copy.
5. When it is over, nothing is left, whatever the tests made of the folders' permissions. What a run left that was
   killed is removed by a later one (``own_folder``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.paths import path_text
from interlock.plugins.readers.gitbox import Glass
from interlock.plugins.world.own_folder import OwnFolder, remove
from interlock.ports.bite import Edited

_PREFIX = "interlock-tests-"
_NONE = "000000"
_SUBMODULE = "160000"
_FILES = frozenset({"100644", "100755"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One path that differs: modes and object ids on both sides, as git writes them."""

    before: tuple[str, str]
    after: tuple[str, str]
    path: bytes


class Copies:
    """Copies of ``base`` and ``head`` below one folder of its own, seen through ``glass``."""

    def __init__(self, glass: Glass, base: str, head: str, is_product: Callable[[str], bool]) -> None:
        self._glass, self._base, self._head, self._is_product = glass, base, head, is_product
        self._own = OwnFolder(_PREFIX)
        self.folder = self._own.path
        self.place = self.folder / "copy"

    def close(self) -> None:
        """Remove all of them. Idempotent."""
        self._own.close()

    def head(self) -> Path:
        """Head as it is, in the place of what was there."""
        return self._made(self._head, ())

    def base(self) -> Path:
        """Base with what is not product of head, in the place of what was there."""
        return self._made(self._base, [one for one in self._entries() if not self._product(one)])

    def base_alone(self) -> Path:
        """Base as it was, in the place of what was there."""
        return self._made(self._base, ())

    def product(self) -> Iterator[str]:
        """The paths of head's product."""
        found = self._glass.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", self._head)
        return (path for raw in found.split(b"\0") if raw and self._is_product(path := path_text(raw)))

    def patch(self) -> bytes:
        """What the change brings, without context."""
        asked = ("--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "-U0", "-p")
        return self._glass.run("diff-tree", "-r", *asked, self._base, self._head)

    def edited(self) -> tuple[Edited, ...]:
        """The files that differ, with the bytes of those that are Python."""
        found = self._glass.run("diff-tree", "-r", "-z", "-M", self._base, self._head).split(b"\0")
        return tuple(self._edited(found))

    def _edited(self, words: Sequence[bytes]) -> Iterator[Edited]:
        place = 0
        while place + 1 < len(words):
            before, after, status = _header(words[place])
            paths = words[place + 1 : place + (3 if status in "RC" else 2)]
            place += 1 + len(paths)
            old, new = paths[0], paths[-1]
            yield Edited(
                path=path_text(new),
                formerly=path_text(old),
                before=self._python(old, before),
                after=self._python(new, after),
                gone=after[0] == _NONE,
                plain=after[0] in _FILES and before[0] in {_NONE, after[0]},
            )

    def _python(self, path: bytes, side: tuple[str, str]) -> bytes | None:
        if side[0] in {_NONE, _SUBMODULE}:
            return None
        return self._glass.blob(side[1]) if path.endswith(b".py") else None

    def _entries(self) -> Iterator[Entry]:
        words = self._glass.run("diff-tree", "-r", "-z", "--no-renames", self._base, self._head).split(b"\0")
        for header, path in zip(words[::2], words[1::2], strict=False):
            before, after, _ = _header(header)
            yield Entry(before, after, path)

    def _product(self, entry: Entry) -> bool:
        return self._is_product(path_text(entry.path))

    def _made(self, commit: str, over: Sequence[Entry]) -> Path:
        place, index_file = self.place, self.folder / secrets.token_hex(8)
        if place.exists():
            # Moved first: what a run left running may still write there, and must not into the next copy.
            remove(place.rename(self.folder / secrets.token_hex(8)))
        place.mkdir()
        index = {"GIT_INDEX_FILE": str(index_file)}
        self._glass.run("read-tree", "--reset", commit, extra=index)
        lines = b"".join(b"%s %s\t%s\0" % (*map(str.encode, one.after), one.path) for one in over)
        if lines:
            self._glass.run("update-index", "-z", "--index-info", given=lines, extra=index)
        self._glass.run("checkout-index", "--all", "--force", extra=index, folder=place)
        index_file.unlink(missing_ok=True)
        return place


def _header(word: bytes) -> tuple[tuple[str, str], tuple[str, str], str]:
    """Modes and ids of both sides, and the letter of what happened, from ``:mode mode id id letter``."""
    old_mode, new_mode, old, new, status = word.decode("ascii").lstrip(":").split(" ")
    return (old_mode, old), (new_mode, new), status[:1]
