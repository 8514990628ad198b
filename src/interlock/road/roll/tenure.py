"""How long a server may act for a rollout: its lease, counted on its own steady clock.

Rules:
1. A lease ends, for its holder, so many seconds after it was *asked* for, less a margin: before the database can
   have given it to another. It is looked at immediately before every outside call.
2. The one thing that may be done with a lease that ran out, until somebody is known to have taken over, is to
   take traffic away after harm.
3. A call that was begun in time may end late. So there must be at least ``ROOM`` left when one begins, and whoever
   takes over reads back what the data plane serves before it believes anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from interlock.core.change.errors import Conflict
from interlock.ports.leases import Lease

MARGIN = 0.2
"""Seconds that a lease ends earlier for its holder."""

ROOM = 0.3
"""Seconds that must be left when an outside call begins."""


class Tenure:
    """One lease as its holder may use it. Safe from several threads."""

    def __init__(self, lease: Lease, *, asked: float, steady: Callable[[], float]) -> None:
        self.lease = lease
        self._steady = steady
        self._lock = threading.Lock()
        self._until = asked + lease.seconds - MARGIN
        self._lost = False

    def prolong(self, *, asked: float, seconds: float) -> None:
        """The database said yes to what was asked at ``asked``."""
        with self._lock:
            self._until = max(self._until, asked + seconds - MARGIN)

    def lose(self) -> None:
        """Another took over, for good."""
        with self._lock:
            self._lost = True

    @property
    def left(self) -> float:
        """Seconds in which it may still act."""
        with self._lock:
            return 0.0 if self._lost else self._until - self._steady()

    @property
    def lost(self) -> bool:
        """Whether another is known to have taken over."""
        return self._lost

    @property
    def stale(self) -> bool:
        """Whether it ran out and nobody is known to have taken over: the database may be away."""
        return not self._lost and self.left < ROOM

    def check(self) -> None:
        """Pass only whoever may act now.

        Raises:
            Conflict: ``lease-lost``.
        """
        if self.left < ROOM:
            raise lease_lost(self.lease)


def lease_lost(lease: Lease) -> Conflict:
    """The error of whoever comes too late."""
    return Conflict(
        f"expected to hold lease {lease.token} of `{lease.work}`, got none that is sure to last",
        code="lease-lost",
        hint="another server goes on with it",
    )
