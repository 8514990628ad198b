"""Station 5, permit: may this change go to this place now, and the ticket that says so.

Rules:
1. The gate judges what is offered, read again by the pipeline, beside what was recorded: the stricter word
   counts, and before production nobody's own description is believed. Another digest than the recorded one is
   refused, and so is an artefact the change does not name.
2. Permission and its ledger entry commit together; the ticket is sealed with the proof of that entry afterwards.
   Asking again while a ticket is valid gives the same ticket, so a lost answer costs nothing; if the answer has
   become no meanwhile, the ticket is voided, and if it has become less, it is voided and issued anew for less.
3. A refusal is recorded too, with the rules that refused: friction is measured where it happens.
4. Into production goes what is judged and nothing else: a range that begins after what was shipped there before
   leaves commits out and is refused, and so is a checkout that is not what its HEAD says.
5. What may go because its canary plan is what an enforced rule asks for starts with the first stage only; wider
   weights are for a judge to grant. Where no enforced rule asks for a canary, nobody would grant them, and the
   ticket is for everything. What went out so takes along no more later: a ticket for what lies on top of it is for
   no more than it, until one for that very content is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.delegation import names
from interlock.core.approval.model import SignedStatement
from interlock.core.change.canonical import Json, canonical
from interlock.core.change.change import Change, ChangeRecord, ChangeState, Submission
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse_json
from interlock.core.change.parts import Artefact, GitRange
from interlock.core.change.submission_check import check_environment, check_offered
from interlock.core.evidence.dsse import key_id_of
from interlock.core.ledger.entry import Entry
from interlock.core.policy.decision import Outcome, Reason
from interlock.core.policy.evaluate import FIRST_STAGE
from interlock.core.ticket.issue import FIRST_STAGE_MOST, draw, issued_entry, seal
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import Bar, TicketRecord, TicketState, record_of
from interlock.core.ticket.shipped import Checkout, check_checkout
from interlock.ports.store import Tx
from interlock.road.compared import Compared, compare
from interlock.road.decide import Judgement, judge_in, stricter
from interlock.road.gather import standing_statements
from interlock.road.shipped import edited_here, most_before, not_whole, record_shipped
from interlock.road.station import Station
from interlock.road.void import void_in

FULL = 100.0
"""Percent of traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the pipeline is about to ship: read again, or at least its digest, and the artefact if there is one.

    ``checkout`` is where it was read.
    """

    environment: str = "production"
    submission: Submission | None = None
    digest: str | None = None
    artefact: str | None = None
    checkout: Checkout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """``reasons`` are all that stand in the way; ``ticket`` is the sealed file when there are none."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    judgement: Judgement
    ticket_id: str | None = None
    ticket: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Permitted:
    judgement: Judgement
    reasons: tuple[Reason, ...] = ()
    ticket: Ticket | None = None
    index: int = -1


def gate(station: Station, actor: Actor, change_id: str, offer: Offer) -> GateResult:
    """May it go? Allowed with a ticket, or refused with every reason.

    Raises:
        Forbidden: the caller may not ask the gate.
        InvalidInput: nothing was offered, or what was named is no environment, digest or artefact.
    """
    actor.require(Scope.GATE)
    check_environment(offer.environment)
    check_offered(offer.digest, offer.artefact)
    if offer.checkout is not None:
        check_checkout(offer.checkout)
    if offer.submission is None and offer.digest is None:
        raise InvalidInput(
            "expected what is about to ship, got nothing to compare with the record",
            code="gate-offer",
            hint="run the gate where the change can be read again, or give --digest",
        )
    ready = compare(station, change_id, offer.submission, offer.digest, believed=reads_again(actor))
    done = station.store.write(lambda tx: _gate(station, tx, actor, change_id, offer, ready))
    if done.ticket is None:
        outcome = done.judgement.decision.outcome
        refused = Outcome.DENY if outcome is Outcome.ALLOW else outcome
        return GateResult(outcome=refused, reasons=done.reasons, judgement=done.judgement)
    sealed = seal(done.ticket, station.store.inclusion(done.index), station.ticket_key)
    return GateResult(
        outcome=Outcome.ALLOW, reasons=(), judgement=done.judgement, ticket_id=done.ticket.id, ticket=sealed
    )


