"""What a person signs, and what interlock makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from interlock.core.change.canonical import canonical

NAMESPACE = "approval@interlock.dev"
"""The SSHSIG namespace: a signature made for git or a file never verifies as an approval."""

Presence = Literal["possession", "present", "verified"]
"""``possession``: a software key; ``present``: a touch; ``verified``: a touch and a PIN or a finger."""

PRESENCES: tuple[Presence, ...] = ("possession", "present", "verified")
"""From the weakest to the strongest."""

Purpose = Literal[
    "approve", "answer", "exception", "break-glass", "widen", "delegation", "absence", "key-enrolment", "genesis"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Exactly what is signed, as canonical JSON. ``subject`` is a change id, ``digest`` what is agreed to.

    Of a widening ``subject`` is the rollout, ``digest`` what its ticket names.

    ``approver`` is a person's name in the catalog. ``answers`` are the two questions of a high-risk change.
    ``details`` carries what other purposes need (the lifted rule, the answered concern, the new key).
    """

    purpose: Purpose
    subject: str
    digest: str
    environment: str
    approver: str
    nonce: str
    issued_at: datetime
    expires_at: datetime
    on_behalf_of: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The bytes under the signature."""
        return canonical(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A statement with its armoured SSH signature, as it is stored and as a ticket carries it.

    ``used_by`` is a ticket, or the rollout that a widening took further; ``revoked_by`` is the principal who took
    the statement back, ``revoked_why`` in words.
    """

    id: str
    statement: Statement
    signature: str
    fingerprint: str
    presence: Presence
    received_at: datetime
    received_from: str
    used_by: str | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_why: str = ""
    version: int = 1

    def spent_on(self, ticket: str) -> SignedStatement:
        """The statement, used by this ticket."""
        return replace(self, used_by=ticket, version=self.version + 1)

    def given_back(self) -> SignedStatement:
        """The statement, used by no ticket any more."""
        return replace(self, used_by=None, version=self.version + 1)

    def taken_back(self, *, now: datetime, by: str, why: str) -> SignedStatement:
        """The statement, which from ``now`` on counts for nothing."""
        return replace(self, revoked_at=now, revoked_by=by, revoked_why=why, version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An approval on record that does not count, and why: shown to everybody, never silent."""

    id: str
    approver: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """An approval that counts, as the person it stands for; ``answered`` names the questions it answers."""

    id: str
    person: str
    role: str
    presence: Presence
    on_behalf_of: str | None = None
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the approvals on record amount to for one digest and environment, at one moment."""

    counted: tuple[Counted, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    authors: tuple[str, ...] = ()
    unmapped_authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """Somebody who could be asked and is away until then."""

    person: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A reviewer worth asking, with why, and how many reviews are already open with this person."""

    person: str
    reason: str
    open_reviews: int
