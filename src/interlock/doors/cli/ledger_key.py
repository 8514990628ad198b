"""By which key ``interlock ledger`` verifies, and what this machine remembers of the log.

Rules:
1. A key given on the command line is the one; else the public half of this machine's key file; else the database's
   own claim, and the answer says which.
2. What was signed last on this machine is remembered beside its key, and the log must lead to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.doors.cli.desk import settings

if TYPE_CHECKING:
    from interlock.core.change.errors import NotFound
    from interlock.core.ledger.checkpoint import Checkpoint
    from interlock.core.ledger.note import VerifierKey


def pinned(url: str, vkey: str | None) -> tuple[VerifierKey, str]:
    """The key to verify by, and where it is from."""
    from interlock.core.ledger.note import VerifierKey  # noqa: PLC0415  # --help needs no cryptography
    from interlock.storage.keys import load_key  # noqa: PLC0415  # likewise
    from interlock.storage.prove import claimed_key  # noqa: PLC0415  # likewise

    if vkey is not None:
        return VerifierKey.parse(vkey), "as given"
    file = settings().keys / "ledger.key"
    if file.is_file():
        return load_key(file).verifier, f"of {file}"
    return claimed_key(url), "as the database itself claims: give --key to be sure"


def remembered(key: VerifierKey) -> list[Checkpoint]:
    """The checkpoint that was signed last on this machine, if it was signed by ``key``."""
    from interlock.storage.keys import load_key  # noqa: PLC0415  # --help needs no cryptography
    from interlock.storage.memory import FILE, Memory  # noqa: PLC0415  # likewise

    keys = settings().keys
    if not (keys / "ledger.key").is_file() or load_key(keys / "ledger.key").verifier != key:
        return []
    known = Memory(keys / FILE).recall(key)
    return [known] if known else []


def empty() -> NotFound:
    """The error for a ledger without any entry: nothing was verified, so nothing holds."""
    from interlock.core.change.errors import NotFound  # noqa: PLC0415  # only for this error

    return NotFound(
        "expected a ledger with entries, got an empty one",
        code="ledger-empty",
        hint="name the database that is written to; if it is this one, its entries were deleted",
    )
