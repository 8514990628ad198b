"""PostgreSQL's own programs: which ones fit a server, and what a backup's file needs to be restored.

Rules:
1. A server is restored to one of the same major version: another may say the same thing in other words, and an
   older one cannot read it at all. Programs come from the wheel, else from Debian's packages.
2. What a program says for want of something that is not here is told apart from what is wrong with the backup.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from interlock.plugins.world.postgresql import found_binaries
from interlock.ports.programs import Output, Programs

_ARCHIVE, _TAR, _ZIP = b"PGDMP", b"toc.dat", b"\x1f\x8b"
_MISSING = (
    (re.compile(r'extension "([^"]+)" is not available'), "the extension {0} for PostgreSQL here"),
    (re.compile(r"could not open extension control file .*/([^/\"]+)\.control"), "the extension {0}"),
    (re.compile(r'could not access file "([^"]+)"'), "the library {0} for PostgreSQL here"),
    (re.compile(r'role "([^"]+)" does not exist'), "the role {0}, which the source does not have either"),
    (re.compile(r"(unsupported version \([^)]+\)) in file header"), "a newer pg_restore: {0}"),
    (re.compile(r"(No space left on device)"), "more room: {0}"),
)
_PATIENCE = 30.0
_TAR_END = 1_024


class Unrestorable(Exception):
    """A file that is no backup; its message says why, for people."""


def binaries_for(major: int, programs: Programs) -> Path | None:
    """The folder of the programs of this major version; None where there are none here."""
    return next((place for place in found_binaries() if _version(place, programs) == major), None)


def _version(place: Path, programs: Programs) -> int:
    said = programs.output((str(place / "postgres"), "--version"), timeout=_PATIENCE, environment={}).out
    found = re.search(rb"(\d+)[.\w]*", said)
    return int(found[1]) if found else 0


def kind_of(file: Path) -> str:
    """How a backup is written: ``archive`` for pg_restore, ``zip`` or ``plain`` for SQL.

    Raises:
        Unrestorable: it is empty, cut off, or no file.
    """
    if not file.is_file():
        raise Unrestorable("no single file: let pg_dump write one, such as --format=custom")
    with file.open("rb") as opened:
        head = opened.read(512)
    if not head:
        raise Unrestorable("the file is empty")
    if head.startswith(_TAR) and not _is_whole(file):
        raise Unrestorable("it is cut off: a tar file ends with two empty blocks")
    if head.startswith((_ARCHIVE, _TAR)):
        return "archive"
    return "zip" if head.startswith(_ZIP) else "plain"


def _is_whole(tar: Path) -> bool:
    """Whether it has its end: pg_restore takes one without for a smaller one."""
    with tar.open("rb") as opened:
        end = opened.seek(0, 2)
        opened.seek(max(0, end - _TAR_END))
        return end % 512 == 0 and not any(opened.read())


@contextmanager
def opened(file: Path, kind: str) -> Iterator[Iterable[bytes]]:
    """A plain file, unzipped.

    Raises:
        Unrestorable: it cannot be unzipped.
    """
    try:
        with gzip.open(file, "rb") if kind == "zip" else file.open("rb") as lines:
            yield lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unrestorable(f"it cannot be unzipped: {error}".lower()[:200]) from error


def missing_in(said: str) -> str:
    """What is missing here, by what a program says; empty where the backup itself is wrong."""
    for pattern, words in _MISSING:
        if found := pattern.search(said):
            return words.format(found[1])
    return ""


def error_in(output: Output) -> str:
    """What a program of PostgreSQL says against it: its first error, else how it ended."""
    lines = output.error.decode(errors="replace").splitlines()
    said = next((line for line in lines if "error:" in line.lower()), "")
    return (said.strip() or output.ran.told)[:300]
