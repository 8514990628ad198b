"""A git repository's releases: tags resolved to commits, and trees read through clean glass (see ``gitbox``).

Rules:
1. A tag is followed to its commit however many tags it leads through; one that ends in a file or a tree is none.
2. Names that do not print are left out: they could not be typed, and could forge what is shown.
3. What a shallow or partial copy lacks is None, never an error and never fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from interlock.core.audit.releases import Tag
from interlock.core.change.errors import InterlockError
from interlock.core.change.paths import path_text
from interlock.plugins.readers.gitbox import Glass, Located, locate, resolve, tags
from interlock.ports.releases import Tags, Tree, TreeFile

MOST_TAGS, MOST_NAMING = 5_000, 5_000
_PREFIX = "refs/tags/"
_REGULAR = frozenset({b"100644", b"100755", b"100664"})
_LINK, _SUBMODULE = b"120000", b"160000"
_LATEST = 253_402_300_799
"""The last second that a date can hold."""


def open_releases(root: Path) -> GitReleases | None:
    """The repository that ``root`` lies in, None where there is none."""
    located = locate(root)
    return None if located is None else GitReleases(located)


class GitReleases:
    """Implements ``ports.releases.ReleasedTrees``."""

    def __init__(self, located: Located) -> None:
        self._located = located
        self._glass = Glass(located)

    def tags(self) -> Tags:
        """Newest first."""
        listed = [(name, at) for name, at in tags(self._located, MOST_TAGS) if name.isprintable()]
        commits = resolve(self._located, [f"{name}^{{commit}}" for name, _ in listed]) if listed else []
        found = tuple(
            Tag(name=name.removeprefix(_PREFIX), commit=commit, at=_moment(at))
            for (name, at), commit in zip(listed, commits, strict=True)
            if commit is not None
        )
        return Tags(all=found, shallow=bool(self._located.shallow))

    def commit(self, revision: str) -> Tag | None:
        """With the committer's time."""
        found = resolve(self._located, [f"{revision}^{{commit}}"])[0]
        if found is None:
            return None
        at = self._glass.run("log", "-1", "--no-show-signature", "--format=%ct", found, "--").decode(
            "ascii", "replace"
        )
        return Tag(name=revision, commit=found, at=_moment(at.strip()))

    def tree(self, commit: str) -> Tree | None:
        """As it lies, without what was checked out."""
        try:
            raw = self._glass.run("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        except InterlockError:
            return None
        return _tree(raw.split(b"\0"))

    def content(self, blob: str) -> bytes | None:
        """By its name alone."""
        try:
            return self._glass.blob(blob)
        except InterlockError:
            return None

    def naming(self, commit: str, words: Sequence[str]) -> Sequence[str] | None:
        """By ``git grep``; binary files are not looked through."""
        asked = [part for word in words for part in ("-e", word)]
        try:
            found = self._glass.run(
                "grep", "-l", "-z", "-I", "-F", "-w", *asked, commit, "--", none_is_empty=True, whole=True
            )
        except InterlockError:
            return None
        paths = [path_text(each) for each in found.split(b"\0") if each]
        return [path.removeprefix(f"{commit}:") for path in paths[:MOST_NAMING]]

    def close(self) -> None:
        """Let go of git."""
        self._glass.close()


def _tree(lines: Sequence[bytes]) -> Tree:
    files: list[TreeFile] = []
    links = submodules = 0
    for line in lines:
        words, _, name = line.partition(b"\t")
        mode, _, rest = words.partition(b" ")
        links += mode == _LINK
        submodules += mode == _SUBMODULE
        fields = rest.split()
        if mode in _REGULAR and len(fields) == 3:  # noqa: PLR2004  # type, object, size
            size = int(fields[2]) if fields[2].isdigit() else 0
            files.append(TreeFile(path=path_text(name), blob=fields[1].decode("ascii"), size=size))
    return Tree(files=tuple(files), links=links, submodules=submodules)


def _moment(text: str) -> datetime:
    seconds = int(text) if text.isascii() and text.isdigit() else 0
    return datetime.fromtimestamp(min(seconds, _LATEST), UTC)
