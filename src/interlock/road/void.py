"""A ticket that would not be issued any more is voided before it is used, wherever that is found out.

Rules:
1. A voided ticket is refused at redemption, with the reason. Offline it verifies until its time is over: what
   was handed out cannot be called in from somebody who does not ask.
2. Its approvals were not used by it, and are given back: whether they count is decided anew.
3. What it let through is no longer taken for shipped: the next range covers it again.
4. A change that holds no other ticket for its present digest is open again.
"""

from __future__ import annotations

from interlock.core.approval.actor import Actor
from interlock.core.approval.identity import principal_of
from interlock.core.approval.model import SignedStatement
from interlock.core.change.canonical import Json
from interlock.core.change.change import ChangeRecord, ChangeState
from interlock.core.ledger.entry import Entry
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.road.gather import statements_about
from interlock.road.shipped import forget_shipped
from interlock.road.station import Station

_HELD = frozenset({TicketState.ISSUED, TicketState.REDEEMED})


def void_in(station: Station, tx: Tx, actor: Actor, ticket_id: str, *, why: str) -> TicketRecord:
    """The record after it: a key or an approval was taken back, a freeze began, the rules changed.

    ``why`` is told to whoever tries to redeem it.

    Raises:
        IllegalTransition: ``ticket-voided`` or ``ticket-expired``.
    """
    now = station.clock.now()
    before = tx.records(TicketRecord).get(ticket_id)
    tx.vouch(TicketRecord, [ticket_id], about=ticket_id)
    after = before.void(now=now, by=principal_of(actor), why=why)
    tx.records(TicketRecord).replace(after, expected_version=before.version)
    for signed in statements_about(tx, before.change):
        if signed.used_by == ticket_id:
            tx.records(SignedStatement).replace(signed.given_back())
    body: dict[str, Json] = {"change": after.change, "digest": after.digest, "why": why}
    tx.log.append(Entry(kind="ticket.voided", subject=ticket_id, actor=actor.principal, at=now, body=body))
    forget_shipped(tx, after.environment, ticket_id)
    _reopen(station, tx, actor, after)
    return after


def _reopen(station: Station, tx: Tx, actor: Actor, voided: TicketRecord) -> None:
    """The change is open again, unless it holds another ticket or is over anyway."""
    now = station.clock.now()
    change = tx.records(ChangeRecord).get(voided.change)
    others = tx.records(TicketRecord).find(change=change.id, digest=change.digest)
    held = any(record.id != voided.id and record.at(now).state in _HELD for record in others)
    if change.state is not ChangeState.PERMITTED or held:
        return
    tx.vouch(ChangeRecord, [change.id], about=change.id)
    tx.records(ChangeRecord).replace(change.move(ChangeState.OPEN), expected_version=change.version)
    body: dict[str, Json] = {"digest": change.digest, "ticket": voided.id}
    tx.log.append(Entry(kind="change.reopened", subject=change.id, actor=actor.principal, at=now, body=body))
