"""The ledger is told who went back without it: at once where it answers in a second, else by whoever is next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from interlock.config import Config
from interlock.core.change.errors import InterlockError, Unavailable
from interlock.doors.cli.rollback_asked import Told, nobody_to_ask
from interlock.plugins.world.rollback_journal import RollbackJournal

if TYPE_CHECKING:
    from interlock.doors.cli.client import Client

TELL_SECONDS = 1.0


def hand_over(client: Client, home: Path) -> None:
    """Tell of all that waits on this machine. What cannot be told now waits on, and spoils no command."""
    files = RollbackJournal(home)
    for journal in files.waiting():
        try:
            client.post("/v1/rollbacks", {"journals": [journal]}, key=journal.id)
        except InterlockError:
            return
        files.told(journal.id)


def tell(config: Config, done: Told, refused: InterlockError | None) -> int | None:
    """The ledger entry it became; None where no ledger was reached, which the next command makes up for.

    Who did not answer before is not asked again.
    """
    from interlock.doors.cli.client import connect  # noqa: PLC0415  # which asks for this module after such a day

    if nobody_to_ask(config) or isinstance(refused, Unavailable):
        return None
    name = done["journal"]["id"]
    try:
        client = connect(config, patience=TELL_SECONDS, tell=False)
        try:
            reply = client.post("/v1/rollbacks", {"journals": [done["journal"]]}, key=name, tries=1).json
        finally:
            client.close()
    except (InterlockError, OSError):
        return None
    RollbackJournal(config.home).told(name)
    return int(reply["indices"][0])
