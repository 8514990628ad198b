"""The port of a snapshot: who takes it, restores it elsewhere, and looks at both.

Rules:
1. The source is only read. What is restored is restored to a place that is thrown away by ``close``.
2. That something failed, or is missing here, is a value. Each call ends within the plan's ``timeout``.
3. A new backup has the plan's name only once it was shown to be a snapshot; what was not compared yet when it is
   closed is removed.
4. Used by one thread, in the order of the methods. ``take`` twice takes two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from interlock.core.rehearsal.fingerprint import Fingerprint
from interlock.core.snapshot.outcome import Lacking, Taken


class Settled(Protocol):
    """What becomes of a backup in the end."""

    def settle(self, *, good: bool) -> tuple[str, str]:
        """Name what was taken by whether it is a snapshot; the name it has now, and why it could not be named."""

    def close(self) -> None:
        """Throw the place away, and a backup that was not settled. Idempotent."""


class Snapshots(Settled, Protocol):
    """Takes and restores."""

    def take(self) -> Taken:
        """The backup, with the source's state at its moment."""

    def restore(self, taken: Taken) -> tuple[str, str]:
        """Put it into a place of its own; why it does not restore, and what is missing here.

        Both are empty where it did.
        """

    def look(self) -> Fingerprint:
        """What was restored."""

    def lacking(self, table: str, column: str, until: datetime) -> Lacking:
        """The rows of ``table`` in the source whose ``column`` is at most ``until``, and those not restored."""
