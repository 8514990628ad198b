"""Keys and people are rules too: what a new catalog may not do on the word of its author alone.

Rules:
1. A key that a person did not have before (added, replaced, un-revoked, or given a longer life) needs an
   enrolment statement by an old key of that person, or by two other people who did not write the change. Both
   are judged under the OLD catalog, and name the person and the key.
2. Every difference that widens what somebody may do, or hides who somebody is, is listed, so that it is seen
   and needs the quorum under the old catalog.
3. The first rules are signed by two people, or by one where the rules themselves say ``one_person``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from interlock.core.approval.accept import check_signature, longest_lifetime
from interlock.core.approval.keys import parse_public_key
from interlock.core.approval.model import SignedStatement
from interlock.core.approval.principals import Principals, principals_of
from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Catalog, Person, PublicKey
from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Settings

OTHERS_NEEDED = 2
GENESIS_PEOPLE = 2
_EVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that counts for a person under the new catalog and did not, or not as long, under the old one."""

    person: str
    fingerprint: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRefusal:
    """A new key without the signatures it needs, and what to do."""

    key: NewKey
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """How far the first rules are signed, counted in principals."""

    people: tuple[str, ...]
    needed: int
    one_person: bool

    @property
    def complete(self) -> bool:
        """Whether the rules may come into force."""
        return len(self.people) >= self.needed


def enrolment_digest(line: str) -> str:
    """What a key-enrolment statement signs as its ``digest``: SHA-256 of the key, its fingerprint in hex."""
    return sha256(parse_public_key(line).blob)


def new_keys(old: Catalog, new: Catalog) -> tuple[NewKey, ...]:
    """Keys that ``new`` lets count where ``old`` did not; a key that cannot be used counts for nobody."""
    found: list[NewKey] = []
    for person in new.people.values():
        before = _lives(old.people.get(person.name))
        for entry in person.keys:
            life, lived = _life(entry), before.get(_name_of(entry))
            if life is not None and (lived is None or life[0] < lived[0] or life[1] > lived[1]):
                key = parse_public_key(entry.line)
                found.append(NewKey(person=person.name, fingerprint=key.fingerprint, digest=sha256(key.blob)))
    return tuple(sorted(set(found), key=lambda key: (key.person, key.fingerprint)))


def enrolment_refusals(
    old: Catalog,
    new: Catalog,
    statements: Iterable[SignedStatement],
    *,
    settings: Settings,
    now: datetime,
    authors: Iterable[str] = (),
) -> tuple[EnrolmentRefusal, ...]:
    """The new keys that must not come into force. ``authors`` wrote the change; ``settings`` are the old ones.

    A statement is one of purpose ``key-enrolment`` whose ``subject`` is the person and whose ``digest`` is
    ``enrolment_digest`` of the key.
    """
    known = principals_of(old)
    wrote = {name for author in authors for name in known.same(author)}
    signers = list(_signers(statements, known, settings, now))
    found: list[EnrolmentRefusal] = []
    for key in new_keys(old, new):
        own = known.same(key.person)
        mine = {who for who, subject, digest in signers if (subject, digest) == (key.person, key.digest)}
        others = {min(known.same(who)) for who in mine - own - wrote}
        if not (key.person in mine or len(others) >= OTHERS_NEEDED):
            found.append(_refused(key, len(others), known_before=bool(_lives(old.people.get(key.person)))))
    return tuple(found)


def genesis(
    statements: Iterable[SignedStatement], *, digest: str, catalog: Catalog, settings: Settings, now: datetime
) -> Genesis:
    """Whose signatures the first rules bear. Several entries that are one principal count once."""
    known = principals_of(catalog)
    mine = [item for item in statements if item.statement.purpose == "genesis" and item.statement.digest == digest]
    people: dict[str, str] = {}
    for item in sorted(mine, key=lambda kept: (kept.received_at, kept.id)):
        if _verifies(item, known, settings, now):
            people.setdefault(min(known.same(item.statement.approver)), item.statement.approver)
    needed = 1 if settings.one_person else GENESIS_PEOPLE
    return Genesis(people=tuple(sorted(people.values())), needed=needed, one_person=settings.one_person)


def _signers(
    statements: Iterable[SignedStatement], known: Principals, settings: Settings, now: datetime
) -> Iterator[tuple[str, str, str]]:
    for item in statements:
        said = item.statement
        if said.purpose == "key-enrolment" and item.used_by is None and _verifies(item, known, settings, now):
            yield said.approver, said.subject, said.digest


def _verifies(item: SignedStatement, known: Principals, settings: Settings, now: datetime) -> bool:
    said = item.statement
    in_force = item.revoked_at is None and said.issued_at <= now < said.expires_at
    if not in_force or said.expires_at - said.issued_at > longest_lifetime(said.purpose, settings):
        return False
    try:
        check_signature(said, item.signature, principals=known, moments=(said.issued_at, now))
    except InvalidInput:  # what does not verify does not count; the refusal names the key that stays without
        return False
    return True


def _lives(person: Person | None) -> dict[str, tuple[datetime, datetime]]:
    """For each key of a person the time in which it counts; revoked and unusable keys count never."""
    lives = {_name_of(entry): _life(entry) for entry in person.keys} if person else {}
    return {name: life for name, life in lives.items() if life is not None}


def _life(entry: PublicKey) -> tuple[datetime, datetime] | None:
    if entry.revoked or not _name_of(entry):
        return None
    return (entry.not_before or _ALWAYS, entry.not_after or _EVER)


def _name_of(entry: PublicKey) -> str:
    try:
        return parse_public_key(entry.line).fingerprint
    except InvalidInput:  # `catalog check` reports it; it counts for nobody
        return ""


def _refused(key: NewKey, others: int, *, known_before: bool) -> EnrolmentRefusal:
    own = f"an old key of {key.person} or " if known_before else ""
    signed = f"{others} of {OTHERS_NEEDED} others signed"
    return EnrolmentRefusal(
        key=key,
        reason=f"key {key.fingerprint} of `{key.person}` is not enrolled: {signed}",
        remedy=f"sign a key-enrolment statement about {key.person}, {key.digest}, with {own}keys of two others",
    )
