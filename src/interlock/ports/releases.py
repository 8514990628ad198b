"""The port to what a repository released: its tags, and the files of one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from interlock.core.audit.releases import Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """One regular file: ``blob`` names its content, ``size`` is in bytes."""

    path: str
    blob: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a commit; links and submodules are only counted."""

    files: tuple[TreeFile, ...]
    links: int = 0
    submodules: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The tags of this copy. ``shallow``: its history is cut off, so there may be more than are seen."""

    all: tuple[Tag, ...]
    shallow: bool = False


class ReleasedTrees(Protocol):
    """One repository, which whoever opened it lets go of. Reads only; idempotent; bounded in time and size."""

    def tags(self) -> Tags:
        """Every tag that leads to a commit, newest first, at most 5,000."""

    def commit(self, revision: str) -> Tag | None:
        """The commit that a revision names, with its own time; None where it names none here."""

    def tree(self, commit: str) -> Tree | None:
        """The files of a commit, None where it is not in this copy."""

    def content(self, blob: str) -> bytes | None:
        """What a file holds; None where it is not in this copy."""

    def naming(self, commit: str, words: Sequence[str]) -> Sequence[str] | None:
        """The paths of text files of a commit in which one of these stands as a whole word, at most 5,000.

        None where that cannot be said: what is looked through is not all in this copy.
        """
