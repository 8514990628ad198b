"""A tool that writes SARIF, run once over each side of a change, in a tree of its own.

Rules:
1. It is started beside the tree and not in the checkout: no settings of the change reach it by where it runs.
2. A side without files is not asked about.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from interlock.core.evidence.sarif import MAX_SARIF
from interlock.core.scan.sarif_says import read_sarif_of
from interlock.core.scan.seen import Scanned, Seen, Side, Source
from interlock.plugins.world.own_folder import OwnFolder
from interlock.plugins.world.scan_folder import by_path
from interlock.plugins.world.scan_settings import fault, programs

Command = Callable[[Path, Path], tuple[str, ...]]
"""From the tree and the file to write into, the program with its arguments."""

_SIDES: tuple[Side, ...] = ("head", "base")


def both_sides(
    sources: Sequence[Source],
    command: Command,
    *,
    tool: str,
    seconds: float,
    good: Collection[int],
    files: Mapping[str, bytes],
    passed_on: Collection[str] = (),
    skip: Callable[[Source], bool] = lambda _: False,
) -> Scanned:
    """What it saw on both sides; ``files`` are laid beside the tree, ``passed_on`` are variables it gets.

    ``skip`` says what it is not given.
    """
    seen: list[Seen] = []
    unread: list[tuple[Source, str]] = []
    version = ""
    for side in _SIDES:
        wanted = [one for one in sources if one.side == side and not one.link and not skip(one)]
        if not wanted:
            continue
        found = _side(wanted, command, tool=tool, seconds=seconds, good=good, files=files, passed_on=passed_on)
        if found.fault:
            return found
        version = found.version or version
        seen += found.seen
        unread += found.unread
    return Scanned(tool=tool, version=version, seen=tuple(seen), unread=tuple(unread))


def _side(
    wanted: Sequence[Source],
    command: Command,
    *,
    tool: str,
    seconds: float,
    good: Collection[int],
    files: Mapping[str, bytes],
    passed_on: Collection[str],
) -> Scanned:
    with by_path(wanted) as tree, OwnFolder("interlock-scan-") as own:
        beside = own.path
        for path, content in files.items():
            file = beside / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        out = beside / "found.sarif"
        done = programs(str(beside), passed_on).output(
            command(tree.root, out), timeout=seconds, environment={"HOME": str(beside)}, most=MAX_SARIF
        )
        if why := fault(done, tool, frozenset(good)):
            return Scanned(tool=tool, fault=why)
        said = _written(out) if out.exists() else done.out
        found = read_sarif_of(said, tree.names, root=str(tree.root), tool=tool)
        shutil.rmtree(beside / ".cache", ignore_errors=True)
    missed = tuple((one, "its path has no place in a folder") for one in tree.unplaced)
    return Scanned(
        tool=tool, version=found.version, seen=found.seen, unread=(*found.unread, *missed), fault=found.fault
    )


def _written(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_SARIF + 1)
