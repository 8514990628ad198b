"""The worker beside the API: claims rollouts that are due, moves each in a thread of its own, lets go in order.

Rules:
1. A lease lasts three seconds and is renewed every second by a thread that does nothing else: a slow scrape does
   not lose it. Whoever dies is followed by another within a lease and a look.
2. A rollout that fails for a reason of interlock's own is tried again; after a few times in a row its traffic goes
   back. That something does not answer is no such reason.
   State that contradicts its proof ends it at once, with the traffic at 0 as far as this server may.
3. ``stop`` lets every lease go, so that another server goes on at once. A step that runs has a while to come to
   its end, and what is out is judged meanwhile; then it is ended, and verified and run again by whoever goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from interlock.core.change.errors import Conflict, IntegrityError, InterlockError, Unavailable
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.record import ENDED, RolloutRecord, RolloutState
from interlock.core.rollout.transition import returning
from interlock.core.rollout.windows import Tolerances
from interlock.ports.leases import Leases
from interlock.ports.store import Tx
from interlock.road.roll.book import Book
from interlock.road.roll.driver import Driver
from interlock.road.roll.kit import Kit
from interlock.road.roll.outside import Outside
from interlock.road.roll.rescue import Rescue, opened_for
from interlock.road.roll.tenure import Tenure
from interlock.road.station import Station

LEASE_SECONDS = 3.0
RENEW_SECONDS = 1.0
LOOK_SECONDS = 0.25
SWEEP_SECONDS = 5.0
ONCE_MORE_SECONDS = 30.0
"""After its end a rollout is looked at once more: whoever ended it may have died before people were told."""

FINISH_SECONDS = 15.0
"""How long a step may go on after the worker was told to end."""

FAULTS = 3
"""Failures of interlock's own in a row after which traffic goes back."""

GAVE_UP = "interlock failed three times in a row over it; see the server's log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a worker looks, renews and sweeps; ``most`` rollouts at once."""

    lease: float = LEASE_SECONDS
    renew: float = RENEW_SECONDS
    look: float = LOOK_SECONDS
    sweep: float = SWEEP_SECONDS
    most: int = 200


