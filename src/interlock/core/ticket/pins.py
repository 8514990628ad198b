"""What a deployer pins: whose keys count, and how many of whom it takes. It needs no server to be read.

Rules:
1. Pins are written once from the rules in force (``interlock ticket pins``), looked at by a person, kept beside
   the deployer and replaced when keys or people change.
2. A file that pins no issuer, no log, no person or no environment would verify nothing and is refused.
3. A quorum is a floor: the server may ask for more. For a ticket that names several services the strictest holds.
4. Where the rules do not enforce a quorum, zero approvals are pinned, and the file says so in plain sight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from interlock.core.approval.model import Presence
from interlock.core.change.canonical import canonical, is_digest
from interlock.core.change.catalog import Role
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse
from interlock.core.evidence.dsse import key_id_of, load_public_key
from interlock.core.evidence.strict_json import read_json
from interlock.core.ledger.note import ED25519, VerifierKey

MAX_PINS = 8 * 1024 * 1024

PRESENCE_RANK: dict[Presence, int] = {"possession": 0, "present": 1, "verified": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedIssuer:
    """The server's ticket key: SPKI PEM and its id, the SHA-256 of the DER."""

    key_id: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedKey:
    """An SSH key by fingerprint (``SHA256:…``) and the times between which its signatures count."""

    fingerprint: str
    not_before: datetime | None = None
    not_after: datetime | None = None

    def counts_at(self, moment: datetime) -> bool:
        """Whether a signature of ``moment`` counts."""
        return (self.not_before is None or self.not_before <= moment) and (
            self.not_after is None or moment < self.not_after
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedPerson:
    """Somebody who may approve. ``principal`` names all entries of the catalog that are one person."""

    role: Role
    keys: tuple[PinnedKey, ...]
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """The least that must be shown: approvals by different people, of these so many seniors or above."""

    approvals: int
    seniors: int = 0
    presence: Presence = "possession"

    def joined(self, other: Quorum) -> Quorum:
        """The stricter of both, point by point."""
        return Quorum(
            approvals=max(self.approvals, other.approvals),
            seniors=max(self.seniors, other.seniors),
            presence=max(self.presence, other.presence, key=PRESENCE_RANK.__getitem__),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedEnvironment:
    """The quorum of an environment, and of single services where it is stricter.

    ``break_glass`` is whether people may break the glass here, ``exceptions`` names the rules whose exceptions
    count as approvals, ``max_weight`` is a ceiling in percent, ``weights`` that of services where it is lower.
    """

    quorum: Quorum
    services: dict[str, Quorum] = field(default_factory=dict)
    break_glass: bool = False
    exceptions: tuple[str, ...] = ()
    max_weight: float = 100.0
    weights: dict[str, float] = field(default_factory=dict)

    def weight_for(self, services: Iterable[str]) -> float:
        """The most in percent that may be sent to these services; without a name, the least of all."""
        named = set(services) or set(self.weights)
        return min([self.max_weight, *(self.weights[name] for name in named & set(self.weights))])

    def quorum_for(self, services: Iterable[str]) -> Quorum:
        """What a ticket over these services must show; one that names no service must show the most."""
        named = set(services) or set(self.services)
        found = self.quorum
        for name in named & set(self.services):
            found = found.joined(self.services[name])
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The file. ``log`` is the ledger's verifier key (C2SP vkey), ``rules_digest`` the rules it was written from.

    ``one_person`` is whether a ticket issued in one-person mode is accepted, ``same_rules`` whether one issued
    under other rules is refused (else it is accepted where the quorum pinned here holds, and said so).
    """

    version: Literal[1] = 1
    rules_digest: str
    issuers: tuple[PinnedIssuer, ...]
    log: str
    people: dict[str, PinnedPerson]
    environments: dict[str, PinnedEnvironment]
    one_person: bool = False
    same_rules: bool = False

    def principal(self, name: str) -> str:
        """The principal behind a person's name; somebody who is not pinned stands alone."""
        return self.people[name].principal if name in self.people else name

    def without_glass(self) -> Pins:
        """The same, for a deployer that lets nothing through for which people broke the glass."""
        closed = {name: replace(place, break_glass=False) for name, place in self.environments.items()}
        return replace(self, environments=closed)

    def to_bytes(self) -> bytes:
        """The file's canonical form."""
        return canonical(self) + b"\n"


def read_pins(content: bytes) -> Pins:
    """Pins from their file.

    Raises:
        InvalidInput: ``pins-empty``, ``pins-shape``, ``vkey-malformed``, ``key-unreadable``, ``input-shape`` or
            a code of ``read_json``.
    """
    pins = parse(Pins, read_json(content, what="a pins file", limit=MAX_PINS), what="a pins file")
    for name in ("issuers", "log", "people", "environments"):
        if not getattr(pins, name):
            raise InvalidInput(
                f"expected `{name}` to pin something, got nothing",
                code="pins-empty",
                hint="write the file again: interlock ticket pins --out pins.json",
            )
    if not is_digest(pins.rules_digest):
        raise _shape("`rules_digest` as sha256:…")
    if VerifierKey.parse(pins.log).algorithm != ED25519:
        raise _shape("`log` as a key that signs checkpoints")
    for issuer in pins.issuers:
        if key_id_of(load_public_key(issuer.public_key)) != issuer.key_id:
            raise _shape(f"issuer `{issuer.key_id[:80]}` to be the id of its own key")
    for name, place in pins.environments.items():
        _check_environment(name, place)
    _check_people(pins)
    return pins


def _check_environment(name: str, place: PinnedEnvironment) -> None:
    for quorum in (place.quorum, *place.services.values()):
        if not 0 <= quorum.seniors <= quorum.approvals <= 20:  # noqa: PLR2004  # more people than any quorum
            raise _shape(f"0 ≤ seniors ≤ approvals ≤ 20 in `{name[:60]}`")
    if not all(0 < weight <= 100 for weight in (place.max_weight, *place.weights.values())):  # noqa: PLR2004  # percent
        raise _shape(f"`max_weight` and `weights` above 0 and at most 100 in `{name[:60]}`")


def _check_people(pins: Pins) -> None:
    owners: dict[str, str] = {}
    for name, person in pins.people.items():
        for key in person.keys:
            if owners.setdefault(key.fingerprint, name) != name:
                raise _shape(f"every key with one person, `{key.fingerprint[:60]}` is with two")


def _shape(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected} in the pins file",
        code="pins-shape",
        hint="write the file again: interlock ticket pins --out pins.json",
    )
