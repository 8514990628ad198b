"""The rules inside the rules: how the first rules come into force, and how others replace them.

Rules:
1. Genesis: two people of the proposed catalog sign the digest of the first rules; one suffices only where the
   rules themselves say ``one_person: true``. It happens once, and again only over rules that this version cannot
   read, by people of the catalog in force (see ``mend``).
2. Afterwards new rules come into force only with a ticket of this ledger, issued under the rules in force, whose
   artefact is the digest of exactly these rules. The ticket is redeemed in the same transaction.
   The quorum is counted again there, and neither a broken glass nor another environment's ticket will do.
3. A key is added or replaced only with a signature by the old key or by two other people.
4. Rules whose validators cannot read their settings never come into force: no change could be opened under them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.enrolment import Genesis, enrolment_refusals, genesis
from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.change.canonical import Json
from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import Conflict, Forbidden, InvalidInput
from interlock.core.change.parts import Artefact
from interlock.core.change.settings import RULES_ARTEFACT, SETTINGS_FILE
from interlock.core.ledger.entry import Entry
from interlock.core.policy.activation import Activation
from interlock.core.policy.rules import Foundation, Rules, load_rules
from interlock.core.ticket.model import Ticket
from interlock.ports.store import Tx
from interlock.road.gather import enrolments, genesis_statements, keep_signed
from interlock.road.mend import counted, keep_for, unreadable
from interlock.road.permit import redeem_in
from interlock.road.recorded import complete
from interlock.road.station import ACTIVATED, GENESIS, REPLACED, InForce, Station, check_genesis, latest_activation
from interlock.road.validator_settings import check_settings

QUORUM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisState:
    """How far the genesis is: whose signatures are there, how many it takes, and the record once it is done."""

    digest: str
    signed_by: tuple[str, ...]
    needed: int
    activation: Activation | None


def active(station: Station, actor: Actor) -> InForce:
    """The rules in force."""
    actor.require(Scope.READ)
    return station.store.read(station.rules_or_provisional)


def sign_genesis(
    station: Station, actor: Actor, files: Mapping[str, bytes], statement: Statement, signature: str
) -> GenesisState:
    """Add one person's signature to the first rules; with the last one needed they come into force.

    Raises:
        Conflict: ``genesis-done``.
        InvalidInput: the files are no rules, a validator cannot read its settings, or the statement is not about
            them.
    """
    actor.require(Scope.RULES)
    rules = _proposed(station, files)
    return station.store.write(lambda tx: _sign_genesis(station, tx, actor, files, rules, statement, signature))


def activate(station: Station, actor: Actor, files: Mapping[str, bytes], ticket_id: str) -> Activation:
    """New rules come into force with a ticket that was issued under the old ones for exactly these.

    Raises:
        Forbidden: ``rules-ticket`` for a ticket about something else, ``rules-privilege`` when a key changes
            without the signatures that takes.
        IllegalTransition: the ticket was used, voided or has expired.
        InvalidInput: the files are no rules, or a validator cannot read its settings.
    """
    actor.require(Scope.RULES)
    rules = _proposed(station, files)
    return station.store.write(lambda tx: _activate_by_ticket(station, tx, actor, files, rules, ticket_id))


def _proposed(station: Station, files: Mapping[str, bytes]) -> Rules:
    rules = load_rules(files)
    check_settings(files[SETTINGS_FILE], rules.settings, station.validators())
    return rules


def _activate_by_ticket(
    station: Station, tx: Tx, actor: Actor, files: Mapping[str, bytes], rules: Rules, ticket_id: str
) -> Activation:
    before = station.rules(tx)
    _, ticket = redeem_in(station, tx, actor, ticket_id)
    wrong = _not_for(tx, ticket, before.rules, rules)
    if wrong:
        raise Forbidden(
            f"expected a ticket that brings rules `{rules.digest[:19]}…` into force, got one {wrong}",
            code="rules-ticket",
            hint="open a change that touches the rule files, and ask the gate for its ticket to production",
        )
    _check_enrolment(station, tx, before.rules, rules, ticket.authors)
    people = tuple(sorted({signed.statement.approver for signed in ticket.approvals}))
    return _activate(station, tx, actor, files, rules, people, ticket_id)


def _not_for(tx: Tx, ticket: Ticket, before: Rules, after: Rules) -> str:
    """Why this ticket does not bring ``after`` into force, empty when it does.

    The gate has judged all of this. It is judged again here, because nothing else in interlock is worth as much:
    whoever replaces the rules needs no other way around them.
    """
    record = tx.records(ChangeRecord).get(ticket.change)
    parts = complete(tx, record).submission.parts if record.digest == ticket.digest else ()
    named = [part.digest for part in parts if isinstance(part, Artefact) and part.name == RULES_ARTEFACT]
    place = before.settings.environments.get(ticket.environment)
    enough = before.settings.trust.software_keys == "all"
    people = {
        signed.statement.approver
        for signed in ticket.approvals
        if signed.statement.purpose == "approve" and (enough or signed.presence == "verified")
    }
    needed = 1 if before.settings.one_person else QUORUM
    if named != [after.digest] or after.digest not in ticket.artefacts:
        return "for other content"
    if ticket.rules_digest != before.digest:
        return "issued under other rules than those in force"
    if place is None or not place.production:
        return f"for `{ticket.environment}`, which is not production"
    if ticket.break_glass or len(people - (set() if before.settings.one_person else set(ticket.authors))) < needed:
        return f"that fewer than {needed} people approved, with presence, who did not write it"
    return ""


def _check_enrolment(
    station: Station, tx: Tx, before: Rules | Foundation, after: Rules, authors: tuple[str, ...]
) -> None:
    refused = enrolment_refusals(
        before.catalog,
        after.catalog,
        enrolments(tx),
        settings=before.settings,
        now=station.clock.now(),
        authors=authors,
    )
    if refused:
        raise Forbidden(refused[0].reason, code="rules-privilege", hint=refused[0].remedy)


def _sign_genesis(
    station: Station,
    tx: Tx,
    actor: Actor,
    files: Mapping[str, bytes],
    rules: Rules,
    statement: Statement,
    signature: str,
) -> GenesisState:
    held = _held(station, tx)
    if statement.purpose != GENESIS or statement.digest != rules.digest:
        raise InvalidInput(
            f"expected genesis of `{rules.digest}`, got {statement.purpose} of `{statement.digest[:80]}`",
            code="genesis-statement",
            hint="sign what `interlock rules genesis` prints",
        )
    if held is None:
        signed = keep_signed(station, tx, actor, rules, statement, signature)
    else:
        signed = keep_for(station, tx, actor, held, statement, signature)
    tx.log.append(_signed_entry(station, actor, signed))
    so_far = _first(station, tx, rules) if held is None else counted(station, tx, held, rules.digest)
    if held is not None and so_far.complete:
        _check_enrolment(station, tx, held, rules, ())
    done = _activate(station, tx, actor, files, rules, so_far.people, None) if so_far.complete else None
    return GenesisState(digest=rules.digest, signed_by=so_far.people, needed=so_far.needed, activation=done)


def _held(station: Station, tx: Tx) -> Foundation | None:
    """What stands while this version cannot read the rules in force; None before the first rules.

    Raises:
        Conflict: ``genesis-done`` where rules are in force and can be read.
    """
    before = latest_activation(tx)
    if before is None:
        check_genesis(tx)
        return None
    held = unreadable(station, tx, before)
    if held is None:
        raise Conflict(
            "expected no rules in force, got some already",
            code="genesis-done",
            hint="change them on the road: open a change that touches the rule files",
        )
    return held


def _first(station: Station, tx: Tx, rules: Rules) -> Genesis:
    return genesis(
        genesis_statements(tx, rules.digest),
        digest=rules.digest,
        catalog=rules.catalog,
        settings=rules.settings,
        now=station.clock.now(),
    )


def _signed_entry(station: Station, actor: Actor, signed: SignedStatement) -> Entry:
    return Entry(
        kind="rules.signed",
        subject=GENESIS,
        actor=actor.principal,
        at=station.clock.now(),
        body={
            "statement": signed.id,
            "digest": signed.statement.digest,
            "approver": signed.statement.approver,
            "fingerprint": signed.fingerprint,
            "presence": signed.presence,
        },
    )


def _activate(
    station: Station,
    tx: Tx,
    actor: Actor,
    files: Mapping[str, bytes],
    rules: Rules,
    people: tuple[str, ...],
    ticket: str | None,
) -> Activation:
    before = latest_activation(tx)
    record = Activation(
        id=station.ids.new("act"),
        digest=rules.digest,
        files={path: tx.put_blob(files[path]) for path in rules.files},
        activated_at=station.clock.now(),
        activated_by=actor.principal,
        signed_by=people,
        one_person=rules.settings.one_person,
        ticket=ticket,
        previous=before.digest if before else None,
    )
    tx.records(Activation).add(record)
    body: dict[str, Json] = {
        "digest": record.digest,
        "previous": record.previous,
        "signed_by": list(people),
        "one_person": record.one_person,
        "ticket": ticket,
    }
    over: dict[str, Json] = {"by": record.id}
    for kind, subject, said in ((REPLACED, before.id if before else GENESIS, over), (ACTIVATED, record.id, body)):
        entry = Entry(kind=kind, subject=subject, actor=actor.principal, at=record.activated_at, body=said)
        tx.log.append(entry)
    return record
