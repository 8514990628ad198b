"""What a rollout writes into its ticket's place: more weight after a PASS, and the end of it after STOP.

Rules:
1. More weight is told of the ticket itself (``ticket.widened``), kept with its record, and what it let through is
   known to have gone out that wide: what lies on top of it later may go as wide.
2. Whatever goes back voids its ticket, so that it is no longer taken for shipped. Harm bars the digest too, until
   somebody approves it who signs after that. Both are written with the decision to go back, so that neither waits
   for a data plane that does not answer.
3. A ticket or change that the ledger does not vouch for keeps no traffic out there: the weight goes back first,
   and what could not be written is tried again once it is 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from interlock.core.approval.actor import Actor
from interlock.core.change.canonical import Json
from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import IntegrityError, NotFound
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.record import RolloutRecord
from interlock.core.ticket.record import Bar, TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.road.shipped import widen_shipped
from interlock.road.station import Station
from interlock.road.void import void_in


def widen_ticket(station: Station, tx: Tx, actor: Actor, record: RolloutRecord, body: Mapping[str, Json]) -> None:
    """Write the granted weight into the ticket's place in the ledger."""
    before = tx.records(TicketRecord).get(record.ticket)
    tx.vouch(TicketRecord, [record.ticket], about=record.ticket)
    after = before.widen(record.granted)
    tx.records(TicketRecord).replace(after, expected_version=before.version)
    told: dict[str, Json] = {**body, "rollout": record.id}
    now = station.clock.now()
    tx.log.append(Entry(kind="ticket.widened", subject=record.ticket, actor=actor.principal, at=now, body=told))
    widen_shipped(tx, record.environment, record.ticket, record.granted)


def bar_and_void(station: Station, tx: Tx, actor: Actor, record: RolloutRecord) -> None:
    """Void the ticket, and after harm bar the digest, unless that was done."""
    void_of(station, tx, actor, record)
    if record.cause == "harm":
        _bar(station, tx, actor, record)


def bar_and_void_early(station: Station, tx: Tx, actor: Actor, record: RolloutRecord) -> None:
    """The same with the decision to go back; what cannot be believed is left for later."""
    try:
        ticket = tx.records(TicketRecord).get(record.ticket)
        tx.vouch(TicketRecord, [ticket.id], about=ticket.id)
        tx.vouch(ChangeRecord, [ticket.change], about=ticket.change)
    except (IntegrityError, NotFound):
        return
    bar_and_void(station, tx, actor, record)


def void_of(station: Station, tx: Tx, actor: Actor, record: RolloutRecord) -> None:
    """Void the ticket, unless it is already."""
    before = tx.records(TicketRecord).get(record.ticket).at(station.clock.now())
    if before.state not in {TicketState.VOIDED, TicketState.EXPIRED}:
        void_in(station, tx, actor, record.ticket, why=_why(record))


def _bar(station: Station, tx: Tx, actor: Actor, record: RolloutRecord) -> None:
    if any(bar.id == f"bar-{record.id}" for bar in tx.records(Bar).find(digest=record.digest)):
        return
    now = station.clock.now()
    bar = Bar(
        id=f"bar-{record.id}",
        digest=record.digest,
        environment=record.environment,
        since=now,
        why=_why(record),
    )
    tx.records(Bar).add(bar)
    body: dict[str, Json] = {"rollout": record.id, "environment": record.environment, "why": bar.why}
    tx.log.append(Entry(kind="digest.barred", subject=record.digest, actor=actor.principal, at=now, body=body))


def _why(record: RolloutRecord) -> str:
    return f"rollout {record.id} went back: {record.cause}, {record.why}"[:300]
