"""What the approvals on record amount to, for one digest and one environment, at one moment.

Rules:
1. People are counted, not signatures: one principal counts once, whatever accounts, agents and keys it has.
2. An approval counts only for the change, digest and environment it names, only while it is in force, only with
   a key that is still good, and only once. Its signature is verified again each time.
3. Nobody approves their own work: authors, and everybody who is one principal with an author, do not count. In
   one-person mode, with exactly one person in the catalog, that person's own approval counts, and policy says so.
4. When the clock stands before the latest recorded time, nothing counts.
5. Each approval that does not count is returned with its reason. The order in which they come never matters.
6. A software key proves possession only; it is counted with that mark and policy decides, except where
   ``trust.software_keys`` is ``none``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from interlock.core.approval.accept import SKEW, check_signature, longest_lifetime
from interlock.core.approval.delegation import Scope, names, outside_of, refusal
from interlock.core.approval.identity import kind_of
from interlock.core.approval.model import (
    PRESENCES,
    Counted,
    Presence,
    Purpose,
    Rejected,
    SignedStatement,
    Tally,
)
from interlock.core.approval.principals import Principals, principals_of
from interlock.core.approval.revocation import taken_back_text
from interlock.core.change.catalog import RANK, Catalog
from interlock.core.change.change import Change
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Identity
from interlock.core.change.settings import Settings
from interlock.core.evidence.model import Evidence
from interlock.core.facts.model import Description


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """All that one approval is held against."""

    change: Change
    environment: str
    now: datetime
    not_before: datetime | None
    settings: Settings
    catalog: Catalog
    principals: Principals
    authors: frozenset[str]
    services: tuple[str, ...]
    standing: tuple[SignedStatement, ...]
    barred: Mapping[str, str]
    purpose: Purpose
    for_use: str | None


@dataclass(slots=True)
class _Taken:
    """What counted approvals have used up already."""

    people: set[str] = field(default_factory=set)
    lent: set[str] = field(default_factory=set)
    nonces: set[tuple[str, str]] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)


def tally(
    *,
    change: Change,
    description: Description,
    statements: Iterable[SignedStatement],
    catalog: Catalog,
    settings: Settings,
    environment: str,
    now: datetime,
    evidence: Iterable[Evidence] = (),
    standing: Iterable[SignedStatement] = (),
    not_before: datetime | None = None,
    purpose: Purpose = "approve",
    barred: Mapping[str, str] | None = None,
    for_use: str | None = None,
    principals: Principals | None = None,
) -> Tally:
    """Who has said yes to this digest in this environment.

    ``standing`` are delegations, ``not_before`` the latest time the ledger knows. ``statements`` of another
    purpose are left out. ``barred`` maps further people to why they cannot count (the beneficiary of an
    exception). ``for_use`` names the ticket whose own approvals still count although it used them.
    """
    known = principals or principals_of(catalog)
    authors = known.authors(change, description, evidence)
    question = _Question(
        change=change,
        environment=environment,
        now=now,
        not_before=not_before,
        settings=settings,
        catalog=catalog,
        principals=known,
        authors=authors.people,
        services=tuple(sorted({*change.services, *(touched.service for touched in description.blast.touched)})),
        standing=tuple(standing),
        barred=barred or {},
        purpose=purpose,
        for_use=for_use,
    )
    counted, rejected = _count(question, [item for item in statements if item.statement.purpose == purpose])
    return Tally(
        counted=counted,
        rejected=rejected,
        authors=tuple(sorted(authors.people)),
        unmapped_authors=tuple(_shown(identity) for identity in authors.unmapped),
    )


def _count(
    question: _Question, statements: list[SignedStatement]
) -> tuple[tuple[Counted, ...], tuple[Rejected, ...]]:
    taken, counted, rejected = _Taken(), list[Counted](), list[Rejected]()
    for signed in sorted(statements, key=lambda item: (not _spent(item, question), *_turn(item))):
        why = _replayed(signed, taken) or _refused(signed, question) or _again(signed, question, taken)
        if why:
            rejected.append(Rejected(id=signed.id, approver=signed.statement.approver, reason=why))
        else:
            counted.append(_counted(signed, question, taken))
    return tuple(counted), tuple(rejected)


def _turn(signed: SignedStatement) -> tuple[bool, datetime, str, str]:
    """The order of judging after what is spent: those given in person first, then as they arrived."""
    return (signed.statement.on_behalf_of is not None, signed.received_at, signed.id, signed.signature)


def _replayed(signed: SignedStatement, taken: _Taken) -> str | None:
    """Each record and each nonce of a person is looked at once, whether it counted or not.

    What is spent is looked at first, so that a copy of it, whatever it is called, finds its nonce taken.
    """
    nonce = (signed.statement.approver, signed.statement.nonce)
    if nonce in taken.nonces or signed.id in taken.ids:
        return "replayed: this person's statement with the same nonce is on record already"
    taken.nonces.add(nonce)
    taken.ids.add(signed.id)
    return None


def _refused(signed: SignedStatement, question: _Question) -> str | None:
    for check in _CHECKS:
        why = check(signed, question)
        if why:
            return why
    return None


def _again(signed: SignedStatement, question: _Question, taken: _Taken) -> str | None:
    person = signed.statement.approver
    if question.principals.same(person) & taken.people:
        return f"second approval by the same person: `{person}` counts once"
    return None


def _counted(signed: SignedStatement, question: _Question, taken: _Taken) -> Counted:
    said = signed.statement
    lender = said.on_behalf_of
    if lender is not None and question.principals.same(lender) & (taken.people | taken.lent):
        lender = None  # the delegator spoke in person or through another: the delegate counts as themself alone
    people = question.catalog.people
    roles = [people[name].role for name in (said.approver, lender) if name is not None]
    taken.people |= question.principals.same(said.approver)
    if lender is not None:
        taken.lent |= question.principals.same(lender)
    return Counted(
        id=signed.id,
        person=said.approver,
        role=max(roles, key=lambda role: RANK[role]).value,
        presence=_presence(signed, lender, question),
        on_behalf_of=lender,
        answered=tuple(sorted(key for key, answer in said.answers.items() if answer.strip())),
    )


def _presence(signed: SignedStatement, lender: str | None, question: _Question) -> Presence:
    """How surely people were there: what is lent is worth no more than the signature that lent it."""
    if lender is None:
        return signed.presence
    scope = Scope(environment=question.environment, services=question.services, now=question.now)
    mine = [item for item in question.standing if names(item, lender, signed.statement.approver)]
    lent = [item.presence for item in mine if outside_of(item, scope) is None]
    return min(signed.presence, max(lent, key=PRESENCES.index, default="possession"), key=PRESENCES.index)


def _clock(signed: SignedStatement, question: _Question) -> str | None:
    # Several servers on one database differ a little; what one wrote a moment ago is no clock that was set back.
    latest = question.not_before
    if latest is not None and question.now < latest - SKEW:
        return f"the clock is behind the ledger, whose latest entry is of {latest:%Y-%m-%d %H:%M:%S} UTC"
    if max(signed.received_at, signed.statement.issued_at) - SKEW > question.now:
        return "given in the future: the clock was set back"
    return None


def _spent(signed: SignedStatement, question: _Question) -> str | None:
    if signed.revoked_at is not None:
        return taken_back_text(signed)
    if signed.used_by is not None and signed.used_by != question.for_use:
        return f"used already, for {signed.used_by}"
    return None


def _bound(signed: SignedStatement, question: _Question) -> str | None:
    said = signed.statement
    if said.subject != question.change.id:
        return f"for another change: {said.subject}"
    if said.digest != question.change.digest:
        return f"for another digest: approved {_short(said.digest)}, now {_short(question.change.digest)}"
    if said.environment != question.environment:
        return f"for another environment: {said.environment}"
    return None


def _in_force(signed: SignedStatement, question: _Question) -> str | None:
    said = signed.statement
    if said.expires_at <= question.now:
        return f"expired on {said.expires_at:%Y-%m-%d %H:%M} UTC"
    longest = longest_lifetime(said.purpose, question.settings)
    if said.expires_at - said.issued_at > longest:
        return f"given for longer than the {longest.total_seconds() / 3600:g} hours allowed"
    return None


def _by_person(signed: SignedStatement, question: _Question) -> str | None:
    approver, known = signed.statement.approver, question.principals
    if kind_of(signed.received_from) in ("agent", "pipeline") or known.is_agent(signed.received_from):
        return f"handed in by an agent or a pipeline: `{signed.received_from}`"
    if known.is_agent(approver):
        return f"by an agent: `{approver}` never approves"
    if known.person(approver) != approver:
        return f"by an identity that the catalog does not map to one person: `{approver}`"
    return None


def _signature(signed: SignedStatement, question: _Question) -> str | None:
    said = signed.statement
    moments = (said.issued_at, signed.received_at, question.now)
    try:
        verified = check_signature(said, signed.signature, principals=question.principals, moments=moments)
    except InvalidInput as error:
        return f"the signature does not count: {error.message}"
    if (verified.fingerprint, verified.presence) != (signed.fingerprint, signed.presence):
        return "the record contradicts its signature: key or presence differ"
    return None


def _own_work(signed: SignedStatement, question: _Question) -> str | None:
    approver, authors = signed.statement.approver, question.authors
    for name in sorted(question.principals.same(approver) & set(question.barred)):
        return question.barred[name]
    if question.settings.one_person and len(question.catalog.people) == 1:
        return None
    if approver in authors:  # these are closed over everybody who is one principal
        return f"by an author: `{approver}` wrote, pushed, opened or prompted this change"
    return None


def _delegated(signed: SignedStatement, question: _Question) -> str | None:
    said = signed.statement
    if said.on_behalf_of is None:
        return None
    if question.principals.same(said.on_behalf_of) & (question.authors | set(question.barred)):
        return f"on behalf of an author: `{said.on_behalf_of}` cannot lend what they do not have"
    return refusal(
        delegator=said.on_behalf_of,
        delegate=said.approver,
        standing=question.standing,
        scope=Scope(environment=question.environment, services=question.services, now=question.now),
        principals=question.principals,
    )


def _present(signed: SignedStatement, question: _Question) -> str | None:
    if question.settings.trust.software_keys == "none" and signed.presence == "possession":
        return "made with a software key, which proves possession only; the settings accept none"
    return None


_CHECKS: tuple[Callable[[SignedStatement, _Question], str | None], ...] = (
    _clock,
    _spent,
    _bound,
    _in_force,
    _by_person,
    _signature,
    _own_work,
    _delegated,
    _present,
)


def _short(digest: str) -> str:
    plain = digest.removeprefix("sha256:")
    return f"{plain[:4]}…{plain[-2:]}"


def _shown(identity: Identity) -> str:
    return f"{identity.name} <{identity.email}>" if identity.email else identity.name