def redeem(station: Station, actor: Actor, ticket_id: str) -> TicketRecord:
    """The ticket's one use, where the server can be reached.

    Raises:
        IllegalTransition: used, voided, expired or barred.
    """
    actor.require(Scope.GATE)
    return station.store.write(lambda tx: redeem_in(station, tx, actor, ticket_id)[0])


def redeem_in(station: Station, tx: Tx, actor: Actor, ticket_id: str) -> tuple[TicketRecord, Ticket]:
    """The use inside a transaction that is open already, and the ticket's terms."""
    before = tx.records(TicketRecord).get(ticket_id)
    tx.vouch(TicketRecord, [ticket_id], about=ticket_id)
    ticket = parse_json(Ticket, tx.blob(before.blob), what="the stored ticket")
    bars = _bars(station, tx, actor, ticket)
    after = before.redeem(now=station.clock.now(), by=actor.principal, bars=bars)
    tx.records(TicketRecord).replace(after, expected_version=before.version)
    body: dict[str, Json] = {"change": after.change, "digest": after.digest, "environment": after.environment}
    tx.log.append(_entry(station, actor, "ticket.redeemed", ticket_id, body))
    return after, ticket


def _bars(station: Station, tx: Tx, actor: Actor, ticket: Ticket) -> tuple[Bar, ...]:
    """The bars on the digest; those end here that a later approval, which the ticket carries, has lifted."""
    bars = tuple(tx.records(Bar).find(digest=ticket.digest))
    tx.vouch(Bar, [bar.id for bar in bars], about=ticket.digest, whole=True)
    lifted = tuple(bar.lift(ticket.approvals) for bar in bars)
    for before, after in zip(bars, lifted, strict=True):
        if after is not before:
            tx.records(Bar).replace(after, expected_version=before.version)
            body: dict[str, Json] = {"bar": after.id, "environment": after.environment, "by": after.lifted_by}
            tx.log.append(_entry(station, actor, "digest.unbarred", ticket.digest, body))
    return lifted


def _gate(station: Station, tx: Tx, actor: Actor, change_id: str, offer: Offer, ready: Compared) -> _Permitted:
    record = tx.records(ChangeRecord).get(change_id)
    tx.vouch(ChangeRecord, [change_id], about=change_id)
    compared = ready.at(tx, record)
    judgement = _judged(station, tx, actor, compared, offer)
    earlier = _valid_ticket(station, tx, compared, offer)
    standing = (
        *_standing(actor, compared.change, offer, judgement),
        *_going_out(tx, actor, compared, offer, judgement),
        *_barred(tx, compared.change, offer.environment, judgement),
    )
    reasons = (*standing, *judgement.decision.reasons)
    if judgement.decision.outcome is not Outcome.ALLOW or reasons:
        tx.log.append(_refusal(station, actor, judgement, reasons, compared))
        if earlier is not None:
            void_in(station, tx, actor, earlier[0].id, why=reasons[0].id if reasons else "refused")
        return _Permitted(judgement=judgement, reasons=reasons)
    below = most_before(tx, judgement.change.submission, offer.environment) if judgement.guarded else FULL
    weight = min(first_weight(judgement), below)
    if earlier is not None and earlier[0].max_weight <= weight:
        return _Permitted(judgement=judgement, ticket=earlier[0], index=earlier[1])
    if earlier is not None:
        void_in(station, tx, actor, earlier[0].id, why=f"at most {weight:g} % may go now")
        record = tx.records(ChangeRecord).get(change_id)
    return _issue(station, tx, actor, record, judgement, weight)


def _judged(station: Station, tx: Tx, actor: Actor, compared: Compared, offer: Offer) -> Judgement:
    """The change as recorded and, where a trusted reader offers its own reading of that digest, as read again."""
    in_force, offered = station.rules(tx), compared.offered
    first, *second = (
        judge_in(station, tx, in_force, change, offer.environment, actor, name=name, offered_digest=offered)
        for change, name in compared.judged()
    )
    return stricter(second[0], first) if second else first


def reads_again(actor: Actor) -> bool:
    """Whose reading counts beside the opener's: a pipeline's, or that of whoever has this database in hand."""
    return actor.kind == "pipeline" or actor.principal.startswith("local:")


