"""Connections to SQLite and PostgreSQL, and what their errors mean.

Rules:
1. SQLite: WAL, ``synchronous=FULL``, one writer through ``BEGIN IMMEDIATE``; readers are ``query_only``.
   PostgreSQL: readers are repeatable-read and read-only; writers commit synchronously whatever the server says.
2. No error of the driver leaves this package: outages become ``Unavailable``, damage becomes ``IntegrityError``.
3. A server that stalls in the middle of a transaction keeps the ledger's lock: PostgreSQL takes it away after
   ``STALLED_SECONDS``, and the work of whoever stalled is run again on another connection.
4. An error while committing is ``commit-unknown``: nobody may assume that it failed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from interlock.core.change.errors import IntegrityError, InterlockError, InvalidInput, Unavailable
from interlock.storage.closed import not_yours
from interlock.storage.turns import Turns

PLUGIN = "storage"
BUSY_SECONDS = 30
STALLED_SECONDS = 10
CONNECTION_LOST = "connection-lost"
"""The code of an outage in which the connection itself broke before the commit: a fresh one is worth one try."""

_DAMAGED = (
    "malformed",
    "not a database",
    "invalid page",
    "could not read block",
    "checksum",
    "corrupt",
    "could not decode",
    "no such table",
)
_IN_THE_WAY = ("attempt to write a readonly", "read-only transaction", "query_only")
_NOT_OURS = ("does not exist", "authentication failed", "no pg_hba.conf entry", "permission denied")
"""A server that runs and does not know or let in whom the URL names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """Pools on one database: ``writer`` begins by taking the write lock, ``reader`` cannot write.

    ``settled`` reads what never changes, where PostgreSQL needs no transaction around a statement. ``turns`` says
    who may use ``writer`` next.
    """

    writer: sa.Engine
    reader: sa.Engine
    settled: sa.Engine
    sqlite: bool
    turns: Turns

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.writer.dispose()
        self.reader.dispose()
        self.settled.dispose()


def connect(url: str, *, create: bool = True) -> Engines:
    """Engines for ``sqlite:///path`` or ``postgresql://…``; nothing is opened yet.

    Raises:
        InvalidInput: ``database-url`` for anything else.
            ``database-missing`` for a SQLite file that is not there, unless ``create``.
            ``state-closed`` for one that this user may not read.
    """
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as error:
        raise _bad_url("a text that is no URL") from error
    if parsed.drivername == "sqlite" and parsed.database and ":memory:" not in parsed.database:
        return _sqlite(parsed.database, create=create)
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return _postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise _bad_url(f"`{parsed.drivername[:40]}`")


def translate(error: sa.exc.SQLAlchemyError, *, committing: bool = False) -> InterlockError:
    """What a driver's error means to a caller."""
    text = str(getattr(error, "orig", None) or error).strip().split("\n")[0][:200]
    gone = isinstance(error, sa.exc.ProgrammingError) and "does not exist" in text
    if gone or any(sign in text.lower() for sign in _DAMAGED):
        return IntegrityError(
            f"the database is damaged: {text}",
            code="database-damaged",
            hint="stop every server, keep the files, restore a backup and compare its checkpoint with a witness",
        )
    if any(sign in text for sign in _IN_THE_WAY):
        return IntegrityError(
            "expected a reading transaction to read, got a write",
            code="write-while-reading",
            hint="use Store.write",
        )
    if committing:
        return Unavailable(
            f"the commit was not acknowledged: {text}",
            code="commit-unknown",
            hint="look whether it happened, or repeat with the same idempotency key",
            plugin=PLUGIN,
        )
    code, hint = "database-unavailable", "check that the database runs and has space, then repeat"
    if getattr(error, "connection_invalidated", False):
        code = CONNECTION_LOST
    if any(sign in text for sign in _NOT_OURS):
        hint = "correct name, role and password in INTERLOCK_DATABASE, or create them on the server"
    if "full" in text or "No space" in text:
        code, hint = "storage-full", "free space on the database's disk, then repeat; nothing was changed"
    return Unavailable(f"the database did not answer: {text}", code=code, hint=hint, plugin=PLUGIN)


def _sqlite(path: str, *, create: bool) -> Engines:
    if not _is_there(path) and not create:
        raise InvalidInput(
            f"expected a database, got `{path}` which does not exist",
            code="database-missing",
            hint="name it: --database sqlite:///path/to/interlock.db",
        )
    url = URL.create("sqlite", database=path)
    arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None}
    writer = sa.create_engine(url, connect_args=arguments, pool_size=2, max_overflow=2)
    reader = sa.create_engine(url, connect_args=arguments, pool_size=8, max_overflow=32)
    sa.event.listen(writer, "connect", _open_for_writing)
    sa.event.listen(writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    sa.event.listen(reader, "connect", _open_for_reading)
    sa.event.listen(reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return Engines(writer=writer, reader=reader, settled=reader, sqlite=True, turns=Turns(one_writer=True))


def _is_there(path: str) -> bool:
    try:
        there = Path(path).is_file()
    except PermissionError as error:
        raise not_yours(Path(path)) from error
    if there and not os.access(path, os.R_OK):
        raise not_yours(Path(path))
    return there


def _open_for_writing(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own connection
    # The write-ahead log is kept small by checkpoints of SQLite itself, every 4,000 pages (16 MB).
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=4000"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute("PRAGMA cache_size=-16384")


def _open_for_reading(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own connection
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA mmap_size=268435456")


def _postgresql(url: URL) -> Engines:
    arguments = {"connect_timeout": 10, "application_name": "interlock"}
    writer = sa.create_engine(url, connect_args=arguments, pool_size=2, max_overflow=2)
    reader = sa.create_engine(
        url,
        connect_args=arguments,
        pool_size=8,
        max_overflow=32,
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    )
    settled = sa.create_engine(
        url,
        connect_args=arguments,
        pool_size=8,
        max_overflow=32,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
    )
    sa.event.listen(writer, "connect", _session_for_writing)
    sa.event.listen(settled, "connect", _session_for_settled)
    return Engines(writer=writer, reader=reader, settled=settled, sqlite=False, turns=Turns(one_writer=False))


def _session_for_settled(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own connection
    connection.autocommit = True
    connection.execute("SET default_transaction_read_only = on")


def _session_for_writing(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own connection
    connection.execute("SET synchronous_commit = on")
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.execute(f"SET idle_in_transaction_session_timeout = '{STALLED_SECONDS}s'")
    fsync = connection.execute("SHOW fsync").fetchone()[0]
    connection.commit()
    if fsync != "on":
        raise InvalidInput(
            f"expected a PostgreSQL server with fsync on, got `{fsync}`",
            code="database-unsafe",
            hint="set fsync = on: without it an acknowledged entry can be lost",
        )


def _bad_url(got: str) -> InvalidInput:
    return InvalidInput(
        f"expected a database URL, got {got}",
        code="database-url",
        hint="use sqlite:///path/to/interlock.db or postgresql://user@host/name",
    )
