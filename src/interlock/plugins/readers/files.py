"""Files that a request names, opened without following anything out of the tree.

Rules:
1. A path is relative to the root or absolute inside it; one that leaves the root, by ``..`` or by a link on the
   way, is refused.
2. Only regular files are read: the file is opened without waiting on a pipe, then what was opened is checked.
3. The size limit is checked before reading and again after.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from interlock.core.change.errors import InvalidInput
from interlock.core.change.paths import path_text

MIB = 1024 * 1024


def inside(root: Path, named: str, *, folder: bool = False) -> Path:
    """The real path of what ``named`` means under ``root``.

    Raises:
        InvalidInput: ``path-outside``, ``file-missing``, ``folder-expected``, ``path-invalid``.
    """
    if not named or "\0" in named:
        raise _refused("path-invalid", f"expected a path, got `{named[:60]!a}`", "name a file")
    try:
        top = root.resolve(strict=True)
        real = (top / named).resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _refused(
            "file-missing", f"expected a file, got nothing at `{_shown(named)}`", "check the path"
        ) from error
    except PermissionError as error:
        raise _unreadable(named) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise _refused("path-invalid", f"expected a path, got `{_shown(named)}`", "check its links") from error
    if not real.is_relative_to(top):
        raise _refused(
            "path-outside",
            f"expected a path inside the root, got `{_shown(named)}` which leads out of it",
            "name a file inside the repository, without links that leave it",
        )
    if folder and not real.is_dir():
        raise _refused("folder-expected", f"expected a folder, got the file `{_shown(named)}`", "name its folder")
    return real


@contextmanager
def opened(root: Path, named: str, *, limit: int) -> Iterator[BinaryIO]:
    """The regular file that ``named`` means, open for reading, at most ``limit`` bytes long.

    Raises:
        InvalidInput: as ``inside``, and ``file-expected``, ``file-unreadable``, ``file-too-large``.
    """
    real = inside(root, named)
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unopened(real, named) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)  # fdopen would raise an error of its own for a folder
        raise _not_a_file(named, found.st_mode)
    with os.fdopen(descriptor, "rb") as stream:
        if found.st_size > limit:
            raise _too_large(named, found.st_size, limit)
        yield stream


def content(root: Path, named: str, *, limit: int) -> bytes:
    """All bytes of a file, by the same rules and errors as ``opened``."""
    with opened(root, named, limit=limit) as stream:
        try:
            found = stream.read(limit + 1)
        except OSError as error:
            raise _unreadable(named) from error
    if len(found) > limit:
        raise _too_large(named, len(found), limit)
    return found


def relative(root: Path, real: Path) -> str:
    """The readable path of ``real`` below ``root``, or its name where it is not below."""
    top = root.resolve()
    return path_text(os.fsencode(real.relative_to(top) if real.is_relative_to(top) else real.name))


def _shown(named: str) -> str:
    return path_text(os.fsencode(named))[:200].replace("\n", "\\n")


def _unopened(real: Path, named: str) -> InvalidInput:
    try:
        mode = real.stat().st_mode
    except OSError:
        return _unreadable(named)
    return _unreadable(named) if stat.S_ISREG(mode) else _not_a_file(named, mode)


def _not_a_file(named: str, mode: int) -> InvalidInput:
    what = "a folder" if stat.S_ISDIR(mode) else "a device, socket or pipe"
    return _refused("file-expected", f"expected a regular file, got {what} at `{_shown(named)}`", "name a file")


def _unreadable(named: str) -> InvalidInput:
    return _refused("file-unreadable", f"expected a readable file, got `{_shown(named)}`", "check its permissions")


def _too_large(named: str, size: int, limit: int) -> InvalidInput:
    def shown(count: int) -> str:
        return f"{count / MIB:.0f} MiB" if count >= MIB else f"{count} bytes"

    return _refused(
        "file-too-large",
        f"expected a file of at most {shown(limit)}, got {shown(size)} in `{_shown(named)}`",
        "split it, or name a smaller one",
    )


def _refused(code: str, message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, code=code, hint=hint)
