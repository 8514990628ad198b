"""What a repository shows of itself before anybody has described it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interlock.core.change.parts import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """An identity with its number of commits."""

    identity: Identity
    commits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """``paths`` are all tracked files of the head, sorted; ``authors`` the busiest first."""

    name: str
    head: str
    paths: tuple[str, ...]
    authors: tuple[Author, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChange:
    """One change that entered the main line: ``base`` is its first parent, ``head`` the commit itself."""

    base: str
    head: str
    at: datetime
    subject: str
    author: Identity
