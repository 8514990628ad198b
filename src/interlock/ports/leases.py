"""The port to leases: who may move a piece of durable work now, by the database's clock.

Rules:
1. A lease is a row: work, owner, fencing token, end. The token grows with every change of owner and never falls,
   so that whoever stalled and comes back is told from whoever took over.
2. Times are the database's. A server's own time of day decides nothing here; it may count its own *monotonic*
   seconds, from before it asked, to know that it is too late.
3. Taking, renewing and letting go append nothing to the ledger: what is done under a lease does (``Tx.fenced``).
4. Every call is one short transaction of its own, safe from several threads and several servers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Permission to move one piece of work: ``work`` is the record's id, ``token`` fences.

    ``seconds`` is how long it was given for, counted from when it was asked for.
    """

    work: str
    owner: str
    token: int
    seconds: float


class Leases(Protocol):
    """Durable work that is waiting, and who holds what."""

    def offer(self, work: str, *, after: float = 0.0) -> None:
        """Make work known, due ``after`` seconds from now or earlier. Idempotent.

        Work that is held keeps its holder, and is due again when that one lets go, whatever it says then.
        """

    def claim(
        self, owner: str, *, seconds: float, most: int = 16, only: Collection[str] | None = None
    ) -> Sequence[Lease]:
        """Take at most ``most`` pieces of work that are due and held by nobody whose lease still runs.

        ``only`` names all that may be taken; None is everything.
        """

    def renew(self, leases: Collection[Lease], *, seconds: float) -> Sequence[Lease]:
        """Prolong, also what ended and was not taken; what is missing from the answer was lost, for good."""

    def release(self, lease: Lease, *, after: float | None = None) -> None:
        """Let go: due again ``after`` seconds from now, or done with (None). No-op for one that was lost."""

    def idle(self, work: str) -> float | None:
        """For how many seconds it has been due and nobody held it; None while somebody does or nothing is due.

        Infinite where the clock that leases are counted by began anew: the machine was started again, and whoever
        had it is gone, nobody knows since when.
        """
