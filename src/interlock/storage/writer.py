"""Group commit: whoever waits is committed together, by one thread, in the order of arrival.

Rules:
1. A piece of work that finds the writer idle is run at once; no timer is ever waited for. What arrives meanwhile
   forms the next group.
2. A group is one transaction under the head's lock. It is run without savepoints and with its record writes in
   bulk first; when a piece of work fails after it wrote something, or a write meets another state than expected,
   everything is rolled back and the group is run again, step by step, each piece under a savepoint of its own.
   Work may therefore run twice, as the port says.
3. Answers are given after the commit. A lost acknowledgement is ``commit-unknown`` for the whole group.
4. ``IntegrityError`` about the ledger stops the writer for good: every later call gets the same error.
5. After 5 ms of silence, or 1,024 entries, the seal signs what was committed; whoever asks for a checkpoint gets
   one that covers all that was acknowledged before. Work that asks to be signed is answered once a checkpoint
   covers it; where signing fails it is answered all the same, since it is durable.
6. What was signed is remembered outside the database after the answers are given, at most once a second while
   there is work and at once when there is none.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa

from interlock.core.change.errors import Conflict, IntegrityError, InterlockError, Unavailable
from interlock.core.ledger.tree import Tree
from interlock.ports.store import Tx
from interlock.storage.engine import CONNECTION_LOST, Engines, translate
from interlock.storage.ledger import Mark, catch_up, keep_growth, read_head
from interlock.storage.seal import Seal
from interlock.storage.session import OutOfStep, Session
from interlock.storage.transaction import Shelves, SqlTx

MAX_GROUP = 256
SEAL_EVERY = 1_024
SILENCE_SECONDS = 0.005

Work = Callable[[Tx], Any]


@dataclass(slots=True, eq=False)
class _Job:
    work: Work | None
    """None asks for a checkpoint of everything before it."""
    signed: bool
    answer: Future[Any] = field(default_factory=Future)
    outcome: Any = None
    error: Exception | None = None


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
        self._thread = threading.Thread(target=self._run, name="interlock-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work | None, *, signed: bool = False) -> Any:  # noqa: ANN401  # whatever the work returns
        """Run ``work`` in the next group and return its result once durable, with ``signed`` once it is covered.

        None asks for a checkpoint.
        """
        if threading.current_thread() is self._thread:
            raise IntegrityError(
                "expected no write inside a write", code="write-nested", hint="use the transaction that is open"
            )
        job = _Job(work, signed or work is None)
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
        open_ = True
        while open_:
            group = self._next_group()
            open_ = None not in group
            jobs = [job for job in group if job is not None]
            self._serve([job for job in jobs if job.work is not None])
            askers = [job for job in jobs if job.signed and not job.answer.done()]
            if askers or not group or not open_ or self._unsigned() >= SEAL_EVERY:
                self._sign(askers)
            quiet = not group or not open_
            self._guarded(partial(self._seal.remember, at_once=quiet))
            # What is answered must not be kept alive until somebody writes again: work can hold megabytes.
            del group, jobs, askers

    def _next_group(self) -> list[_Job | None]:
        """What waits, at once; an empty group after some silence, when there is something to sign."""
        try:
            due = (self._unsigned() or self._seal.unremembered) and not self._fatal
            group = [self._jobs.get(timeout=SILENCE_SECONDS if due else None)]
        except queue.Empty:
            return []
        while len(group) < MAX_GROUP and not self._jobs.empty():
            group.append(self._jobs.get())
        return group

    def _unsigned(self) -> int:
        return self._tree.size - self._seal.newest.tree.size

    def _serve(self, jobs: list[_Job]) -> None:
        if jobs:
            error = self._guarded(lambda: self._commit(jobs))
            for job in jobs:
                if not job.signed or error or job.error:
                    _answer(job, error)

    def _sign(self, askers: list[_Job]) -> None:
        error = self._guarded(self._seal.renew)
        for job in askers:
            if job.work is None:
                job.outcome = self._seal.newest
            _answer(job, error if job.work is None else None)

    def _guarded(self, step: Callable[[], object]) -> Exception | None:
        """The error of ``step``: the thread must answer everybody and live on, or stop for good on damage."""
        if self._fatal is None:
            try:
                step()
            except IntegrityError as error:
                self._fatal = error
            except Exception as error:  # noqa: BLE001  # it is handed to those who wait
                return error
        return self._fatal

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._attempt(jobs, isolated=False)
        except OutOfStep:
            self._attempt(jobs, isolated=True)
        except Unavailable as error:
            # A pooled connection was dead (the database was started anew). Nothing was committed: try a fresh one.
            if error.code != CONNECTION_LOST:
                raise
            self._attempt(jobs, isolated=True)

    def _attempt(self, jobs: list[_Job], *, isolated: bool) -> None:
        try:
            with self._engines.turns.group(), self._engines.writer.connect() as connection:
                try:
                    self._transact(connection, jobs, isolated=isolated)
                except InterlockError:
                    connection.invalidate()
                    raise
        except sa.exc.DBAPIError as error:
            raise translate(error) from error

    def _transact(self, connection: sa.Connection, jobs: list[_Job], *, isolated: bool) -> None:
        with connection.begin() as transaction:
            session = Session(connection, writable=True, eager=isolated)
            head = read_head(session, lock=True)
            tree = catch_up(session, self._tree, head)
            tx = SqlTx(session, self._shelves, head)
            for job in jobs:
                _run_one(job, tx, connection if isolated else None)
            session.settle()
            grown = _grow(tx, tree)
            if not session.changed:
                transaction.rollback()
                return
            try:
                transaction.commit()
            except sa.exc.DBAPIError as error:
                raise translate(error, committing=True) from error
            self._tree = grown


def _grow(tx: SqlTx, tree: Tree) -> Tree:
    if not tx.appended.pending:
        return tree
    tx.appended.flush()
    grown = tree.copy()
    grown.extend(node for _, _, node in tx.appended.pending)
    keep_growth(tx.session, tree, grown, tx.appended.latest)
    return grown


def _run_one(job: _Job, tx: SqlTx, connection: sa.Connection | None) -> None:
    """Run one piece of work, under a savepoint if ``connection`` is given; its outcome goes into ``job``."""
    job.outcome = job.error = None
    savepoint = connection.begin_nested() if connection is not None else None
    mark, before = tx.appended.mark(), tx.session.changed
    tx.session.changed, tx.session.failed = False, None
    try:
        job.outcome = tx.run(job.work) if job.work is not None else None
        _check(tx, mark)
    except OutOfStep:
        raise  # it is about a write before this one, which must not pass for done
    except Exception as error:
        if tx.session.broken:
            raise tx.session.failed or error from error
        if savepoint is None and (tx.session.changed or tx.session.failed):
            raise OutOfStep from error
        if savepoint is not None:
            savepoint.rollback()
            tx.appended.back_to(mark)
        # Without a savepoint this piece appended nothing, but it may have had earlier leaves written.
        tx.session.changed = before
        job.error = error
    else:
        if savepoint is not None:
            savepoint.commit()
        tx.session.changed = tx.session.changed or before


def _check(tx: SqlTx, mark: Mark) -> None:
    if tx.session.failed is not None:
        raise tx.session.failed
    if tx.session.changed and len(tx.appended.pending) == mark[0]:
        raise IntegrityError(
            "expected a change of state to append its ledger entry, got none",
            code="write-without-entry",
            hint="append an entry in the same write",
        )


def _answer(job: _Job, error: Exception | None) -> None:
    failure = error or job.error
    if failure is None:
        job.answer.set_result(job.outcome)
    else:
        job.answer.set_exception(failure)
