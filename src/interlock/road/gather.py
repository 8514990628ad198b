"""Station 4, gather: signatures of people and evidence of runners arrive and are kept, whatever they are worth.

Rules:
1. What arrives is checked for what it is (who signed what); whether it counts is decided anew each time the
   change is judged, because keys are revoked, digests move and time passes.
2. Only a signature speaks for a person. The token that carried it is recorded beside it, and an agent's token
   may not carry any.
3. What cannot be verified is refused and leaves no trace; so is what could never count, whoever signs it
   (``core.policy.signable``). Else what is verified and does not count is kept and shown.
4. The same evidence twice is one record: a pipeline that repeats its step gets the first answer again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from interlock.core.approval.accept import accept, check_shape, longest_lifetime
from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.delegation import names
from interlock.core.approval.identity import principal_of
from interlock.core.approval.model import Purpose, SignedStatement, Statement
from interlock.core.change.canonical import Json
from interlock.core.change.change import Change, ChangeRecord
from interlock.core.change.errors import Conflict, InvalidInput, NotFound
from interlock.core.evidence.accept import Format, effective
from interlock.core.evidence.accept import accept as accept_evidence
from interlock.core.evidence.model import Evidence
from interlock.core.ledger.entry import Entry
from interlock.core.policy.rules import Rules
from interlock.core.policy.signable import check_signable
from interlock.core.review.answered import CONCERN, PURPOSE
from interlock.core.review.concern import REVIEW, concerns_in
from interlock.ports.store import Tx
from interlock.road.station import GENESIS, Station

ABOUT_CHANGES: frozenset[str] = frozenset({"approve", "answer", "exception", "break-glass"})
ELSEWHERE: frozenset[str] = frozenset({"widen"})
"""Purposes whose statements do something at once: they are handed in where it is done (``roll.widening``)."""

_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRequest:
    """What to prepare for signing. ``hours`` is how long the statement shall hold, None for the default."""

    purpose: Purpose
    subject: str
    approver: str
    environment: str = "production"
    digest: str | None = None
    hours: float | None = None
    on_behalf_of: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOffer:
    """Bytes from somebody else. ``subject`` is the digest an unsigned report is said to be about."""

    content: bytes
    format: Format | None = None
    subject: str | None = None


def prepare_statement(station: Station, actor: Actor, request: StatementRequest) -> Statement:
    """What a person signs: complete, with nonce and expiry, about the digest the change has now.

    Raises:
        NotFound: no such change, or no such person, rule or environment.
        InvalidInput: a digest is needed and none is given, or what is said could never count.
    """
    actor.require(Scope.READ)
    _check_here(request.purpose)
    return station.store.read(lambda tx: prepare_in(station, tx, request))


def add_statement(station: Station, actor: Actor, statement: Statement, signature: str) -> SignedStatement:
    """The statement on record.

    Raises:
        Forbidden: an agent or a token without ``approve`` carried it.
        InvalidInput: the signature is not one of the named person's, or the statement does not hold or could
            never count.
        NotFound: no such change, person, rule or environment.
        Conflict: this very statement is on record already.
    """
    actor.require(Scope.APPROVE)
    _check_here(statement.purpose)
    return station.store.write(lambda tx: _add_statement(station, tx, actor, statement, signature))


def add_evidence(station: Station, actor: Actor, change_id: str, offer: EvidenceOffer) -> Evidence:
    """The evidence on record, with its standing: what does not count is kept and shown.

    Raises:
        InvalidInput: the bytes cannot be read, were altered after signing, or come from the future.
    """
    actor.require(Scope.EVIDENCE)

    def work(tx: Tx) -> Evidence:
        rules = station.rules(tx).rules
        change = tx.records(ChangeRecord).get(change_id)
        evidence, content = accept_evidence(
            offer.content,
            format=offer.format,
            change=change,
            services=change.services,
            runners=rules.settings.trust.runners,
            settings=rules.settings,
            now=station.clock.now(),
            received_from=principal_of(actor),
            id=station.ids.new("evd"),
            subject=offer.subject,
        )
        before = _same(tx, evidence)
        if before is not None:
            return before
        tx.put_blob(content)
        tx.records(Evidence).add(evidence)
        tx.log.append(_evidence_entry(actor, evidence))
        return evidence

    return station.store.write(work)


def _same(tx: Tx, evidence: Evidence) -> Evidence | None:
    """The piece on record with the same bytes that says and is worth the same, None when there is none."""
    now = replace(evidence, id="", issued_at=_EVER, expires_at=_EVER, received_at=_EVER, received_from="")
    for kept in evidence_about(tx, evidence.change):
        was = replace(kept, id="", issued_at=_EVER, expires_at=_EVER, received_at=_EVER, received_from="")
        if was == now and kept.expires_at > evidence.received_at:
            return kept
    return None


def _evidence_entry(actor: Actor, evidence: Evidence) -> Entry:
    body: dict[str, Json] = {
        "evidence": evidence.id,
        "subject": evidence.subject,
        "predicate_type": evidence.predicate_type,
        "format": evidence.format,
        "standing": evidence.standing,
        "runner": evidence.runner,
        "blob": evidence.blob,
    }
    return Entry(
        kind="evidence.added", subject=evidence.change, actor=actor.principal, at=evidence.received_at, body=body
    )


def statements_about(tx: Tx, subject: str) -> tuple[SignedStatement, ...]:
    """All signed statements about one change, oldest first, each as the ledger says.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    found = tuple(tx.records(SignedStatement).find(subject=subject))
    tx.vouch(SignedStatement, [signed.id for signed in found], about=subject, whole=True)
    return found


