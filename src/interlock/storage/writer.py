"""Group commit: whoever waits is committed together, by one thread, in the order of arrival.

Rules:
1. A piece of work that finds the writer idle is run at once; no timer is ever waited for. What arrives meanwhile
   forms the next group.
2. A group is one transaction under the head's lock. It is run without savepoints first; when a piece of work fails
   after it wrote something, everything is rolled back and the group is run again, each piece under a savepoint of
   its own. Work may therefore run twice, as the port says.
3. Answers are given after the commit. A lost acknowledgement is ``commit-unknown`` for the whole group.
4. ``IntegrityError`` about the ledger stops the writer for good: every later call gets the same error.
5. Between groups, when idle or after 1,024 entries, the seal signs what was committed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from interlock.core.change.errors import Conflict, IntegrityError, InterlockError, Unavailable
from interlock.core.ledger.merkle import hash_leaf
from interlock.core.ledger.tree import Tree
from interlock.storage.engine import PLUGIN, Engines, translate
from interlock.storage.ledger import catch_up, keep_growth, read_head
from interlock.storage.seal import Seal
from interlock.storage.session import Session
from interlock.storage.transaction import Shelves, SqlTx

MAX_GROUP = 256
SEAL_EVERY = 1_024

Work = Callable[[SqlTx], Any]


@dataclass(slots=True, eq=False)
class _Job:
    work: Work | None
    """None asks for a checkpoint of everything before it."""
    answer: Future[Any] = field(default_factory=Future)
    outcome: Any = None
    error: Exception | None = None


class _RunAgain(Exception):
    """A piece of work failed after it wrote; the group must be run under savepoints."""


class Writer:
    """The one thread that changes the database."""

    def __init__(self, engines: Engines, seal: Seal, shelves: Shelves) -> None:
        self._engines = engines
        self._seal = seal
        self._shelves = shelves
        self._tree: Tree = seal.newest.tree.copy()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._fatal: IntegrityError | None = None
        self._connection: sa.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="interlock-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work | None) -> Any:  # noqa: ANN401  # whatever the work returns
        """Run ``work`` in the next group and return its result once durable; None asks for a checkpoint."""
        if threading.current_thread() is self._thread:
            raise IntegrityError(
                "expected no write inside a write", code="write-nested", hint="use the transaction that is open"
            )
        job = _Job(work)
        with self._gate:
            if self._closed:
                raise Conflict("the store is closed", code="store-closed", hint="open it again")
            self._jobs.put(job)
        return job.answer.result()

    def close(self) -> None:
        """Finish what was accepted, sign it, stop. Idempotent."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            group = [self._jobs.get()]
            while len(group) < MAX_GROUP and not self._jobs.empty():
                group.append(self._jobs.get())
            last = None in group
            jobs = [job for job in group if job is not None]
            self._serve([job for job in jobs if job.work is not None])
            self._sign([job for job in jobs if job.work is None])
        self._drop_connection()

    def _serve(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        error: Exception | None = self._fatal
        if error is None:
            try:
                self._commit(jobs)
            except InterlockError as failure:
                error = failure
            except Exception as failure:  # noqa: BLE001  # the thread must answer everybody and live on
                error = failure
        if error is not None:
            self._stop_on(error)
        for job in jobs:
            _answer(job, error)

    def _sign(self, askers: list[_Job]) -> None:
        behind = self._tree.size - self._seal.newest.tree.size
        if not askers and (not behind or (not self._jobs.empty() and behind < SEAL_EVERY)):
            return
        error: Exception | None = self._fatal
        if error is None:
            try:
                self._release()
                self._seal.renew()
            except Exception as failure:  # noqa: BLE001  # as above; an outage here is met again by the next call
                error = failure
                self._stop_on(error)
        for job in askers:
            job.outcome = self._seal.newest
            _answer(job, error)

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._attempt(jobs, isolated=False)
        except _RunAgain:
            self._attempt(jobs, isolated=True)

    def _attempt(self, jobs: list[_Job], *, isolated: bool) -> None:
        try:
            connection = self._connect()
            with connection.begin() as transaction:
                session = Session(connection, writable=True)
                head = read_head(session, lock=True)
                tree = catch_up(session, self._tree, head)
                tx = SqlTx(session, self._shelves, head.size)
                for job in jobs:
                    _run_one(job, tx, connection if isolated else None)
                grown = self._grow(tx, tree)
                self._finish(transaction, changed=session.changed)
                self._tree = grown
        except (_RunAgain, InterlockError) as error:
            if not isinstance(error, _RunAgain):
                self._drop_connection()
            raise
        except sa.exc.DBAPIError as error:
            self._drop_connection()
            raise translate(error) from error

    def _grow(self, tx: SqlTx, tree: Tree) -> Tree:
        if not tx.log.pending:
            return tree
        tx.log.flush()
        grown = tree.copy()
        grown.extend(hash_leaf(leaf) for _, leaf in tx.log.pending)
        keep_growth(tx.session, tree, grown)
        return grown

    def _finish(self, transaction: sa.RootTransaction, *, changed: bool) -> None:
        if not changed:
            transaction.rollback()
            return
        try:
            transaction.commit()
        except sa.exc.DBAPIError as error:
            raise translate(error, committing=True) from error

    def _connect(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._engines.writer.connect()
        return self._connection

    def _release(self) -> None:
        """Nothing is held between groups but an idle connection."""

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except sa.exc.SQLAlchemyError:
                return

    def _stop_on(self, error: Exception) -> None:
        if isinstance(error, IntegrityError):
            self._fatal = error


def _run_one(job: _Job, tx: SqlTx, connection: sa.Connection | None) -> None:
    job.outcome = job.error = None
    savepoint = connection.begin_nested() if connection is not None else None
    mark, before = tx.log.mark(), tx.session.changed
    tx.session.changed = False
    try:
        job.outcome = job.work(tx) if job.work is not None else None
        if tx.session.changed and len(tx.log.pending) == mark[0]:
            raise IntegrityError(
                "expected a change of state to append its ledger entry, got none",
                code="write-without-entry",
                hint="append an entry in the same write",
            )
    except Exception as error:
        if tx.session.broken:
            raise
        if savepoint is None and tx.session.changed:
            raise _RunAgain from error
        if savepoint is not None:
            savepoint.rollback()
        tx.log.back_to(mark)
        tx.session.changed = before
        job.error = error
    else:
        if savepoint is not None:
            savepoint.commit()
        tx.session.changed = tx.session.changed or before


def _answer(job: _Job, error: Exception | None) -> None:
    failure = error or job.error
    if failure is None:
        job.answer.set_result(job.outcome)
    else:
        job.answer.set_exception(failure)


def lost() -> Unavailable:
    """The error for a writer that is gone."""
    return Unavailable("the writer stopped", code="writer-stopped", hint="start the server again", plugin=PLUGIN)
