"""Taking back what was signed: an approval, an exception, broken glass, a delegation, an absence, a new key.

Rules:
1. In one transaction: the statement counts nowhere any more, every ticket that rests on it and was not used is
   voided, the other statements of those tickets are given back, and the ledger says who, by which right and why.
   The gate writes under the same lock, so no ticket is ever in force that rests on a statement taken back.
2. A ticket that was redeemed stays so and is named: what went out is rolled back, not unsaid.
3. A ticket that a deployer holds verifies offline until its time is over, at most 15 minutes. Whoever redeems it
   is refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.identity import principal_of
from interlock.core.approval.model import SignedStatement
from interlock.core.approval.principals import principals_of
from interlock.core.approval.revocation import Right, check_open, check_why, right_of
from interlock.core.change.canonical import Json
from interlock.core.change.errors import Conflict
from interlock.core.change.parse import parse_json
from interlock.core.ledger.entry import Entry
from interlock.core.ticket.model import MAX_LIFE, Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Page, Tx
from interlock.road.gather import ABOUT_CHANGES
from interlock.road.station import Station
from interlock.road.void import void_in

_PAGE = 200
_LOOK_BACK = 2 * MAX_LIFE
"""Servers' clocks differ: tickets are looked through as far back as twice the longest life of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What taking a statement back did.

    ``voided`` are the tickets that nobody can redeem any more; ``too_late`` those that were redeemed before.
    """

    statement: SignedStatement
    right: Right
    voided: tuple[TicketRecord, ...] = ()
    too_late: tuple[TicketRecord, ...] = ()


def take_back(
    station: Station, actor: Actor, statement_id: str, *, why: str = "", version: int | None = None
) -> TakenBack:
    """The statement, taken back.

    Raises:
        NotFound: no such statement.
        Forbidden: an agent, a pipeline or a stranger asks.
        IllegalTransition: it was taken back before, has expired, or what it was signed for is settled.
        InvalidInput: ``reason-missing`` or ``reason-text``.
        Conflict: ``version-stale`` when the record is not at ``version`` any more.
    """
    actor.require(Scope.APPROVE)
    return station.store.write(lambda tx: _take_back(station, tx, actor, statement_id, why.strip(), version))


def _take_back(
    station: Station, tx: Tx, actor: Actor, statement_id: str, why: str, version: int | None
) -> TakenBack:
    before = tx.records(SignedStatement).get(statement_id)
    tx.vouch(SignedStatement, [statement_id], about=before.statement.subject)
    catalog, now = station.rules(tx).rules.catalog, station.clock.now()
    right = right_of(actor, before, principals_of(catalog))
    if version is not None and version != before.version:
        raise _stale(before, version)
    check_open(before, catalog, now)
    check_why(right, before, why)
    after = before.taken_back(now=now, by=principal_of(actor), why=why)
    tx.records(SignedStatement).replace(after, expected_version=before.version)
    resting = tuple(_resting_on(station, tx, after))
    voided = tuple(
        void_in(station, tx, actor, record.id, why=_told(after))
        for record in resting
        if record.state is TicketState.ISSUED
    )
    late = tuple(record for record in resting if record.state is TicketState.REDEEMED)
    done = TakenBack(
        statement=tx.records(SignedStatement).get(statement_id), right=right, voided=voided, too_late=late
    )
    tx.log.append(_entry(actor, done, now))
    return done


def _resting_on(station: Station, tx: Tx, signed: SignedStatement) -> Iterator[TicketRecord]:
    """Tickets in force or redeemed that carry this statement, as an approval or as the delegation behind one."""
    now = station.clock.now()
    for stored in _candidates(station, tx, signed):
        record = stored.at(now)
        if record.state in {TicketState.ISSUED, TicketState.REDEEMED}:
            ticket = parse_json(Ticket, tx.blob(record.blob), what="the stored ticket")
            if any(one.id == signed.id for one in (*ticket.approvals, *ticket.delegations)):
                yield record


def _candidates(station: Station, tx: Tx, signed: SignedStatement) -> Iterator[TicketRecord]:
    """All tickets of the change that the statement is about; for a delegation all that can still be in force."""
    if signed.statement.purpose in ABOUT_CHANGES:
        yield from tx.records(TicketRecord).find(change=signed.statement.subject)
    elif signed.statement.purpose == "delegation":
        after: str | None = None
        while records := tx.records(TicketRecord).page(Page(after=after, limit=_PAGE)):
            yield from records
            if records[-1].issued_at < station.clock.now() - _LOOK_BACK:
                return
            after = records[-1].id


def _told(signed: SignedStatement) -> str:
    said = signed.statement
    return f"`{signed.revoked_by}` took back the {said.purpose} by `{said.approver}`"


def _stale(signed: SignedStatement, version: int) -> Conflict:
    return Conflict(
        f"expected `{signed.id}` at version {version}, got version {signed.version}: it changed meanwhile",
        code="version-stale",
        hint="read it again and repeat the step on what it says now",
    )


def _entry(actor: Actor, done: TakenBack, now: datetime) -> Entry:
    signed, said = done.statement, done.statement.statement
    body: dict[str, Json] = {
        "statement": signed.id,
        "purpose": said.purpose,
        "digest": said.digest,
        "environment": said.environment,
        "approver": said.approver,
        "by": signed.revoked_by,
        "right": done.right,
        "why": signed.revoked_why,
        "voided": [record.id for record in done.voided],
        "too_late": [record.id for record in done.too_late],
    }
    return Entry(kind="statement.revoked", subject=said.subject, actor=actor.principal, at=now, body=body)
