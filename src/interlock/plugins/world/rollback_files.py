"""Local records of how to go back: one file each, whole or not at all, its owner's alone, and kept out of git."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from interlock.core.change.errors import InterlockError, Unavailable
from interlock.core.rollout.local import FOLDER, MAX_LOCAL, LocalRecord, local_path, read_local, to_bytes


def keep_out_of_git(folder: Path) -> None:
    """Have git ignore all of ``folder``, where nobody said anything else there and it can be said."""
    with suppress(OSError), (folder / ".gitignore").open("x", encoding="ascii") as file:
        file.write("*\n")


class RollbackFiles:
    """The files below ``home``."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def keep(self, record: LocalRecord) -> None:
        """Write it in the place of the one before.

        Raises:
            Unavailable: ``rollback-file`` when it cannot be written: then no traffic moves.
        """
        place = local_path(self._home, record.environment, record.service)
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            keep_out_of_git(self._home)
            _replace(place, to_bytes(record))
        except OSError as error:
            raise Unavailable(
                f"expected to write how to go back to `{place}`, got {error.strerror or error}",
                code="rollback-file",
                hint="let this user write there: going back must not need a server",
                plugin="rollback",
            ) from error

    def kept(self, rollout: str) -> LocalRecord | None:
        """What was kept of this rollout here, None where nothing was or it cannot be read."""
        for place in sorted((self._home / FOLDER).glob("*/*.json")):
            with suppress(OSError, InterlockError):
                found = read_local(place.read_bytes()[: MAX_LOCAL + 1])
                if found.rollout == rollout and not found.over:
                    return found
        return None


def _replace(place: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(place)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
