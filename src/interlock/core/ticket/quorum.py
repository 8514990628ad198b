"""Did enough people really say yes? Decided from their own signatures and the keys the deployer pinned.

Rules:
1. Each approval in a ticket must be good in itself: signed by a pinned key of the person it names, over exactly
   this change, digest and environment, in force when the ticket was issued, and not by an author. An honest server
   puts no other in a ticket, so one that is not good refuses the ticket.
2. Presence is read from the signature, never from what the ticket says about it. Too little of it, or a second
   approval by the same person, is no forgery: it does not count.
3. An approval on behalf of somebody uses up both people and counts once: at the higher rank when the delegation
   is in the ticket and signed by a pinned key of the delegator, else at the lower one.
4. In one-person mode the author's own approval counts, if the deployer pinned that mode.
5. Breaking the glass counts as an approval for at most 60 minutes, where the deployer pinned that it may; so does
   an exception that lifts a rule the pins name. An exception from another rule is carried along, uncounted.
6. Which services are touched is the server's word, so it lowers a quorum only for a deployer who named the service
   about to change; for anybody else the strictest quorum of the environment holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from interlock.core.approval.delegation import Scope, names, outside_of
from interlock.core.approval.model import NAMESPACE, Presence, SignedStatement
from interlock.core.approval.sshsig import verify
from interlock.core.change.catalog import RANK, Role
from interlock.core.change.errors import InvalidInput
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.pins import PRESENCE_RANK, PinnedEnvironment, PinnedPerson, Pins, Quorum
from interlock.core.ticket.refusal import ASK_AGAIN, DISTRUST, NAME_SERVICE, Refusal

SKEW = timedelta(minutes=2)
"""How far a signer's clock may run ahead of the server's."""
BREAK_GLASS = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """An approval whose signature holds, as its signer. ``stands_for`` are all principals it uses up."""

    person: str
    role: Role
    presence: Presence
    stands_for: frozenset[str]


def check_quorum(
    ticket: Ticket, pins: Pins, place: PinnedEnvironment, *, service_known: bool
) -> tuple[tuple[Voice, ...], tuple[Refusal, ...]]:
    """The voices that count and everything that is wrong with the approvals.

    ``service_known`` is whether the deployer named a service, which the ticket is held against elsewhere.
    """
    quorum = place.quorum_for(ticket.services if service_known else ())
    remedy = ASK_AGAIN if service_known or not place.services else NAME_SERVICE
    refusals: list[Refusal] = []
    counted: list[Voice] = []
    used: set[str] = set()
    for signed in ticket.approvals:
        heard = _heard(signed, ticket, pins, place)
        if isinstance(heard, str):
            refusals.append(_forged(signed, heard))
        elif _counts(signed, heard, place, quorum) and not heard.stands_for & used:
            counted.append(heard)
            used |= heard.stands_for
    seniors = sum(RANK[one.role] >= RANK[Role.SENIOR] for one in counted)
    if len(counted) < quorum.approvals:
        how = "" if quorum.presence == "possession" else f" with a key that shows `{quorum.presence}`"
        text = f"{len(counted)} of {quorum.approvals} people approved{how}"
        refusals.append(Refusal(code="quorum-approvals", text=text, remedy=remedy))
    if seniors < quorum.seniors:
        text = f"{seniors} of {quorum.seniors} seniors approved"
        refusals.append(Refusal(code="quorum-seniors", text=text, remedy=remedy))
    return tuple(counted), tuple(refusals)


def _counts(signed: SignedStatement, heard: Voice, place: PinnedEnvironment, quorum: Quorum) -> bool:
    said = signed.statement
    lifts = said.purpose != "exception" or said.details.get("rule") in place.exceptions
    return lifts and PRESENCE_RANK[heard.presence] >= PRESENCE_RANK[quorum.presence]


def _heard(signed: SignedStatement, ticket: Ticket, pins: Pins, place: PinnedEnvironment) -> Voice | str:
    """The voice, or why this approval is not good."""
    said = signed.statement
    why = _bound(signed, ticket) or _purpose(signed, place)
    if why:
        return why
    person = pins.people.get(said.approver)
    if person is None:
        return "is no pinned person"
    presence = _signed_by(signed, person, ticket)
    if not presence:
        return "did not sign this with a pinned key that was good then"
    names = {said.approver} | ({said.on_behalf_of} if said.on_behalf_of else set())
    principals = frozenset(pins.principal(name) for name in names)
    if not ticket.one_person and principals & {pins.principal(name) for name in ticket.authors}:
        return "is an author of the change"
    behind = pins.people.get(said.on_behalf_of) if said.on_behalf_of else person
    if behind is None:
        return f"speaks for `{said.on_behalf_of}`, who is no pinned person"
    lent = presence if behind is person else _lent(signed, behind, ticket)
    role = (max if lent else min)(person.role, behind.role, key=RANK.__getitem__)
    shown: Presence = min(presence, lent or presence, key=PRESENCE_RANK.__getitem__)
    return Voice(person=said.approver, role=role, presence=shown, stands_for=principals)


def _lent(signed: SignedStatement, behind: PinnedPerson, ticket: Ticket) -> Presence | None:
    """How surely a delegation in the ticket was signed that covers this approval; None where none does."""
    said = signed.statement
    scope = Scope(environment=ticket.environment, services=ticket.services, now=ticket.issued_at)
    mine = [item for item in ticket.delegations if names(item, said.on_behalf_of or "", said.approver)]
    found = [_signed_by(item, behind, ticket) for item in mine if outside_of(item, scope) is None]
    return max((one for one in found if one), key=PRESENCE_RANK.__getitem__, default=None)


def _bound(signed: SignedStatement, ticket: Ticket) -> str | None:
    said = signed.statement
    if said.subject != ticket.change:
        return f"approved `{said.subject[:60]}`, another change"
    if said.digest != ticket.digest:
        return "approved another digest"
    if said.environment != ticket.environment:
        return f"approved `{said.environment[:60]}`, another environment"
    if not said.issued_at <= ticket.issued_at + SKEW or not ticket.expires_at <= said.expires_at:
        return "approved for another time"
    if signed.revoked_at is not None:
        return "took the approval back"
    return None


def _purpose(signed: SignedStatement, place: PinnedEnvironment) -> str | None:
    said = signed.statement
    if said.purpose in ("approve", "exception"):
        return None
    if said.purpose != "break-glass":
        return f"signed a statement for `{said.purpose}`, which is no approval"
    if not place.break_glass or said.expires_at - said.issued_at > BREAK_GLASS:
        return "broke the glass where or for longer than the pins allow"
    return None


def _signed_by(signed: SignedStatement, person: PinnedPerson, ticket: Ticket) -> Presence | None:
    try:
        verified = verify(signed.signature, signed.statement.to_bytes(), namespace=NAMESPACE)
    except InvalidInput:
        return None
    moments = (signed.statement.issued_at, ticket.issued_at)
    good = any(
        key.fingerprint == verified.fingerprint and all(key.counts_at(moment) for moment in moments)
        for key in person.keys
    )
    return verified.presence if good else None


def _forged(signed: SignedStatement, why: str) -> Refusal:
    return Refusal(code="approval-bad", text=f"`{signed.statement.approver[:60]}` {why}", remedy=DISTRUST)