def standing_statements(tx: Tx) -> tuple[SignedStatement, ...]:
    """Delegations and absences: statements that are about people and not about one change."""
    found: list[SignedStatement] = []
    for purpose in ("delegation", "absence"):
        found.extend(tx.records(SignedStatement).find(purpose=purpose))
    return tuple(found)


def genesis_statements(tx: Tx, digest: str) -> tuple[SignedStatement, ...]:
    """The signatures under first or mended rules of this digest, oldest first, each as the ledger says.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    found = tuple(tx.records(SignedStatement).find(purpose=GENESIS, digest=digest))
    tx.vouch(SignedStatement, [signed.id for signed in found], about=GENESIS)
    return found


def enrolments(tx: Tx) -> tuple[SignedStatement, ...]:
    """The signatures that enrol keys, oldest first, each as the ledger says.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    found = tuple(tx.records(SignedStatement).find(purpose="key-enrolment"))
    for person in sorted({signed.statement.subject for signed in found}):
        mine = [signed.id for signed in found if signed.statement.subject == person]
        tx.vouch(SignedStatement, mine, about=person)
    return found


def check_lent(tx: Tx, given: Iterable[SignedStatement], standing: Iterable[SignedStatement]) -> None:
    """Pass the delegations that these statements rest on when each is as the ledger says.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    pairs = {(one.statement.on_behalf_of, one.statement.approver) for one in given if one.statement.on_behalf_of}
    for item in standing:
        if any(names(item, str(delegator), delegate) for delegator, delegate in pairs):
            tx.vouch(SignedStatement, [item.id], about=item.statement.subject)


def evidence_about(tx: Tx, change_id: str) -> tuple[Evidence, ...]:
    """All evidence on record for one change, oldest first, each as the ledger says.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    found = tuple(tx.records(Evidence).find(change=change_id))
    tx.vouch(Evidence, [item.id for item in found], about=change_id, whole=True)
    return found


