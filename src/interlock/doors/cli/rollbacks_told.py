"""Whoever reaches the ledger next tells it who went back without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from interlock.core.change.errors import InterlockError
from interlock.plugins.world.rollback_journal import RollbackJournal

if TYPE_CHECKING:
    from interlock.doors.cli.client import Client


def hand_over(client: Client, home: Path) -> None:
    """Tell of all that waits on this machine. What cannot be told now waits on, and spoils no command."""
    files = RollbackJournal(home)
    for journal in files.waiting():
        try:
            client.post("/v1/rollbacks", {"journals": [journal]}, key=journal.id)
        except InterlockError:
            return
        files.told(journal.id)
