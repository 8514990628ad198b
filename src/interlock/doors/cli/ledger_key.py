"""By which key ``interlock ledger`` verifies, and what this machine remembers of the log.

Rules:
1. A key given on the command line is the one; else the public half of this machine's key file; else the database's
   own claim, and the answer says which.
2. What was signed last on this machine is remembered beside its key, and the log must lead to it. An auditor who
   gives a key and may not read this machine's has nothing to remember.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.doors.cli.desk import settings

if TYPE_CHECKING:
    from interlock.core.ledger.checkpoint import Checkpoint
    from interlock.core.ledger.note import VerifierKey

FILE = "ledger.key"


def pinned(url: str, vkey: str | None) -> tuple[VerifierKey, str]:
    """The key to verify by, and where it is from."""
    from interlock.core.ledger.note import VerifierKey  # noqa: PLC0415  # --help needs no cryptography
    from interlock.storage.prove import claimed_key  # noqa: PLC0415  # likewise

    if vkey is not None:
        return VerifierKey.parse(vkey), "as given"
    ours = _ours()
    if ours is not None:
        return ours, f"of {settings().keys / FILE}"
    return claimed_key(url), "as the database itself claims: give --key to be sure"


def remembered(key: VerifierKey) -> list[Checkpoint]:
    """The checkpoint that was signed last on this machine, if it was signed by ``key``."""
    from interlock.storage import memory  # noqa: PLC0415  # --help needs no cryptography

    try:
        ours = _ours()
    except InvalidInput:
        ours = None
    known = memory.Memory(settings().keys / memory.FILE).recall(key) if ours == key else None
    return [known] if known else []


def _ours() -> VerifierKey | None:
    """The public half of this machine's key, None where it has none; ``InvalidInput`` when it cannot be read."""
    from interlock.storage.keys import load_key  # noqa: PLC0415  # --help needs no cryptography

    try:
        return load_key(settings().keys / FILE).verifier
    except NotFound:
        return None


def empty() -> NotFound:
    """The error for a ledger without any entry: nothing was verified, so nothing holds."""
    return NotFound(
        "expected a ledger with entries, got an empty one",
        code="ledger-empty",
        hint="name the database that is written to; if it is this one, its entries were deleted",
    )