def evidence_now(tx: Tx, rules: Rules, change: Change | ChangeRecord, now: datetime) -> tuple[Evidence, ...]:
    """The same, each with the standing that it has at ``now``.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    runners = rules.settings.trust.runners
    return tuple(
        effective(each, now=now, digest=change.digest, runners=runners, services=change.services)
        for each in evidence_about(tx, change.id)
    )


def _check_here(purpose: str) -> None:
    if purpose in ELSEWHERE:
        raise InvalidInput(
            f"expected a statement that is kept and counted later, got one to {purpose}, which acts at once",
            code="statement-elsewhere",
            hint="interlock rollout widen prepares, signs and hands it in",
        )


def prepare_in(station: Station, tx: Tx, request: StatementRequest) -> Statement:
    """What a person signs, in a transaction that is open already.

    Raises:
        NotFound: no such change, or no such person, rule or environment.
        InvalidInput: a digest is needed and none is given, or what is said could never count.
    """
    rules = station.rules_or_provisional(tx).rules
    if request.approver not in rules.catalog.people:
        raise NotFound(
            f"expected a person of the catalog, got `{request.approver[:80]}`",
            code="person-unknown",
            hint="interlock catalog people lists them; --as NAME says who you are",
        )
    now = station.clock.now()
    made = Statement(
        purpose=request.purpose,
        subject=request.approver if request.purpose == "absence" else request.subject,
        digest=_digest_of(tx, request),
        environment=request.environment,
        approver=request.approver,
        nonce=station.ids.new("nonce"),
        issued_at=now,
        expires_at=now + _lifetime(request, rules),
        on_behalf_of=request.on_behalf_of,
        answers=request.answers,
        details=request.details,
    )
    check_shape(made)
    check_signable(made, rules)
    _check_concern(tx, made)
    return made


def _check_concern(tx: Tx, said: Statement) -> None:
    """Pass what is no answer, and an answer to a concern that some review raised about this very digest."""
    if said.purpose != PURPOSE:
        return
    named, about = said.details.get(CONCERN, ""), evidence_about(tx, said.subject)
    pieces = (one for one in about if one.subject == said.digest and one.predicate_type == REVIEW)
    if not any(concern.named(said.digest) == named for one in pieces for concern in concerns_in(one.summary)):
        raise NotFound(
            f"expected a concern about `{said.subject}` as it is now, got `{named[:60]}`",
            code="concern-unknown",
            hint=f"interlock change show {said.subject} lists them; a push makes others of them",
        )


def _digest_of(tx: Tx, request: StatementRequest) -> str:
    if request.purpose in ABOUT_CHANGES:
        return tx.records(ChangeRecord).get(request.subject).digest
    if request.digest is None:
        raise InvalidInput(
            f"expected the digest that the {request.purpose} statement is about, got none",
            code="statement-digest",
            hint="give --digest",
        )
    return request.digest


def _lifetime(request: StatementRequest, rules: Rules) -> timedelta:
    most = longest_lifetime(request.purpose, rules.settings).total_seconds() / 3600
    asked = most if request.hours is None else request.hours
    if not 0 < asked <= most:
        raise InvalidInput(
            f"expected a lifetime above 0 and at most {most:g} hours, got {asked:g}",
            code="statement-lifetime",
            hint=f"ask for at most {most:g} hours",
        )
    return timedelta(seconds=round(asked * 3600))


def _add_statement(
    station: Station, tx: Tx, actor: Actor, statement: Statement, signature: str
) -> SignedStatement:
    if statement.purpose in ABOUT_CHANGES:
        tx.records(ChangeRecord).get(statement.subject)
    rules = station.rules(tx).rules
    check_signable(statement, rules)
    _check_concern(tx, statement)
    signed = keep_signed(station, tx, actor, rules, statement, signature)
    tx.log.append(statement_entry(station, actor, signed))
    return signed


def keep_signed(
    station: Station,
    tx: Tx,
    actor: Actor,
    rules: Rules,
    statement: Statement,
    signature: str,
    *,
    used_by: str | None = None,
) -> SignedStatement:
    """The statement, verified under these rules and on record; the caller writes its ledger entry.

    ``used_by`` names what it is used for in the same transaction.

    Raises:
        Forbidden: an agent or a pipeline carried it.
        InvalidInput: the signature is not one of the named person's, or the statement does not hold.
    """
    signed = accept(
        statement,
        signature,
        catalog=rules.catalog,
        settings=rules.settings,
        now=station.clock.now(),
        received_from=actor,
        record_id=station.ids.new("sig"),
    )
    signed = replace(signed, used_by=used_by)
    keep_new(tx, signed)
    return signed


def keep_new(tx: Tx, signed: SignedStatement) -> None:
    """The statement on record, once.

    Raises:
        Conflict: ``statement-twice``.
    """
    before = tx.records(SignedStatement).find(nonce=signed.statement.nonce)
    if before:
        raise Conflict(
            f"expected a statement that is not on record, got the one that is there as `{before[0].id}`",
            code="statement-twice",
            hint="there is nothing left to do; interlock statement show tells what it counts for",
        )
    tx.records(SignedStatement).add(signed)


def statement_entry(station: Station, actor: Actor, signed: SignedStatement) -> Entry:
    """The ledger's line about a signed statement: everything but the signature itself, which a blob keeps."""
    said = signed.statement
    return Entry(
        kind=f"statement.{said.purpose}",
        subject=said.subject,
        actor=actor.principal,
        at=station.clock.now(),
        body={
            "statement": signed.id,
            "digest": said.digest,
            "environment": said.environment,
            "approver": said.approver,
            "on_behalf_of": said.on_behalf_of,
            "nonce": said.nonce,
            "fingerprint": signed.fingerprint,
            "presence": signed.presence,
            "expires_at": said.expires_at.isoformat(),
            "details": {**said.details},
        },
    )
