"""C2SP tlog-cosignature v1: somebody else says that they saw this checkpoint, and when.

Rules:
1. A cosignature covers a header, the time and the whole checkpoint text; it is a signature line of type 4.
2. Without an outside witness, whoever holds the log's key can rewrite history unseen. Nothing here pretends
   otherwise: an empty list of witnesses is *unwitnessed*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.note import COSIGNATURE, NoteSigner, VerifierKey, refused, signature_line, split_note

_STAMP_BYTES = 8
_LATEST = 253_402_300_799
"""The last second of the year 9999: what a datetime can still show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A verified statement: ``witness`` saw the checkpoint at ``at``."""

    witness: str
    at: datetime


class Witness(Protocol):
    """The port to one witness (C2SP tlog-witness ``add-checkpoint``)."""

    def add_checkpoint(self, old_size: int, proof: Sequence[bytes], checkpoint: str) -> str:
        """Show the witness a checkpoint that continues the size it saw last; returns its signature line.

        Raises:
            Conflict: the witness saw another size than ``old_size``; the error carries the size it saw.
            Rejected: it refuses the log, the key or the proof.
        """


def cosign(signer: NoteSigner, checkpoint: str, at: datetime) -> str:
    """The cosignature line of ``signer`` over a checkpoint."""
    text = split_note(checkpoint).text
    stamp = int(at.timestamp())
    key = VerifierKey(name=signer.name, public=signer.verifier.public, algorithm=COSIGNATURE)
    signature = signer.sign_bytes(_message(stamp, text))
    return signature_line(key, stamp.to_bytes(_STAMP_BYTES, "big") + signature)


def cosignatures(checkpoint: str, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """Every cosignature on the note by one of ``witnesses``, verified.

    Raises:
        InvalidInput: ``note-refused`` when a known witness's signature fails.
    """
    note = split_note(checkpoint)
    known = {(key.name, key.key_id): key for key in witnesses if key.algorithm == COSIGNATURE}
    if len(known) != len(witnesses):
        raise InvalidInput(
            "expected cosigner keys of type 4, each once, got others",
            code="vkey-malformed",
            hint="ask the witness for its verifier key",
        )
    seen = []
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None:
            stamp = int.from_bytes(line.content[:_STAMP_BYTES], "big")
            if stamp > _LATEST:
                raise refused(f"the time of the cosignature by `{key.name}` is out of range")
            key.check(_message(stamp, note.text), line.content[_STAMP_BYTES:])
            seen.append(Cosignature(witness=key.name, at=datetime.fromtimestamp(stamp, tz=UTC)))
    return tuple(seen)


def _message(stamp: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {stamp}\n{text}".encode()
