"""Files laid out for a program to look at, in a folder that nobody else may enter and that is removed afterwards.

Rules:
1. By number the names are ours: a file of the change can neither be an option nor the program's own settings, and
   leads nowhere. Of its own name only the ending is kept, as far as it is letters and digits.
2. By path each side is a tree of its own. A path that leaves it, or has git's own folder in it, is left out and
   told.
3. Only content is written, never a link: what a link leads to is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from interlock.core.change.paths import path_bytes
from interlock.core.scan.seen import Source
from interlock.plugins.world.own_folder import OwnFolder

_ENDING = re.compile(r"\.[A-Za-z0-9]{1,12}")
_MOST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFolder:
    """``root`` and which source each name in it is; ``unplaced`` are those that have no place in it."""

    root: Path
    names: dict[str, Source] = field(default_factory=dict)
    unplaced: list[Source] = field(default_factory=list)


@contextmanager
def by_number(
    sources: Sequence[Source], *, ending: str = "", content: Callable[[Source], bytes] | None = None
) -> Iterator[ScanFolder]:
    """A folder of files named by numbers; ``ending`` where it is to be another than each file's own."""
    with OwnFolder("interlock-scan-") as own:
        folder = ScanFolder(root=own.path)
        for number, source in enumerate(sources):
            suffix = PurePosixPath(source.path).suffix
            name = f"{number:06d}{ending or (suffix if _ENDING.fullmatch(suffix) else '')}"
            (folder.root / name).write_bytes(content(source) if content else source.content)
            folder.names[name] = source
        yield folder


@contextmanager
def by_path(sources: Sequence[Source]) -> Iterator[ScanFolder]:
    """A folder with a tree of the sources, which are of one side."""
    with OwnFolder("interlock-scan-") as own:
        folder = ScanFolder(root=own.path)
        for source in sources:
            steps = path_bytes(source.path).split(b"/")
            if any(_leads_away(step) for step in steps):
                folder.unplaced.append(source)
                continue
            try:
                file = folder.root.joinpath(*(step.decode("utf-8", "surrogateescape") for step in steps))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(source.content)
            except (OSError, ValueError):
                folder.unplaced.append(source)
                continue
            folder.names[source.path] = source
        yield folder


def _leads_away(step: bytes) -> bool:
    return step in {b"", b".", b".."} or step.lower() == b".git" or b"\0" in step or len(step) > _MOST_NAME
