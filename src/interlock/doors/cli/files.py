"""Files that a person names on the command line: regular, bounded, and refused in one line otherwise."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from interlock.core.change.errors import InvalidInput

MIB = 1024 * 1024


def read_bytes(named: str | Path, *, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes. A pipe or a device is refused, not waited on.

    Raises:
        InvalidInput: ``file-unreadable`` or ``file-too-large``.
    """
    path = Path(named)
    try:
        if not path.is_file():
            raise _unreadable(path)
        if path.stat().st_size > limit:
            raise _too_large(path, limit)
        with path.open("rb") as opened:
            content = opened.read(limit + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error
    if len(content) > limit:
        raise _too_large(path, limit)
    return content


def read_text(named: str | Path, *, limit: int) -> str:
    """The same as UTF-8 text."""
    content = read_bytes(named, limit=limit)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"expected UTF-8 text, got other bytes in `{named}` at offset {error.start}",
            code="file-not-text",
            hint="check that it is the right file",
        ) from error


def write_whole(named: str | Path, content: bytes) -> None:
    """Write a file all at once: the old content or the new, never a part.

    Raises:
        InvalidInput: ``file-unwritable``.
    """
    path = Path(named)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        draft = Path(name)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"expected to write `{path}`, got: {type(error).__name__}",
            code="file-unwritable",
            hint="name a file in an existing folder that you may write to",
        ) from error


def _unreadable(path: Path) -> InvalidInput:
    return InvalidInput(
        f"expected a readable file, got none at `{path}`",
        code="file-unreadable",
        hint="check the path and its permissions",
    )


def _too_large(path: Path, limit: int) -> InvalidInput:
    shown = f"{limit // MIB} MiB" if limit >= MIB else f"{limit // 1024} KiB"
    return InvalidInput(
        f"expected a file of at most {shown}, got a larger one at `{path}`",
        code="file-too-large",
        hint="check that it is the right file",
    )
