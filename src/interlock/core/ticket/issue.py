"""From a decision that allows to a signed ticket, in three steps around the ledger.

Rules:
1. ``draw`` checks that there is something to permit; ``issued_entry`` is appended in the transaction that moves
   the change; ``seal`` adds the proof of that entry and signs. A crash between the last two leaves an entry and
   no ticket: draw a new one.
2. Only a decision that allows, was made on facts still valid and has not expired becomes a ticket.
3. A ticket never outlives its decision or any approval it rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.approval.model import SignedStatement
from interlock.core.change.canonical import Json, is_digest
from interlock.core.change.change import Change
from interlock.core.change.errors import IllegalTransition, InvalidInput
from interlock.core.change.parse import parse
from interlock.core.change.parts import Artefact
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.ledger.entry import Entry
from interlock.core.policy.decision import Decision, Outcome
from interlock.core.ticket.model import ENTRY_KIND, MAX_LIFE, MAX_TICKET, Inclusion, Ticket

FIRST_STAGE_MOST = 5.0
"""Percent of traffic that a first ticket for a Tier-1 service permits at most."""


def draw(
    change: Change,
    decision: Decision,
    *,
    id: str,  # noqa: A002  # the record's own word
    environment: str,
    services: tuple[str, ...],
    authors: tuple[str, ...],
    approvals: tuple[SignedStatement, ...],
    delegations: tuple[SignedStatement, ...] = (),
    max_weight: float,
    rules_digest: str,
    issuer: str,
    now: datetime,
    one_person: bool = False,
    break_glass: bool = False,
) -> Ticket:
    """An unsigned ticket for ``change`` in ``environment``.

    Raises:
        IllegalTransition: ``ticket-refused`` when the decision does not allow or is no longer valid.
        InvalidInput: ``ticket-weight``, ``ticket-digest``.
    """
    if decision.outcome is not Outcome.ALLOW:
        raise _refused(change, f"got `{decision.outcome}`")
    if not decision.decided_at <= now < decision.expires:
        raise _refused(change, "got one that is not valid now")
    if not 0 < max_weight <= 100:  # noqa: PLR2004  # percent
        raise _input("ticket-weight", f"a weight above 0 and at most 100 percent, got `{max_weight}`")
    artefacts = tuple(sorted({part.digest for part in change.submission.parts if isinstance(part, Artefact)}))
    for found in (change.digest, rules_digest, *artefacts):
        if not is_digest(found):
            raise _input("ticket-digest", f"digests as sha256:…, got `{found[:80]}`")
    ends = [one.statement.expires_at for one in approvals]
    return Ticket(
        id=id,
        change=change.id,
        digest=change.digest,
        artefacts=artefacts,
        environment=environment,
        max_weight=max_weight,
        services=tuple(sorted(services)),
        authors=tuple(sorted(authors)),
        issued_at=now,
        expires_at=min([now + MAX_LIFE, decision.expires, *ends]),
        rules_digest=rules_digest,
        decision=decision,
        approvals=approvals,
        delegations=delegations,
        one_person=one_person,
        break_glass=break_glass,
        issuer=issuer,
    )


def issued_entry(ticket: Ticket, *, actor: str) -> Entry:
    """The ledger entry that must be durable before ``seal``."""
    return Entry(kind=ENTRY_KIND, subject=ticket.id, actor=actor, at=ticket.issued_at, body=issued_body(ticket))


def issued_body(ticket: Ticket) -> dict[str, Json]:
    """What the entry of a ticket's issue says: its terms by digest, and the few that people look for."""
    return {
        "ticket": ticket.terms_digest,
        "change": ticket.change,
        "digest": ticket.digest,
        "environment": ticket.environment,
        "max_weight": ticket.max_weight,
        "rules": ticket.rules_digest,
        "one_person": ticket.one_person,
        "break_glass": ticket.break_glass,
    }


def seal(ticket: Ticket, inclusion: Inclusion | Mapping[str, Json], private_key: Ed25519PrivateKey) -> bytes:
    """The ticket file: canonical JSON, one line. ``inclusion`` is what ``Store.inclusion`` gives.

    Raises:
        InvalidInput: ``ticket-issuer`` for another key than the ticket names, ``input-too-large`` above 1 MiB.
    """
    if key_id_of(private_key.public_key()) != ticket.issuer:
        raise _input("ticket-issuer", "the key whose id the ticket names as issuer, got another")
    whole = replace(ticket, inclusion=inclusion_of(inclusion))
    content = sign_envelope(whole.statement(), private_key, ticket.issuer) + b"\n"
    if len(content) > MAX_TICKET:
        raise _input("input-too-large", f"a ticket of at most {MAX_TICKET} bytes, got {len(content)}")
    return content


def inclusion_of(value: Inclusion | Mapping[str, Json]) -> Inclusion:
    """``value`` as an ``Inclusion``, whether it already is one or came from ``Store.inclusion``."""
    if isinstance(value, Inclusion):
        return value
    return parse(Inclusion, dict(value), what="an inclusion proof")


def _refused(change: Change, got: str) -> IllegalTransition:
    return IllegalTransition(
        f"expected a decision that allows `{change.id}`, {got}",
        code="ticket-refused",
        hint=f"see what is missing: interlock gate {change.id}",
    )


def _input(code: str, expected: str) -> InvalidInput:
    return InvalidInput(f"expected {expected}", code=code, hint="this is what permit passes in; see docs/concepts")
