"""C2SP tlog-checkpoint: a signed note that says how large a log is and what its root is.

Rules:
1. Three lines: origin, size in decimal without leading zeroes, root in base64; further lines are kept, not read.
2. The origin equals the name of the key that signs, so that one log's checkpoint never passes for another's.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.merkle import HASH_BYTES, MAX_SIZE
from interlock.core.ledger.note import NoteSigner, VerifierKey, open_note, refused

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself at one moment. ``root`` is 32 bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(signer: NoteSigner, *, size: int, root: bytes) -> str:
    """The signed checkpoint under the signer's own name."""
    return signer.sign(Checkpoint(origin=signer.name, size=size, root=root).text())


def parse_checkpoint(text: str) -> Checkpoint:
    """The first three lines of a note's text.

    Raises:
        InvalidInput: ``checkpoint-malformed``.
    """
    lines = text.split("\n")
    try:
        root = base64.b64decode(lines[2], validate=True) if len(lines) > _LINES else b""
    except (binascii.Error, ValueError):
        root = b""
    size = lines[1] if len(lines) > 1 and _SIZE.fullmatch(lines[1]) else ""
    if not lines[0] or not size or int(size) > MAX_SIZE or len(root) != HASH_BYTES or lines[-1]:
        raise InvalidInput(
            f"expected a checkpoint of origin, size and root, got `{text[:60]!r}`",
            code="checkpoint-malformed",
            hint="fetch the checkpoint again, unaltered",
        )
    return Checkpoint(origin=lines[0], size=int(size), root=root)


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """A checkpoint whose signature by ``key`` verified and whose origin is that key's name.

    Raises:
        InvalidInput: ``note-malformed``, ``note-refused``, ``checkpoint-malformed``.
    """
    checkpoint = parse_checkpoint(open_note(note, key).text)
    if checkpoint.origin != key.name:
        raise refused(f"expected a checkpoint of `{key.name}`, got one of `{checkpoint.origin[:80]}`")
    return checkpoint
