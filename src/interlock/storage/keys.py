"""Private keys on disk: the ledger's and the ticket's, made where there are none.

Rules:
1. A key file holds 32 bytes of Ed25519 seed as base64, belongs to this user and is readable by nobody else; one
   that others can read is refused, because it may have been read.
2. A file appears whole or not at all, and never replaces one that is there.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.note import NoteSigner

SEED_BYTES = 32
LEDGER_KEY = "ledger.key"
TICKET_KEY = "ticket.key"


def ledger_signer(
    folder: Path, *, origin: str, entropy: Callable[[int], bytes] = secrets.token_bytes
) -> NoteSigner:
    """The signer of checkpoints under the name ``origin``.

    Raises:
        InvalidInput: ``key-file``, ``key-exposed``, ``signer-malformed``.
    """
    return NoteSigner(origin, load_seed(folder / LEDGER_KEY, entropy=entropy))


def ticket_key(folder: Path, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> Ed25519PrivateKey:
    """The key that signs tickets."""
    return Ed25519PrivateKey.from_private_bytes(load_seed(folder / TICKET_KEY, entropy=entropy))


def load_seed(path: Path, *, entropy: Callable[[int], bytes]) -> bytes:
    """The seed in ``path``, written there first where there is none."""
    if not path.exists():
        _create(path, entropy(SEED_BYTES))
    try:
        state = path.stat()
        text = path.read_bytes()
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error
    if state.st_mode & 0o077:
        raise InvalidInput(
            f"expected key file `{path.name}` to be readable by its owner only, got mode {state.st_mode & 0o777:o}",
            code="key-exposed",
            hint=f"if nobody read it: chmod 600 {path}; else make a new key and say so",
        )
    try:
        seed = base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise _unusable(path, "no base64") from error
    if len(seed) != SEED_BYTES:
        raise _unusable(path, f"{len(seed)} bytes")
    return seed


def _create(path: Path, seed: bytes) -> None:
    """Write beside and link into place: two starts at once agree on the first one's key."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(seed) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return
        finally:
            beside.unlink()
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error


def _unusable(path: Path, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected a key of {SEED_BYTES} bytes in `{path}`, got {got}",
        code="key-file",
        hint="restore the file from your backup; a new key starts a new identity",
    )
