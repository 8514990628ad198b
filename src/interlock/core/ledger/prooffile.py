"""``c2sp.org/tlog-proof@v1``: one text file that proves one entry to anyone, offline.

Rules:
1. The file carries index, siblings and the checkpoint verbatim; the entry itself is beside it or in ``extra``.
2. ``extra`` is not authenticated. interlock puts the leaf's bytes there: they count only because their hash is
   what the proof proves.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.checkpoint import Checkpoint, open_checkpoint
from interlock.core.ledger.merkle import HASH_BYTES, hash_leaf, verify_inclusion
from interlock.core.ledger.note import VerifierKey

HEADER = "c2sp.org/tlog-proof@v1"
MAX_FILE = 262_144

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MAX_HASHES = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFile:
    """A parsed proof; nothing in it has been verified yet. ``checkpoint`` is the signed note."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def text(self) -> str:
        """The file."""
        extra = [] if self.extra is None else [f"extra {_encode(self.extra)}"]
        lines = [HEADER, *extra, f"index {self.index}", *map(_encode, self.proof), "", self.checkpoint]
        return "\n".join(lines)

    @classmethod
    def parse(cls, text: str) -> ProofFile:
        """A proof from its file.

        Raises:
            InvalidInput: ``proof-malformed``.
        """
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if len(text) > MAX_FILE or not separator or lines.pop(0) != HEADER:
            raise _malformed("the header or the checkpoint is missing")
        extra = _decode(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        proof = tuple(_decode(line) for line in lines)
        if index is None or len(proof) > _MAX_HASHES or any(len(node) != HASH_BYTES for node in proof):
            raise _malformed("the index or a hash is not in its form")
        return cls(index=int(index[1]), proof=proof, checkpoint=checkpoint, extra=extra)

    def verify(self, leaf: bytes, key: VerifierKey) -> Checkpoint:
        """The checkpoint, once ``key`` has signed it and it is shown to hold ``leaf`` at this index.

        Raises:
            InvalidInput: ``note-refused``, ``proof-refused`` and their malformed kin.
        """
        checkpoint = open_checkpoint(self.checkpoint, key)
        verify_inclusion(self.index, checkpoint.size, hash_leaf(leaf), self.proof, checkpoint.root)
        return checkpoint


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(f"`{line[:60]}` is not base64") from error


def _malformed(why: str) -> InvalidInput:
    return InvalidInput(
        f"expected a `{HEADER}` file, got another text: {why}",
        code="proof-malformed",
        hint="write it anew: interlock ledger prove",
    )