class Worker:
    """Moves rollouts until it is stopped. ``owner`` names it among all servers; ``only`` is all that it takes."""

    def __init__(
        self,
        station: Station,
        outside: Outside,
        leases: Leases,
        *,
        owner: str,
        pace: Pace | None = None,
        only: Collection[str] | None = None,
        tolerances: Callable[[float], Tolerances] | None = None,
        failed: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self._station, self._outside, self._leases = station, outside, leases
        self._owner, self._pace, self._only = owner, pace or Pace(), only
        self._tolerances, self._failed = tolerances, failed or _quiet
        self._stopping = threading.Event()
        self._stopped_at = 0.0
        self._lock = threading.Lock()
        self._held: dict[str, Tenure] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._faults: dict[str, int] = {}
        self._rescue = Rescue(station, outside, self._failed)
        self._pool = ThreadPoolExecutor(max_workers=32 + self._pace.most, thread_name_prefix="interlock-read")
        self._own = [
            threading.Thread(target=self._look, name="interlock-worker", daemon=True),
            threading.Thread(target=self._renew, name="interlock-leases", daemon=True),
        ]

    def start(self) -> None:
        """Begin to look for work."""
        for thread in self._own:
            thread.start()

    def stop(self) -> None:
        """Finish what is being done, write down what was counted, let go of every lease. Idempotent."""
        if not self._stopping.is_set():
            self._stopped_at = self._outside.steady()
        self._stopping.set()
        for thread in [*self._own[:1], *list(self._threads.values())]:
            if thread.is_alive():
                thread.join(timeout=30)
        if self._own[1].is_alive():
            self._own[1].join(timeout=30)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> None:
        swept = -self._pace.sweep
        while not self._stopping.is_set():
            if self._outside.steady() - swept >= self._pace.sweep:
                swept = self._outside.steady()
                self._tried(self._sweep)
            self._tried(self._claim)
            self._stopping.wait(self._pace.look)

    def _tried(self, work: Callable[[], None]) -> None:
        """Whatever fails is told and tried again: a worker that ended silently would leave traffic unjudged."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  # as above
            self._failed("", error)

    def _sweep(self) -> None:
        """Offer whatever somebody should move, should an offer have been lost."""
        for work in self._station.store.read(_under_way):
            if work not in self._held:
                self._leases.offer(work)

    def _claim(self) -> None:
        room = self._pace.most - len(self._held)
        if room <= 0:
            return
        with self._lock:
            stale = any(each.stale for each in self._held.values())
        if stale:
            # The database was away: what this worker still watches it keeps, rather than take it from itself.
            self._renew_all()
        asked = self._outside.steady()
        claimed = self._leases.claim(self._owner, seconds=self._pace.lease, most=min(room, 16), only=self._only)
        for lease in claimed:
            tenure = Tenure(lease, asked=asked, steady=self._outside.steady)
            thread = threading.Thread(
                target=self._drive, args=(tenure,), name=f"interlock-{lease.work}", daemon=True
            )
            with self._lock:
                self._held[lease.work] = tenure
                self._threads[lease.work] = thread
            try:
                thread.start()
            except RuntimeError as error:
                self._failed(lease.work, error)
                self._let_go(tenure, after=self._pace.look)

    def _renew(self) -> None:
        while not self._stopping.wait(self._pace.renew) or self._held:
            self._tried(self._renew_all)
            if self._stopping.is_set():
                time.sleep(self._pace.renew / 10)

    def _renew_all(self) -> None:
        with self._lock:
            held = list(self._held.values())
        if not held:
            return
        asked = self._outside.steady()
        renewed = self._leases.renew([one.lease for one in held], seconds=self._pace.lease)
        kept = {(each.work, each.token) for each in renewed}
        for tenure in held:
            if (tenure.lease.work, tenure.lease.token) in kept:
                tenure.prolong(asked=asked, seconds=self._pace.lease)
            else:
                tenure.lose()

    def _drive(self, tenure: Tenure) -> None:
        work = tenure.lease.work
        after: float | None = self._pace.look
        try:
            after = self._until_over(tenure)
        except Conflict as error:
            self._failed(work, error)  # also that another has it now: nobody is to wonder why this one went quiet
        except Exception as error:  # noqa: BLE001  # whatever it was, the rollout must go on or go back
            self._failed(work, error)
            if not isinstance(error, Unavailable):
                self._faults[work] = self._faults.get(work, 0) + 1
            after = self._pace.sweep if isinstance(error, IntegrityError) else self._pace.look
        finally:
            self._let_go(tenure, after=after)

    def _let_go(self, tenure: Tenure, *, after: float | None) -> None:
        """Whoever holds it by now keeps it: this worker may have claimed it again."""
        work = tenure.lease.work
        with self._lock:
            if self._held.get(work) is tenure:
                del self._held[work]
                self._threads.pop(work, None)
                self._station.live.drop(work)
        with suppress(InterlockError):
            self._leases.release(tenure.lease, after=after)

    def _until_over(self, tenure: Tenure) -> float | None:
        """Move it until it is over, or until this worker ends; in how many seconds it is due again, if at all."""
        book = Book(self._station, tenure.lease.work, tenure.lease)
        try:
            kit = self._kit(book, tenure)
        except Exception as error:
            if isinstance(error, IntegrityError) or self._gives_up(tenure):
                self._rescue.back(book, tenure, str(error))
            raise
        if kit is None:
            return None
        try:
            return self._steps(kit)
        except IntegrityError as error:
            # What is on record cannot be believed: traffic goes back, and whoever is asked to look at it is told.
            kit.set_weight(0.0)
            self._rescue.on_record(kit, error.message)
            raise
        except Unavailable:
            self._rescue.unless_answered(kit)
            raise
        finally:
            kit.opened.close()

    def _steps(self, kit: Kit) -> float | None:
        allowed = self._tolerances(kit.plan.tick) if self._tolerances else None
        driver = Driver(kit, tolerances=allowed)
        try:
            return self._moved(kit, driver)
        finally:
            driver.close()

    def _moved(self, kit: Kit, driver: Driver) -> float | None:
        while not self._stopping.is_set() or self._finishes(driver):
            if not (kit.tenure.stale and driver.watches):
                kit.tenure.check()
            wait = driver.step()
            self._faults.pop(kit.tenure.lease.work, None)
            if wait is None:
                return ONCE_MORE_SECONDS if kit.plan.notify else None
            driver.wait(wait)
        kit.tenure.check()
        driver.flush()
        return 0.0

    def _finishes(self, driver: Driver) -> bool:
        return driver.busy and self._outside.steady() - self._stopped_at < FINISH_SECONDS

    def _kit(self, book: Book, tenure: Tenure) -> Kit | None:
        record = book.read()
        before, why = record, GAVE_UP if self._gives_up(tenure) else self._rescue.unjudged(record.id)
        if why and record.phase != "over":
            record = book.move(lambda current: returning(current, "untrusted", why)).after
        plan = read_plan(record.plan_path, book.blob(record.plan))
        self._outside.again(before, plan)
        if record.phase == "over":
            return None
        if record != before:
            self._outside.told(before, record, plan)
        return Kit(
            station=self._station,
            outside=self._outside,
            plan=plan,
            book=book,
            tenure=tenure,
            pool=self._pool,
            opened=opened_for(self._outside, plan, record),
            stopping=self._stopping,
        )

    def _gives_up(self, tenure: Tenure) -> bool:
        return self._faults.get(tenure.lease.work, 0) >= FAULTS


def _quiet(work: str, error: BaseException) -> None:
    del work, error


def _under_way(tx: Tx) -> Sequence[str]:
    return tx.index(RolloutRecord).ids("state", [each.value for each in RolloutState if each not in ENDED])
