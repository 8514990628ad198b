"""What is on record of statements: found by what they are about, who signed and how they stand now.

Rules:
1. How a statement stands is worked out at each look: time passes, and tickets are used.
2. A page that had to look through more than 2,000 statements for its matches ends there and says where to go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.model import Purpose, SignedStatement
from interlock.core.approval.revocation import Standing, standing_of
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Page, Tx
from interlock.road.station import Station

_STEP = 200
_MOST_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which statements; None takes all. ``subject`` is a change, rollout or person, ``approver`` who signed."""

    subject: str | None = None
    purpose: Purpose | None = None
    approver: str | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRecord:
    """A statement with how it stands now."""

    signed: SignedStatement
    standing: Standing


def show_statement(station: Station, actor: Actor, statement_id: str) -> OnRecord:
    """One statement."""
    actor.require(Scope.READ)
    now = station.clock.now()
    return station.store.read(lambda tx: _stands(tx, tx.records(SignedStatement).get(statement_id), now))


def find_statements(
    station: Station, actor: Actor, wanted: Wanted, page: Page
) -> tuple[tuple[OnRecord, ...], str | None]:
    """A page of statements, newest first, and the id to go on after; None at the end."""
    actor.require(Scope.READ)
    now = station.clock.now()

    def work(tx: Tx) -> tuple[tuple[OnRecord, ...], str | None]:
        found: list[OnRecord] = []
        last: str | None = None
        for looked, signed in enumerate(_newest_first(tx, wanted, page.after)):
            if looked == _STEP * _MOST_STEPS or len(found) == page.limit:
                return tuple(found), last
            last = signed.id
            one = _stands(tx, signed, now)
            if wanted.standing in {None, one.standing}:
                found.append(one)
        return tuple(found), None

    return station.store.read(work)


def _newest_first(tx: Tx, wanted: Wanted, after: str | None) -> Iterator[SignedStatement]:
    where = {"subject": wanted.subject, "purpose": wanted.purpose, "approver": wanted.approver}
    given = {name: value for name, value in where.items() if value is not None}
    while records := tx.records(SignedStatement).page(Page(after=after, limit=_STEP), **given):
        yield from records
        after = records[-1].id


def _stands(tx: Tx, signed: SignedStatement, now: datetime) -> OnRecord:
    return OnRecord(signed=signed, standing=standing_of(signed, redeemed=_redeemed(tx, signed, now), now=now))


def _redeemed(tx: Tx, signed: SignedStatement, now: datetime) -> bool:
    if signed.used_by is None or signed.statement.purpose == "widen":
        return signed.used_by is not None
    return tx.records(TicketRecord).get(signed.used_by).at(now).state is TicketState.REDEEMED
