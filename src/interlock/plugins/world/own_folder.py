"""Temporary folders that are gone some day, also where who made them was killed.

Rules:
1. A folder is locked by the process that made it; a lock is given up with its process, however that ends.
2. What killed processes left is removed by the next of its kind: as old as ``LEFT_SECONDS``, of
   this user, locked by nobody, and no link.
3. It is removed whatever was made of the permissions within.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

LEFT_SECONDS = 3_600.0
"""Folders of others are looked at when they are as old: until then one may not be locked yet."""


class OwnFolder:
    """A new folder whose name begins with ``prefix``, without links on the way to it. Use as a context manager."""

    def __init__(self, prefix: str) -> None:
        _remove_left(prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        self._lock: int | None = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it. Idempotent."""
        remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that can be done."""
    for place, _, _ in os.walk(folder):
        with suppress(OSError):
            Path(place).chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_left(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            known = folder.lstat()
            old = time.time() - known.st_mtime > LEFT_SECONDS
            if not (old and stat.S_ISDIR(known.st_mode) and known.st_uid == os.geteuid()):
                continue
            opened = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
            finally:
                os.close(opened)
