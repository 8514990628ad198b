"""What permitted a rollout may be gone: its ticket void, a freeze begun. Asked where a move is written.

Rules:
1. It is asked in the transaction that keeps what was watched, every few seconds and before every widening, so that
   nothing comes in between. Never on the way back: nothing stands in the way of that.
2. A rollout whose ticket is void goes back at once, also while it is being promoted. Whoever voided it said why.
3. In a freeze nothing goes wider and nothing is promoted: the rollout is held where it is, judged on, and goes on
   by itself when the freeze is over. A person's signature does not widen it either. Where the freeze rule was only
   watched or lifted when the ticket was given, it stands in nobody's way here.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.core.change.parse import parse_json
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.rollout.transition import Move, returning
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.road.station import Station

FREEZE_RULE = "freeze-window"
_ON = frozenset({"watch", "weigh", "promote"})


def still_permitted(station: Station, tx: Tx, before: RolloutRecord, move: Move) -> Move:
    """The move, or what becomes of the rollout instead."""
    if before.phase == "promote" and move.record.cause is None:
        return _with_ticket(tx, before, move)
    if before.phase != "watch" or move.record.ended or move.record.phase not in _ON:
        return move
    ticket = tx.records(TicketRecord).get(before.ticket)
    if ticket.state is TicketState.VOIDED:
        return _without_ticket(before, move, ticket)
    if move.record.phase == "watch" and move.record.hold != "frozen":
        return move
    why = frozen(station, tx, ticket, before)
    if move.record.phase == "watch":
        return move if why else _thawed(move)
    return _held(station, before, _here(before, move), why) if why else move


def _with_ticket(tx: Tx, before: RolloutRecord, move: Move) -> Move:
    ticket = tx.records(TicketRecord).get(before.ticket)
    return _without_ticket(before, move, ticket) if ticket.state is TicketState.VOIDED else move


def _without_ticket(before: RolloutRecord, move: Move, ticket: TicketRecord) -> Move:
    return returning(_here(before, move), "ticket-void", f"{ticket.id} was voided: {ticket.why}")


def frozen(station: Station, tx: Tx, kept: TicketRecord, record: RolloutRecord) -> str:
    """The freeze that holds now for what the ticket covers; empty where none does."""
    now = station.clock.now()
    freezes = [each for each in station.rules(tx).rules.bundle.freezes if each.start <= now < each.end]
    if not freezes:
        return ""
    ticket = parse_json(Ticket, tx.blob(kept.blob), what="the stored ticket")
    if FREEZE_RULE in {reason.id for reason in ticket.decision.observed}:
        return ""
    services = frozenset(ticket.services)
    holding = [each for each in freezes if each.holds(now, services, record.environment)]
    return "; ".join(f"freeze `{each.name}` until {each.end:%Y-%m-%d %H:%M} UTC" for each in holding)


def _here(before: RolloutRecord, move: Move) -> RolloutRecord:
    """The stage as it was, with what was counted since."""
    seen = move.record
    return replace(
        before,
        version=before.version + 1,
        weight=seen.weight,
        exposed_at=seen.exposed_at,
        log_e=seen.log_e,
        verdict=seen.verdict,
        told=seen.told,
        ticks=seen.ticks,
        observations=seen.observations,
    )


def _held(station: Station, before: RolloutRecord, here: RolloutRecord, why: str) -> Move:
    if before.hold == "frozen":
        return Move(record=replace(here, why=why))
    now = station.clock.now()
    after = replace(here, state=RolloutState.HELD, hold="frozen", held_since=now, why=why)
    return Move(record=after, kind="rollout.held", body={"hold": "frozen", "why": why})


def _thawed(move: Move) -> Move:
    after = replace(move.record, state=RolloutState.RUNNING, hold="", held_since=None, why="")
    return Move(record=after, kind="rollout.resumed", body={"by": "itself", "from": "frozen"})
