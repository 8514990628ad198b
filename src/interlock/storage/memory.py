"""What was signed last, kept beside the private key and out of the database's reach.

Rules:
1. It is the signed checkpoint itself, so that a file somebody else wrote is worth nothing. It is written after the
   database holds the same checkpoint: it may be older than the database, never newer.
2. At the start the database must still lead to it. Whoever can write the database only, and drops checkpoints or
   puts an old state back, is noticed by this file. After a wanted restore the operator removes it by hand.
3. The file is replaced whole. Where the keys lie on a read-only disk there is none, and the log stands by its own
   checkpoints and a witness alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.errors import IntegrityError, InterlockError
from interlock.core.ledger.checkpoint import Checkpoint, open_checkpoint
from interlock.core.ledger.note import VerifierKey

FILE = "ledger.signed"
_MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Memory:
    """The checkpoint kept at ``path``."""

    path: Path

    def recall(self, key: VerifierKey) -> Checkpoint | None:
        """The kept checkpoint, None when there is none.

        Raises:
            IntegrityError: ``signed-unreadable`` for a file that does not hold a checkpoint by ``key``.
        """
        try:
            number = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(number, "rb") as file:
                text = file.read(_MAX_BYTES).decode()
            return open_checkpoint(text, key)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, InterlockError) as error:
            raise IntegrityError(
                f"expected the checkpoint that was signed last at `{self.path}`, got something else",
                code="signed-unreadable",
                hint="compare the log with a witness or backup; remove the file only when it continues them",
            ) from error

    def keep(self, note: str) -> None:
        """Replace what is kept; nothing happens where this user may not write (rule 3)."""
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            try:
                number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
                with os.fdopen(number, "wb") as file:
                    file.write(note.encode())
                    file.flush()
                    os.fsync(number)
                fresh.replace(self.path)
            finally:
                fresh.unlink(missing_ok=True)
