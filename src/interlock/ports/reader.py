"""The port behind which every source of changes lives: one reader, one file.

Rules:
1. A reader only reads. It is idempotent, may be called from several threads, and leaves nothing behind.
2. Everything it can be given that it cannot use raises ``InvalidInput`` with a hint; a part is whole or absent.
3. Limits (bytes, files, depth) are checked before work is done, and named in the error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from interlock.core.change.change import Recipe
from interlock.core.change.parts import Part
from interlock.core.evidence.model import Runner


class Material(Protocol):
    """The content behind a part, for validators: bytes before and after, by path. Reads are lazy.

    Every method may raise ``InvalidInput`` (``file-too-large``) and nothing else for a path of this material.
    """

    def changed(self) -> Iterable[str]:
        """Paths that differ, sorted."""

    def before(self, path: str) -> bytes | None:
        """Content before the change, None where the path did not exist."""

    def after(self, path: str) -> bytes | None:
        """Content after the change, None where the path does not exist any more."""

    def exists(self, path: str) -> bool:
        """Whether the path (a file or a folder) exists after the change, changed or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """What to read: a reader's own arguments, relative to ``root``; nothing outside ``root`` is followed.

    ``materials`` are what earlier readers found, so that configuration inside a git range is read key by key.
    ``runners`` are those whose signature counts at ``now``; without a time nobody's does.
    """

    root: Path
    arguments: dict[str, str]
    materials: tuple[Material, ...] = field(default=())
    runners: tuple[Runner, ...] = ()
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One part, the recipe that reads it again, and its material."""

    part: Part
    recipe: Recipe
    material: Material


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a reader shows of itself: files below a root, by path, arguments it reads them by, and some it refuses.

    A reader in a file of its own carries one as its attribute ``example``; the contract suite puts it to the test.
    """

    files: dict[str, bytes]
    arguments: dict[str, str]
    refused: dict[str, str]


class Reader(Protocol):
    """Turns a source into a part. Timeout: a reader bounds its own subprocesses (default 60 s)."""

    name: str

    def read(self, request: ReadRequest) -> Reading | None:
        """The part, or None when there is nothing of this kind in the request (never on a fault).

        Raises:
            InvalidInput: the source cannot be used.
            Unavailable: a tool it needs is missing or did not answer in time.
        """
