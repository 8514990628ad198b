"""What the hands of one rollout share: its plan, its book, its lease, the open router, and other threads' time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field
from typing import TypeVar

from interlock.core.change.errors import PluginError, Unavailable
from interlock.core.rollout.local import local_of
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import RolloutRecord
from interlock.road.roll.book import Book
from interlock.road.roll.outside import Opened, Outside
from interlock.road.roll.tenure import Tenure, lease_lost
from interlock.road.station import Station

T = TypeVar("T")

QUICK = 0.5
"""Seconds that the database has to answer before weight 0 is set without it."""


@dataclass(slots=True)
class Kit:
    """One rollout's. ``stopping`` is set when the worker is to end; ``pace`` scales all waiting, for tests."""

    station: Station
    outside: Outside
    plan: Plan
    book: Book
    tenure: Tenure
    pool: Executor
    opened: Opened
    stopping: threading.Event = field(default_factory=threading.Event)

    def set_weight(self, percent: float) -> tuple[float | None, str]:
        """Set it, and what the data plane serves then; None with the reason where it does not say.

        Raises:
            Conflict: ``lease-lost``.
        """
        self.tenure.check()
        return self._served_after(percent)

    def _served_after(self, percent: float) -> tuple[float | None, str]:
        said = ""
        try:
            self.opened.router.set_weight(percent)
        except PluginError as error:
            said = _said(error)
        seen, why = self.seen_weight()
        return seen, said or why

    def seen_weight(self) -> tuple[float | None, str]:
        """What the data plane serves."""
        try:
            return self.opened.router.weight(), ""
        except PluginError as error:
            return None, _said(error)

    def withdraw(self) -> tuple[float | None, str]:
        """Have the data plane serve 0 to the canary, also with a lease that ran out while the database was away.

        What it serves then; None with the reason where it does not say.

        That is as safe as anything can be: should another hold the rollout by now, it sees traffic taken away, and
        goes back. Whoever is known to have lost it does nothing.

        Raises:
            Conflict: ``lease-lost``.
        """
        if self.tenure.lost:
            raise lease_lost(self.tenure.lease)
        return self._served_after(0.0)

    def unless_slow(self, work: Callable[[], T], meanwhile: Callable[[], object]) -> T:
        """What comes of ``work``. When it has not come in time, or fails, ``meanwhile`` is done before it is told.

        ``meanwhile`` is what must not wait for the database: it is done at most once.

        Raises:
            InterlockError: what ``work`` raises.
        """
        future = self.pool.submit(work)
        try:
            return future.result(timeout=QUICK)
        except TooLate:
            meanwhile()
        except Unavailable:
            meanwhile()
            raise
        return future.result()

    def keep(self, record: RolloutRecord) -> None:
        """Write down beside the state how to go back."""
        now = self.station.clock.now()
        self.outside.keep(local_of(record, self.plan, root=self.outside.root, now=now))

    def sleep(self, seconds: float) -> None:
        """Wait, or end waiting when the worker is to end."""
        self.stopping.wait(seconds)


def _said(error: PluginError) -> str:
    return f"{error.code}: {error.message}"