def _issue(
    station: Station, tx: Tx, actor: Actor, change: ChangeRecord, judgement: Judgement, weight: float
) -> _Permitted:
    broken = any(grant.kind == "break-glass" for grant in judgement.grants)
    # Whoever verifies the ticket offline needs all signatures it rests on, those of exceptions too.
    granted = {name for grant in judgement.grants for name in grant.statements}
    counted = {item.id for item in judgement.tally.counted} | granted
    approvals = tuple(tx.records(SignedStatement).get(name) for name in sorted(counted))
    ticket = draw(
        judgement.change,
        judgement.decision,
        id=station.ids.new("tkt"),
        environment=judgement.environment,
        services=judgement.change.services,
        authors=judgement.tally.authors,
        approvals=approvals,
        delegations=_delegations(tx, approvals),
        max_weight=weight,
        rules_digest=judgement.rules_digest,
        issuer=key_id_of(station.ticket_key.public_key()),
        now=station.clock.now(),
        one_person=judgement.one_person,
        break_glass=broken,
    )
    tx.records(TicketRecord).add(record_of(ticket, blob=tx.put_blob(canonical(ticket))))
    for signed in approvals:
        tx.records(SignedStatement).replace(signed.spent_on(ticket.id))
    moved = change.move(ChangeState.PERMITTED)
    tx.records(ChangeRecord).replace(moved, expected_version=change.version)
    index = tx.log.append(issued_entry(ticket, actor=actor.principal))
    first = record_shipped(station, tx, actor, judgement.change.submission, ticket)
    tx.log.append(_allowed(station, actor, judgement, ticket.id, first=first))
    for grant in judgement.grants:
        if grant.audit:
            audit: dict[str, Json] = {
                "grant": grant.id,
                "kind": grant.kind,
                "people": [*grant.people],
                "ticket": ticket.id,
            }
            tx.log.append(_entry(station, actor, "audit.due", change.id, audit))
    return _Permitted(judgement=judgement, ticket=ticket, index=index)


def _delegations(tx: Tx, approvals: tuple[SignedStatement, ...]) -> tuple[SignedStatement, ...]:
    """The delegations that these approvals rest on, so that a deployer can judge them too."""
    pairs = {
        (one.statement.on_behalf_of, one.statement.approver) for one in approvals if one.statement.on_behalf_of
    }
    return tuple(
        item
        for item in standing_statements(tx)
        if item.revoked_at is None and any(names(item, str(delegator), delegate) for delegator, delegate in pairs)
    )


def first_weight(judgement: Judgement) -> float:
    """The weight in percent that a ticket permits: the first stage where the decision rests on a canary plan."""
    if FIRST_STAGE not in judgement.decision.marks:
        return FULL
    declared = judgement.description.documentation.first_stage_percent
    return declared if declared is not None and 0 < declared <= FIRST_STAGE_MOST else FIRST_STAGE_MOST


def _valid_ticket(station: Station, tx: Tx, compared: Compared, offer: Offer) -> tuple[Ticket, int] | None:
    now, change, offered = station.clock.now(), compared.change, compared.offered
    for record in tx.records(TicketRecord).find(change=change.id):
        wanted = (record.digest, record.environment) == (offered, offer.environment)
        if wanted and offered == change.digest and record.at(now).state is TicketState.ISSUED:
            tx.vouch(TicketRecord, [record.id], about=record.id)
            ticket = parse_json(Ticket, tx.blob(record.blob), what="the stored ticket")
            if offer.artefact in {None, *ticket.artefacts}:
                return ticket, _index_of(tx, record.id)
    return None


def _index_of(tx: Tx, ticket_id: str) -> int:
    return next(index for index, entry in tx.log.entries(ticket_id) if entry.kind == "ticket.issued")


