"""Traffic back although a rollout cannot be opened: its record, its plan or its meters cannot be had or believed.

Rules:
1. Going back needs the router alone. Where the way back is on record already, meters that cannot be opened are
   done without.
2. Where the record itself cannot be believed, what the ledger says of the start names the plan and so the router;
   where that does not help, the local record does. The weight is set to 0 and the ledger is told, once.
3. Traffic that nobody can judge any more because the database does not answer is set to 0 before the lease is
   over. The router is asked until it serves 0, or until the database answers. What it was last seen to serve is
   put on record when there is one.
4. A rollout of which the ledger says that it is over is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress

from interlock.core.change.errors import InterlockError
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.plan import Plan, PluginPlan
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.served import fits
from interlock.core.rollout.transition import returning
from interlock.road.roll.book import Book
from interlock.road.roll.kit import Kit
from interlock.road.roll.outside import Opened, Outside, open_all, open_router, router_of
from interlock.road.roll.tenure import Tenure
from interlock.road.station import Station

_BACK = frozenset({"withdraw", "settle", "undo"})
_OUT = frozenset({"weigh", "watch", "promote"})
_OVER = frozenset({"rollout.completed", "rollout.returned", "rollout.failed"})
_TAKEN_UP = "rollout.rolled-back"

BRINK = 0.8
"""Seconds before the lease's end at which traffic goes back that nobody can judge."""

UNJUDGED = "the database did not answer, and without it nobody could judge: "

BEYOND = 600.0
"""Seconds after the lease's end for which a router that does not serve 0 is still asked."""


def opened_for(outside: Outside, plan: Plan, record: RolloutRecord) -> Opened:
    """Router and meters; on the way back the router alone, should the meters not open."""
    if record.phase not in _BACK:
        return open_all(outside, plan)
    try:
        return open_all(outside, plan)
    except Exception:  # noqa: BLE001  # whatever a meter says: nothing is counted any more
        return Opened(router=open_router(outside, plan), meters=())


class Rescue:
    """The last resort of one worker."""

    def __init__(self, station: Station, outside: Outside, failed: Callable[[str, BaseException], None]) -> None:
        self._station, self._outside, self._failed = station, outside, failed
        self._told: set[str] = set()
        self._unjudged: dict[str, str] = {}

    def on_record(self, kit: Kit, why: str) -> None:
        """The weight was set to 0 already: the rest of the way back, where the record can be written."""
        work = kit.tenure.lease.work
        try:
            written = kit.book.move(lambda current: returning(current, "untrusted", why))
            self._outside.told(written.before, written.after, kit.plan)
        except InterlockError as error:
            self._failed(work, error)
            self._tell(kit.book, work, why)

    def unless_answered(self, kit: Kit) -> None:
        """Its driver ended over something that does not answer: should it be the database, traffic goes back.

        Nobody claims it, nobody judges it until the database is back. It has until shortly before the lease's end.
        """
        known = kit.book.known
        if known is None or known.phase not in _OUT or max(known.wanted, known.served) <= 0:
            return
        while not _answers(kit):
            if kit.tenure.left <= BRINK or kit.stopping.is_set():
                break
            kit.stopping.wait(BRINK / 4)
        else:
            return
        if not kit.stopping.is_set():
            self._unjudged[kit.tenure.lease.work] = UNJUDGED + _withdrawn(kit)

    def unjudged(self, work: str) -> str:
        """Why it has to go back, should this server have taken its traffic away without putting it on record."""
        return self._unjudged.pop(work, "")

    def back(self, book: Book, tenure: Tenure, why: str) -> None:
        """Weight 0 by whatever router can be opened, and a word in the ledger about it."""
        work = tenure.lease.work
        entries = self._entries(work)
        if _over(entries):
            return
        for plugin in self._routers(book, work, entries):
            try:
                tenure.check()
                router = router_of(self._outside, plugin)
                try:
                    router.set_weight(0.0)
                finally:
                    router.close()
            except Exception as error:  # noqa: BLE001  # the next source may name one that can be opened
                self._failed(work, error)
            else:
                break
        self._tell(book, work, why)

    def _routers(self, book: Book, work: str, entries: list[Entry]) -> Iterator[PluginPlan]:
        for entry in entries:
            if entry.kind == "rollout.started":
                with suppress(InterlockError):
                    content = book.blob(str(entry.body.get("plan")))
                    yield read_plan("", content).router
        with suppress(InterlockError):
            local = self._outside.kept(work)
            if local is not None:
                yield local.router

    def _entries(self, work: str) -> list[Entry]:
        try:
            return [entry for _, entry in self._station.store.read(lambda tx: tx.log.entries(work))]
        except InterlockError as error:
            self._failed(work, error)
            return []

    def _tell(self, book: Book, work: str, why: str) -> None:
        if work in self._told:
            return
        try:
            book.note("rollout.escalated", {"wanted": 0.0, "why": why[:500]})
            self._told.add(work)
        except InterlockError as error:
            self._failed(work, error)


def _over(entries: list[Entry]) -> bool:
    ends = [entry.kind for entry in entries if entry.kind in _OVER or entry.kind == _TAKEN_UP]
    return bool(ends) and ends[-1] != _TAKEN_UP


def _withdrawn(kit: Kit) -> str:
    """Ask for weight 0 until it is served; what came of it."""
    while True:
        seen, said = kit.withdraw()
        if seen is not None and fits(seen, 0.0):
            return "the weight was set to 0"
        kit.stopping.wait(BRINK / 4)
        if kit.stopping.is_set() or kit.tenure.lost or kit.tenure.left <= -BEYOND or _answers(kit):
            serves = said if seen is None else f"{seen:g} % are served"
            return f"weight 0 was asked for and is not known to be served: {serves}"


def _answers(kit: Kit) -> bool:
    try:
        kit.pool.submit(kit.book.read).result(timeout=BRINK / 2)
    except (TooLate, InterlockError):
        return False
    return True
