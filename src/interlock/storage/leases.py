"""Leases as rows: the port ``Leases`` over SQLite and PostgreSQL.

Rules:
1. A row stays for good, since its token must never fall. ``owner`` and the end of the lease, ``until``, are NULL
   while nobody holds it; ``due_at`` is when it is due and NULL where nothing is left to do. Both in milliseconds.
2. The clock is the database's: on PostgreSQL the moment at which the server took the statement. A SQLite file is
   shared by processes of one machine, and theirs is the clock that this machine counts from its start: nobody can
   set it back, and no two of them differ.
3. A clock that was set back all the same (a restored machine, another host of the database) makes leases end far
   in the future. None can have longer left than it was given: ``span`` says how long, and the next claim that
   finds nothing cuts what is beyond it. Whoever still lives renews within that time.
4. Work that is offered while somebody holds it stays offered when it is let go: a wake-up is never lost.
5. A claim that would find nothing takes no lock on SQLite. On PostgreSQL it passes over rows that another
   transaction has locked, also those whose holder is committing under the lease right now (``fence``).
6. A process that is stopped in the middle of a transaction keeps its locks: on PostgreSQL for ``STALLED_SECONDS``,
   on SQLite until it goes on or dies. Several servers belong on PostgreSQL.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from interlock.core.change.errors import Conflict, InterlockError, InvalidInput, Unavailable
from interlock.ports.leases import Lease
from interlock.storage import schema
from interlock.storage.dialect import insert_into
from interlock.storage.engine import CONNECTION_LOST, Engines, translate
from interlock.storage.session import Session, lookup_value

T = TypeVar("T")

MAX_SECONDS = 3_600.0
MAX_AFTER = 366 * 86_400.0
MAX_CLAIM = 1_000

_ROW = schema.lease.c
_HELD = sa.and_(
    _ROW.work == sa.bindparam("held"), _ROW.owner == sa.bindparam("holder"), _ROW.token == sa.bindparam("fence")
)
_FENCE = sa.select(_ROW.work).where(_HELD).with_for_update(read=True, key_share=True)


class SqlLeases:
    """The port ``Leases`` over one database. Safe to use from several threads.

    ``steady`` is the machine's clock, in seconds, for a database that has none (rule 2).
    """

    def __init__(self, engines: Engines, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._engines = engines
        self._steady = steady

    def offer(self, work: str, *, after: float = 0.0) -> None:
        """Make work known, due ``after`` seconds from now unless it is due earlier; its holder keeps it."""
        lookup_value("work", work)
        wait = _milliseconds("after", after, least=0.0, most=MAX_AFTER)
        self._transact(lambda connection: self._offer(connection, work, wait))

    def claim(
        self, owner: str, *, seconds: float, most: int = 16, only: Collection[str] | None = None
    ) -> Sequence[Lease]:
        """Take at most ``most`` (1–1,000) pieces of work that are due and whose lease, if any, has ended."""
        lookup_value("owner", owner)
        span = _milliseconds("seconds", seconds, least=0.001, most=MAX_SECONDS)
        if not 1 <= most <= MAX_CLAIM:
            raise _refused("most", f"1 to {MAX_CLAIM}", most)
        if self._engines.sqlite and not self._worth_a_try():
            return ()
        meant = sa.true() if only is None else _ROW.work.in_(sorted(only))
        taken = self._transact(lambda connection: self._claim(connection, owner, span, most, meant))
        return tuple(Lease(work=row.work, owner=owner, token=row.token, seconds=seconds) for row in taken)

    def renew(self, leases: Collection[Lease], *, seconds: float) -> Sequence[Lease]:
        """Prolong those that are still held, ended or not; those that are missing were lost for good."""
        span = _milliseconds("seconds", seconds, least=0.001, most=MAX_SECONDS)
        asked = {(each.work, each.owner, each.token) for each in leases}
        if not asked:
            return ()
        ordered = sorted(asked)
        slices = [ordered[start : start + MAX_CLAIM] for start in range(0, len(ordered), MAX_CLAIM)]
        kept = self._transact(
            lambda connection: {key for some in slices for key in self._renew(connection, some, span)}
        )
        return tuple(
            Lease(work=work, owner=owner, token=token, seconds=seconds)
            for work, owner, token in ordered
            if (work, owner, token) in kept
        )

    def release(self, lease: Lease, *, after: float | None = None) -> None:
        """Let go: due again ``after`` seconds from now, or done with (None) unless it was offered meanwhile."""
        wait = None if after is None else _milliseconds("after", after, least=0.0, most=MAX_AFTER)
        self._transact(lambda connection: self._release(connection, lease, wait))

    def idle(self, work: str) -> float | None:
        """For how many seconds it has been due and nobody held it; None while somebody does or nothing is due."""
        now = self._now()
        passed = now - sa.func.coalesce(_ROW.until, _ROW.due_at)
        asked = sa.select(passed, _beyond(now)).where(_ROW.work == work, sa.or_(_free(now), _beyond(now)))
        try:
            with self._engines.reader.begin() as connection:
                found = connection.execute(asked).one_or_none()
        except sa.exc.DBAPIError as error:
            raise translate(error) from error
        if found is None:
            return None
        return math.inf if found[1] else max(0.0, found[0] / 1_000)

    def _offer(self, connection: sa.Connection, work: str, wait: int) -> None:
        row = {"work": work, "token": 0, "due_at": self._now() + wait, "span": wait}
        insert = insert_into(schema.lease, on_sqlite=self._engines.sqlite)
        connection.execute(
            insert.values(row).on_conflict_do_update(
                index_elements=["work"],
                set_={
                    "due_at": _earlier(insert.excluded.due_at),
                    "span": _longer(insert.excluded.span),
                },
            )
        )

    def _claim(
        self, connection: sa.Connection, owner: str, span: int, most: int, meant: sa.ColumnElement[bool]
    ) -> Sequence[sa.Row[Any]]:
        now = self._now()
        picked = (
            sa.select(_ROW.work)
            .where(_free(now), meant)
            .order_by(sa.func.coalesce(_ROW.until, _ROW.due_at), _ROW.work)
            .limit(most)
            .with_for_update(skip_locked=True)
            .cte("picked")
        )
        taken = connection.execute(
            sa.update(schema.lease)
            .where(_ROW.work.in_(sa.select(picked.c.work)))
            .values(owner=owner, token=_ROW.token + 1, until=now + span, due_at=None, span=span)
            .returning(_ROW.work, _ROW.token)
        ).all()
        if not taken:
            self._cut(connection)
        return taken

    def _cut(self, connection: sa.Connection) -> None:
        """Let nothing lie further ahead than it was meant to (rule 3)."""
        now = self._now()
        end = now + _ROW.span
        connection.execute(
            sa.update(schema.lease)
            .where(_beyond(now))
            .values(
                until=sa.case((_ROW.until > end, end), else_=_ROW.until),
                due_at=sa.case((_ROW.due_at > end, end), else_=_ROW.due_at),
            )
        )

    def _renew(
        self, connection: sa.Connection, asked: Sequence[tuple[str, str, int]], span: int
    ) -> Sequence[tuple[str, str, int]]:
        rows = connection.execute(
            sa.update(schema.lease)
            .where(sa.tuple_(_ROW.work, _ROW.owner, _ROW.token).in_(asked))
            .values(until=self._now() + span, span=_longer(sa.literal(span)))
            .returning(_ROW.work, _ROW.owner, _ROW.token)
        )
        return [(row.work, row.owner, row.token) for row in rows]

    def _release(self, connection: sa.Connection, lease: Lease, wait: int | None) -> None:
        changes: dict[str, Any] = {"owner": None, "until": None}
        if wait is not None:
            changes |= {"due_at": _earlier(self._now() + wait), "span": _longer(sa.literal(wait))}
        connection.execute(sa.update(schema.lease).where(_HELD).values(changes), _held(lease))

    def _worth_a_try(self) -> bool:
        now = self._now()
        statement = sa.select(_ROW.work).where(sa.or_(_free(now), _beyond(now))).limit(1)
        try:
            with self._engines.reader.begin() as connection:
                return connection.execute(statement).first() is not None
        except sa.exc.DBAPIError as error:
            raise translate(error) from error

    def _now(self) -> sa.ColumnElement[int]:
        if self._engines.sqlite:
            return sa.literal(int(self._steady() * 1_000), sa.BigInteger)
        return sa.cast(sa.extract("epoch", sa.func.statement_timestamp()) * 1_000, sa.BigInteger)

    def _transact(self, work: Callable[[sa.Connection], T]) -> T:
        """``work`` in a transaction of its own, once more where a pooled connection was dead."""
        with self._engines.turns.small():
            try:
                return self._attempt(work)
            except Unavailable as error:
                if error.code != CONNECTION_LOST:
                    raise
            return self._attempt(work)

    def _attempt(self, work: Callable[[sa.Connection], T]) -> T:
        try:
            with self._engines.writer.connect() as connection:
                try:
                    return _committed(connection, work)
                except InterlockError:
                    # A commit that failed may have left its transaction open.
                    connection.invalidate()
                    raise
        except sa.exc.DBAPIError as error:
            raise translate(error) from error


def _committed(connection: sa.Connection, work: Callable[[sa.Connection], T]) -> T:
    with connection.begin() as transaction:
        outcome = work(connection)
        try:
            transaction.commit()
        except sa.exc.DBAPIError as error:
            raise translate(error, committing=True) from error
        return outcome


def fence(session: Session, lease: Lease) -> None:
    """See that ``lease`` is held, and keep it from being taken by another until this transaction ends.

    The row is locked so weakly that its holder may go on renewing; a claim passes over it.

    Raises:
        Conflict: ``lease-lost``.
    """
    if session.lock(_FENCE, _held(lease)).first() is None:
        raise Conflict(
            f"expected the lease {lease.token} of `{lease.work[:80]}`, got one that another server took over",
            code="lease-lost",
            hint="do nothing more about it: whoever holds it now goes on from what is recorded",
        )


def announce(session: Session, work: str) -> None:
    """Make new work known with the transaction that begins it, due at once; known work stays as it is."""
    lookup_value("work", work)
    session.insert_new(schema.lease, {"work": work, "token": 0, "due_at": 0, "span": 0})


def _held(lease: Lease) -> dict[str, object]:
    return {"held": lease.work, "holder": lease.owner, "fence": lease.token}


def _free(now: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    due = sa.and_(_ROW.owner.is_(None), _ROW.due_at <= now)
    return sa.or_(due, sa.and_(_ROW.owner.is_not(None), _ROW.until <= now))


def _beyond(now: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    end = now + _ROW.span
    waiting = sa.and_(_ROW.due_at.is_not(None), _ROW.due_at > end)
    return sa.or_(waiting, sa.and_(_ROW.owner.is_not(None), _ROW.until > end))


def _earlier(moment: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.case((_ROW.due_at < moment, _ROW.due_at), else_=moment)


def _longer(span: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.case((_ROW.span > span, _ROW.span), else_=span)


def _milliseconds(name: str, seconds: float, *, least: float, most: float) -> int:
    if not least <= seconds <= most:
        raise _refused(name, f"{least:g} to {most:g} seconds", seconds)
    return round(seconds * 1_000)


def _refused(name: str, wanted: str, got: float) -> InvalidInput:
    return InvalidInput(
        f"expected `{name}` of {wanted}, got `{got:g}`",
        code="lease-range",
        hint="a lease lasts seconds; longer work renews it",
    )