def _standing(actor: Actor, change: Change, offer: Offer, judgement: Judgement) -> tuple[Reason, ...]:
    """What the gate itself refuses, whatever policy says."""
    found = []
    if change.state in {ChangeState.WITHDRAWN, ChangeState.CLOSED}:
        found.append(_reason("change-over", f"{change.id} is {change.state}", "interlock change open", {}))
    read = offer.submission is not None and reads_again(actor)
    if judgement.guarded and not read and not _read_by_pipeline(change):
        text = "nobody but the opener has read what is about to ship"
        remedy = "let the pipeline ask the gate where the change can be read, or open and push it"
        found.append(_reason("not-read-again", text, remedy, {"pushed_by": [*change.pushed_by]}))
    named = [part.digest for part in change.submission.parts if isinstance(part, Artefact)]
    if offer.artefact is not None and offer.artefact not in named:
        text = f"artefact {offer.artefact} is not the one that was judged"
        facts: Mapping[str, Json] = {"offered": offer.artefact, "named": [*named]}
        found.append(_reason("artefact-other", text, "ship what was judged, or push the new artefact", facts))
    return tuple(found)


def _going_out(tx: Tx, actor: Actor, compared: Compared, offer: Offer, judgement: Judgement) -> Iterator[Reason]:
    """What would go out and is judged nowhere."""
    yield from edited_here(offer.checkout)
    if judgement.guarded:
        read = compared.reading is not None and compared.reading.digest == compared.change.digest
        submission = compared.reading.submission if read and compared.reading else compared.change.submission
        yield from not_whole(tx, submission, offer.environment, offer.checkout, believed=reads_again(actor))


def _barred(tx: Tx, change: Change, environment: str, judgement: Judgement) -> Iterator[Reason]:
    """What did harm there, and was approved by nobody since: its ticket could not be used."""
    bars = tx.records(Bar).find(digest=change.digest)
    tx.vouch(Bar, [bar.id for bar in bars], about=change.digest, whole=True)
    approvals = tuple(tx.records(SignedStatement).get(item.id) for item in judgement.tally.counted)
    for bar in bars:
        if bar.lift(approvals).holds(change.digest, environment):
            remedy = "correct it and open it anew, or approve it again, knowing this: interlock approve"
            yield _reason(
                "digest-barred", f"this digest is barred: {bar.why}", remedy, {"since": bar.since.isoformat()}
            )


def _read_by_pipeline(change: Change) -> bool:
    """Whether the description on record is a pipeline's own: it made the latest push."""
    return bool(change.pushed_by) and change.pushed_by[-1].startswith(("pipeline:", "local:"))


def _reason(name: str, text: str, remedy: str, facts: Mapping[str, Json]) -> Reason:
    return Reason(
        id=name, text=text, remedy=remedy, layer="gate", mode="enforce", outcome=Outcome.DENY, facts={**facts}
    )


def _allowed(station: Station, actor: Actor, judgement: Judgement, ticket: str, *, first: bool) -> Entry:
    """What was only watched, and what was lifted: friction and catches are counted from these.

    ``begins`` says where each range began, ``taken_as_given`` that nothing was shipped before to begin at.
    """
    ranges = [part for part in judgement.change.submission.parts if isinstance(part, GitRange)]
    body: dict[str, Json] = {
        "digest": judgement.change.digest,
        "environment": judgement.environment,
        "ticket": ticket,
        "observed": [reason.id for reason in judgement.decision.observed if reason.lifted_by is None],
        "lifted": [reason.id for reason in judgement.decision.observed if reason.lifted_by is not None],
        "input": judgement.decision.input_digest,
        "begins": [part.base for part in ranges],
        "taken_as_given": first,
    }
    return _entry(station, actor, "gate.allowed", judgement.change.id, body)


def _refusal(
    station: Station, actor: Actor, judgement: Judgement, reasons: tuple[Reason, ...], compared: Compared
) -> Entry:
    body: dict[str, Json] = {
        "digest": judgement.change.digest,
        "offered": compared.offered,
        "environment": judgement.environment,
        "outcome": judgement.decision.outcome.value,
        "reasons": [reason.id for reason in reasons],
        "observed": [reason.id for reason in judgement.decision.observed],
        "rules": judgement.rules_digest,
        "input": judgement.decision.input_digest,
        "submission": compared.submission,
    }
    return _entry(station, actor, "gate.refused", judgement.change.id, body)


def _entry(station: Station, actor: Actor, kind: str, subject: str, body: dict[str, Json]) -> Entry:
    return Entry(kind=kind, subject=subject, actor=actor.principal, at=station.clock.now(), body=body)
