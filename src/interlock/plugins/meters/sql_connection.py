"""One read-only connection to a database, with a deadline that holds even when the database says nothing.

Rules:
1. A transaction is read-only for the database itself: PostgreSQL is told so, SQLite's file is opened so.
2. The statement's time is bounded by the database; and whoever asks waits no longer than the deadline, after which
   the connection is cut and made anew the next time.
3. Neither address nor password appears in a message; the database's own words do, in one line.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar
from urllib.parse import quote

import sqlalchemy as sa

from interlock.core.change.errors import BadReply, Rejected, Unavailable
from interlock.core.rollout.setting import InvalidSetting

PLUGIN = "sql"
T = TypeVar("T")
_CLOCKS = {
    "postgresql": "SELECT extract(epoch FROM statement_timestamp())",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
}
_WRITES = ("25006",)
_FORBIDDEN = ("28", "42501")
_LOST = ("08", "57P", "53")
_SLOW = ("57014",)


class Connection:
    """``url`` is asked for when the connection is first needed. Several threads may use it, one at a time."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self._engine: sa.Engine | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._raw: object = None
        self._turn = threading.Lock()
        self._ends = 0.0

    def run(self, work: Callable[[sa.Connection, float], T], ends: float) -> T:
        """``work`` in one read-only transaction, with the database's clock; ``ends`` is of the monotonic clock.

        Raises:
            Unavailable: ``meter-unreachable``, ``meter-forbidden``; nothing within the deadline.
            Rejected: ``query-refused``, ``query-writes``, in the database's words.
        """
        if not self._turn.acquire(timeout=max(0.0, ends - time.monotonic())):
            raise _silent("an earlier query is still running")
        try:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sql")
            self._ends = ends
            asked: Future[T] = self._thread.submit(self._work, work)
            return self._result(asked)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Let go. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._cut()
            thread.shutdown(wait=True, cancel_futures=True)
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _result(self, asked: Future[T]) -> T:
        try:
            # The database bounds the statement itself; a little later we stop believing in it.
            return asked.result(timeout=max(0.0, self._ends + 0.1 - time.monotonic()))
        except TimeoutError as error:
            self._cut()
            thread, self._thread = self._thread, None
            if thread is not None:
                thread.shutdown(wait=False, cancel_futures=True)
            self._engine = None
            raise _silent("the time is over") from error

    def _work(self, work: Callable[[sa.Connection, float], T]) -> T:
        engine = self._opened()
        try:
            with engine.connect() as connection:
                self._raw = connection.connection.dbapi_connection
                if engine.dialect.name == "postgresql":
                    connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                    limit = sa.text("SELECT set_config('statement_timeout', :ms, true)")
                    connection.execute(limit, {"ms": str(max(1, int((self._ends - time.monotonic()) * 1000)))})
                now = connection.execute(sa.text(_CLOCKS[engine.dialect.name])).scalar_one()
                return work(connection, float(now))
        except sa.exc.SQLAlchemyError as error:
            raise _translated(error) from error
        finally:
            self._raw = None

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            self._engine = _engine(self._url(), lambda: int(time.monotonic() > self._ends))
        return self._engine

    def _cut(self) -> None:
        """Shut the socket under a driver that waits for it."""
        number = getattr(self._raw, "fileno", None)
        if callable(number):
            with suppress(OSError), socket.socket(fileno=os.dup(number())) as line:
                line.shutdown(socket.SHUT_RDWR)


def _engine(url: str, over: Callable[[], int]) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        parsed = None
    backend = parsed.get_backend_name() if parsed is not None else ""
    if parsed is None or backend not in _CLOCKS:
        # The cause is left out: it repeats the address with its password.
        raise InvalidSetting(
            "expected the address of a PostgreSQL or SQLite database, got another one",
            code="setting-url",
            hint="postgresql://user@host/name or sqlite:///path",
            path=("url",),
        ) from None
    if backend == "sqlite":
        return sa.create_engine(
            "sqlite://", creator=lambda: _sqlite(parsed.database or "", over), poolclass=sa.pool.QueuePool
        )
    args = {"connect_timeout": 2, "application_name": "interlock"}
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"), poolclass=sa.pool.QueuePool, connect_args=args
    )


def _sqlite(path: str, over: Callable[[], int]) -> sqlite3.Connection:
    made = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, check_same_thread=False, timeout=0.2)
    made.set_progress_handler(over, 1_000)
    return made


def _translated(error: sa.exc.SQLAlchemyError) -> Unavailable | Rejected | BadReply:
    cause = getattr(error, "orig", None)
    said = " ".join(str(cause or type(error).__name__).split())[:200]
    state = getattr(cause, "sqlstate", None) or ""
    lite = isinstance(cause, sqlite3.Error)
    if state.startswith(_FORBIDDEN) or "authentication failed" in said or "permission denied" in said:
        return Unavailable(
            f"expected to be let in by the database, got: {said}",
            code="meter-forbidden",
            hint="let the meter's role read the table",
            plugin=PLUGIN,
        )
    if state.startswith(_SLOW) or (lite and said == "interrupted"):
        return _silent("the time is over")
    if state.startswith(_WRITES) or (lite and "readonly database" in said):
        return _refused("query-writes", "a query that only reads", said)
    unreached = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and not state
    if state.startswith(_LOST) or (unreached and not (lite and "no such" in said)):
        return _silent(said)
    return _refused("query-refused", "the database to take the query", said)


def _refused(code: str, expected: str, said: str) -> Rejected:
    return Rejected(
        f"expected {expected}, got: {said}", code=code, hint="try it in the database's own client", plugin=PLUGIN
    )


def _silent(why: str) -> Unavailable:
    return Unavailable(
        f"expected an answer from the database in time, got none: {why}",
        code="meter-unreachable",
        hint="look whether it runs, and whether the query is quick enough",
        plugin=PLUGIN,
    )
