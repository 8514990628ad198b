"""A person's signed widening: prepared from the record, and done in the transaction in which it arrives.

Rules:
1. What is prepared is what the record says at that moment; the caller adds a reason and nothing else. A rollout
   that cannot be widened now is refused before anybody signs.
2. What arrives is checked like any statement: by a person's key of the catalog in force, carried in by no machine,
   in time, once. Then it is held against the record as it is *now*: the same rollout, digest and next stage, and
   the same words for what is not ruled out. Whatever fails leaves no trace and moves nothing.
3. Statement, widening and their entries are one transaction. A statement on record has widened its rollout by
   exactly one stage; there is none that waits.
4. What is not ruled out says nothing of harm that is suspected: while evidence is as strong as that nobody widens.
   Nor before the stage was watched for its bake, and at Tier-1 nobody who wrote the change.
5. A software key counts here where it counts for an approval: not at Tier-1, unless the settings say so.
6. Nothing outside is touched: the worker that holds the rollout sets the weight.
"""

from __future__ import annotations

from dataclasses import replace

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.approval.principals import principals_of
from interlock.core.change.canonical import Json
from interlock.core.change.catalog import Tier
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse_json
from interlock.core.policy.rules import Rules
from interlock.core.rollout import widening
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.transition import not_now
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.road.gather import StatementRequest, keep_signed, prepare_in, statement_entry
from interlock.road.roll.asks import known, newest_observation, plan_of, weighed, words
from interlock.road.roll.still_permitted import frozen
from interlock.road.roll.written import write_move
from interlock.road.station import Station

_WENT = frozenset({"rollout.widened", "rollout.passed"})


def prepare(station: Station, actor: Actor, request: StatementRequest) -> Statement:
    """What a person signs to take a rollout one stage further without a PASS. Records nothing.

    Raises:
        NotFound: no such rollout, or no such person.
        IllegalTransition: ``rollout-state``, ``widening-early`` or ``widening-harm`` for one that cannot be
            widened now.
        Forbidden: ``widening-author``.
        InvalidInput: ``reason-missing``, ``reason-text`` or ``widening-details``.
    """
    actor.require(Scope.READ)
    return station.store.read(lambda tx: _prepare(station, tx, request))


def widen(station: Station, actor: Actor, statement: Statement, signature: str) -> SignedStatement:
    """One stage further by a person's signature; the statement on record, used for that.

    Raises:
        Forbidden: an agent or a pipeline carried it, its token may not approve, ``widening-presence`` or
            ``widening-author``.
        NotFound: no such rollout.
        IllegalTransition: ``rollout-state``, ``widening-early`` or ``widening-harm`` for one that cannot be
            widened now.
        InvalidInput: the signature is not one of the named person's, the statement does not hold, or it does not
            say what is true now.
        Conflict: this very statement is on record already, or it is about another stage than the next.
    """
    actor.require(Scope.APPROVE)
    return station.store.write(lambda tx: _widen(station, tx, actor, statement, signature))


def _prepare(station: Station, tx: Tx, request: StatementRequest) -> Statement:
    record = known(tx, request.subject)
    plan = plan_of(tx, record)
    ticket = _open(station, tx, record)
    _check_time(tx, record, plan)
    check_signer(tx, record, station.rules(tx).rules, request.approver)
    more = sorted({*request.details, *request.answers} - {"why"})
    if more or request.digest not in {None, ticket.digest}:
        got = ", ".join(more) or f"digest {str(request.digest)[:19]}…"
        raise InvalidInput(
            f"expected a reason beside what the record says of `{record.id}`, got `{got[:120]}` too",
            code="widening-details",
            hint='give details: {"why": "…"}; stage, percent and what is not ruled out are filled in',
        )
    why = request.details.get("why", "").strip()
    widening.check_why(why)
    newest = weighed(tx, record)
    said = words(plan, record.stage, None if newest is None else newest.standing)
    details = widening.details(plan, record.stage, said, why)
    wanted = replace(request, environment=record.environment, digest=ticket.digest, details=details)
    return prepare_in(station, tx, wanted)


def _widen(station: Station, tx: Tx, actor: Actor, statement: Statement, signature: str) -> SignedStatement:
    record = known(tx, statement.subject)
    in_force = station.rules(tx)
    rules = in_force.rules
    signed = keep_signed(station, tx, actor, rules, statement, signature, used_by=record.id)
    plan = plan_of(tx, record)
    widening.check_next(statement, record, plan)
    _open(station, tx, record)
    newest = weighed(tx, record)
    said = words(plan, record.stage, None if newest is None else newest.standing)
    widening.check_said(statement, record, plan, said)
    _check_time(tx, record, plan)
    check_signer(tx, record, rules, statement.approver)
    widening.check_presence(signed.presence, _tier(_ticket(tx, record), record, rules), rules.settings)
    tx.log.append(statement_entry(station, actor, signed))
    more: dict[str, Json] = {"rules": rules.digest, "observation": None if newest is None else newest.number}
    move = widening.widen(record, plan, signed, station.clock.now(), more=more)
    if write_move(station, tx, actor, record, move).kind not in _WENT:
        raise not_now(record, "a rollout that may go wider")
    tx.offer(record.id)
    return signed


def _open(station: Station, tx: Tx, record: RolloutRecord) -> TicketRecord:
    """The ticket of a rollout that a person could widen now."""
    ticket = tx.records(TicketRecord).get(record.ticket)
    tx.vouch(TicketRecord, [ticket.id], about=ticket.id)
    if ticket.state is not TicketState.REDEEMED:
        raise not_now(record, f"a rollout whose ticket is in use, not {ticket.state}")
    if why := frozen(station, tx, ticket, record):
        raise not_now(record, f"no {why}")
    widening.check_open(record)
    return ticket


def _check_time(tx: Tx, record: RolloutRecord, plan: Plan) -> None:
    """The stage was watched, and no harm is suspected."""
    widening.check_baked(record, plan)
    newest = newest_observation(tx, record)
    widening.check_harm(record, None if newest is None else newest.standing)


def check_signer(tx: Tx, record: RolloutRecord, rules: Rules, person: str) -> None:
    """Pass a person who may answer for this rollout under these rules.

    Raises:
        Forbidden: ``widening-author``.
    """
    catalog, ticket = rules.catalog, _ticket(tx, record)
    if rules.settings.one_person and len(catalog.people) == 1:
        return
    known = principals_of(catalog)
    authors = {same for name in ticket.authors for same in known.same(name)}
    widening.check_author(person, authors, _tier(ticket, record, rules))


def _ticket(tx: Tx, record: RolloutRecord) -> Ticket:
    kept = tx.records(TicketRecord).get(record.ticket)
    return parse_json(Ticket, tx.blob(kept.blob), what="the stored ticket")


def _tier(ticket: Ticket, record: RolloutRecord, rules: Rules) -> Tier:
    """The most critical of what the ticket lets out; what the catalog does not know is as critical as can be."""
    services = rules.catalog.services
    named = {record.service, *ticket.services}
    return min((services[name].tier if name in services else Tier.ONE) for name in named)
