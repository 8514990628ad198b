"""The log's private key as a file.

Rules:
1. The file appears whole or not at all, for its owner only (0600), and is never overwritten: a log keeps its key.
2. Only what was never begun gets a new key. Where the database names one already, a missing file is an error.
3. A key that others can read is refused, as is a link or anything that is not a small regular file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from interlock.core.change.errors import Conflict, InvalidInput, NotFound
from interlock.core.ledger.note import NoteSigner

_MAX_BYTES = 4_096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_key(path: Path, name: str, randomness: Callable[[int], bytes]) -> NoteSigner:
    """Make a key for the log ``name`` and keep it at ``path``.

    Raises:
        Conflict: ``key-exists``.
        InvalidInput: ``signer-malformed`` for a name no note can carry, ``key-unwritable``.
    """
    signer, secret = NoteSigner.generate(name, randomness)
    fresh = path.with_name(f".{path.name}.{randomness(8).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(fresh, secret + "\n")
            os.link(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise Conflict(
            f"expected no key at `{path}`, got one", code="key-exists", hint="use it; a log never changes its key"
        ) from error
    except OSError as error:
        raise InvalidInput(
            f"expected to keep a key at `{path}`, got {error.strerror}",
            code="key-unwritable",
            hint="name a folder that this user may write",
        ) from error
    return signer


def load_key(path: Path) -> NoteSigner:
    """The key at ``path``.

    Raises:
        NotFound: ``key-missing``.
        InvalidInput: ``key-readable-by-others``, ``key-unreadable``, ``signer-malformed``.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFound(
            f"expected this state's {path.stem} key at `{path}`, got nothing",
            code="key-missing",
            hint="restore it from where you keep secrets, or set INTERLOCK_KEYS to its folder; "
            "only a new state gets a new key (docs/how-to/upgrade.md)",
        ) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or "an error") from error
    with os.fdopen(number, "rb") as file:
        facts = os.fstat(number)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MAX_BYTES:
            raise _unreadable(path, "no small regular file")
        if facts.st_mode & _OTHERS:
            raise InvalidInput(
                f"expected a key only its owner can read, got mode {stat.S_IMODE(facts.st_mode):04o} at `{path}`",
                code="key-readable-by-others",
                hint=f"chmod 600 {path}; if others may have read it, begin a new log",
            )
        text = file.read(_MAX_BYTES).decode("utf-8", errors="replace")
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> NoteSigner:
    try:
        return NoteSigner.parse(text)
    except InvalidInput as error:
        raise InvalidInput(f"{error.message}, in `{path}`", code=error.code, hint=error.hint) from error


def load_or_create_key(
    path: Path, name: str, randomness: Callable[[int], bytes], *, begun: bool = False
) -> NoteSigner:
    """The key at ``path``, made on the first start; two that start at once agree on one.

    Raises:
        NotFound: ``key-missing`` when the state was ``begun`` with a key already.
    """
    try:
        return load_key(path)
    except NotFound:
        if begun:
            raise
    try:
        return create_key(path, name, randomness)
    except Conflict:
        return load_key(path)


def _write(path: Path, text: str) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(number)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unreadable(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        f"expected a key file at `{path}`, got {why}",
        code="key-unreadable",
        hint="name the file itself, readable by this user",
    )
