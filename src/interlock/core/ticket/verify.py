"""May this be deployed? Answered from a ticket, pinned keys and a clock; no server, no database.

Rules:
1. Three signatures of three kinds must agree: the server's over the ticket, the people's over the change, the
   ledger's over the tree that holds the entry of the ticket's issue. Whoever holds only the server's key can
   permit nothing.
2. Everything wrong is told at once, each with what to do.
3. What the caller does not expect is not compared, and the answer says so: a ticket proves what it names, not
   that this is what lies on the deployer's disk.
4. A ticket for less than all traffic is refused to whoever does not say how much they are about to send.
5. Clocks may differ by 30 seconds; a ticket that claims to live longer than 15 minutes is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from interlock.core.change.canonical import is_digest, timestamp
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import load_public_key, signature_holds
from interlock.core.evidence.strict_json import read_json
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.prooffile import ProofFile
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.issue import issued_body
from interlock.core.ticket.model import ENTRY_KIND, MAX_LIFE, MAX_TICKET, Inclusion, Ticket
from interlock.core.ticket.pins import PinnedEnvironment, Pins
from interlock.core.ticket.quorum import Voice, check_quorum
from interlock.core.ticket.read import Sealed, read_ticket
from interlock.core.ticket.refusal import ASK_AGAIN, DISTRUST, Refusal

SKEW = timedelta(seconds=30)
ALL = 100.0
"""Percent of traffic."""

_PINS = "check the pins: interlock ticket pins, with a person looking at what changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the deployer is about to do. None is not compared. ``weight`` is percent of traffic."""

    change: str | None = None
    digest: str | None = None
    environment: str | None = None
    artefact: str | None = None
    service: str | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A ticket that holds. ``unchecked`` are what the caller did not say, ``other_rules`` whether rules moved."""

    ticket: Ticket
    voices: tuple[Voice, ...]
    unchecked: tuple[str, ...]
    other_rules: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A ticket that does not, with every reason."""

    ticket: Ticket
    reasons: tuple[Refusal, ...]


def verify(content: bytes, *, pins: Pins, now: datetime, expected: Expected) -> Verified | Refused:
    """Whether ``content`` permits what is ``expected`` at ``now``.

    Raises:
        InvalidInput: the file is no ticket at all (see ``read_ticket``).
    """
    sealed = read_ticket(content)
    ticket = sealed.ticket
    reasons = [*_issuer(sealed, pins), *_inclusion(sealed, pins), *_time(ticket, now), *_decision(ticket)]
    voices: tuple[Voice, ...] = ()
    place = pins.environments.get(ticket.environment)
    if place is None:
        text = f"environment `{ticket.environment[:60]}` is not pinned"
        reasons.append(Refusal(code="environment-unpinned", text=text, remedy=_PINS))
    else:
        voices, bad = check_quorum(ticket, pins, place, service_known=expected.service is not None)
        reasons += bad
        reasons += _ceiling(ticket, place, expected)
    reasons += [*_modes(ticket, pins), *_expected(ticket, expected)]
    if reasons:
        return Refused(ticket=ticket, reasons=tuple(reasons))
    return Verified(
        ticket=ticket,
        voices=voices,
        unchecked=tuple(one.name for one in fields(Expected) if getattr(expected, one.name) is None),
        other_rules=ticket.rules_digest != pins.rules_digest,
    )


def _ceiling(ticket: Ticket, place: PinnedEnvironment, expected: Expected) -> list[Refusal]:
    """What is pinned binds the server's word and, for single services, what is about to be sent.

    Where the deployer does not name the service, the lowest ceiling of the environment holds.
    """
    if ticket.max_weight > place.max_weight:
        text = f"permits {ticket.max_weight:g} %, where at most {place.max_weight:g} % are pinned"
        return [Refusal(code="weight-pinned", text=text, remedy=ASK_AGAIN)]
    sent = ticket.max_weight if expected.weight is None else expected.weight
    most = place.weight_for(ticket.services if expected.service is not None else ())
    if most < sent <= ticket.max_weight:
        text = f"up to {sent:g} % of traffic would be sent to it, where at most {most:g} % are pinned"
        remedy = f"send no more (--weight {most:g}), or name a service that is not Tier-1 (--service)"
        return [Refusal(code="weight-pinned", text=text, remedy=remedy)]
    return []


def _issuer(sealed: Sealed, pins: Pins) -> list[Refusal]:
    named = sealed.ticket.issuer
    issuer = next((one for one in pins.issuers if one.key_id == named), None)
    if issuer is None:
        return [
            Refusal(code="issuer-unpinned", text=f"issued by `{named[:80]}`, which is not pinned", remedy=_PINS)
        ]
    holds = signature_holds(sealed.envelope, sealed.signature, load_public_key(issuer.public_key))
    if sealed.signature.key_id != named or not holds:
        text = "the server's signature is not by the pinned key"
        return [Refusal(code="issuer-signature", text=text, remedy=DISTRUST)]
    return []


def _inclusion(sealed: Sealed, pins: Pins) -> list[Refusal]:
    """The entry is about this ticket, and is in the pinned log."""
    leaf = sealed.inclusion.leaf.encode("utf-8", "surrogatepass")
    try:
        entry = read_json(leaf, what="a ledger entry", limit=MAX_TICKET)
        _proof_file(sealed.inclusion).verify(leaf, VerifierKey.parse(pins.log))
    except InvalidInput as error:
        return [
            Refusal(code="ledger-proof", text=f"not shown to be in the ledger: {error.message}", remedy=DISTRUST)
        ]
    ticket = sealed.ticket
    wanted = {"kind": ENTRY_KIND, "subject": ticket.id, "at": timestamp(ticket.issued_at)}
    same = isinstance(entry, dict) and {key: entry.get(key) for key in wanted} == wanted
    if not same or not isinstance(entry, dict) or entry.get("body") != issued_body(ticket):
        return [Refusal(code="ledger-entry", text="the ledger entry is about another ticket", remedy=DISTRUST)]
    return []


def _proof_file(found: Inclusion) -> ProofFile:
    lines = ["c2sp.org/tlog-proof@v1", f"index {found.index}", *found.proof, "", found.checkpoint]
    return ProofFile.parse("\n".join(lines))


def _time(ticket: Ticket, now: datetime) -> list[Refusal]:
    reasons = []
    if now < ticket.issued_at - SKEW:
        text = f"not valid before {ticket.issued_at:%H:%M:%S} UTC, it is {now:%H:%M:%S}"
        reasons.append(Refusal(code="ticket-not-yet", text=text, remedy="set this machine's clock"))
    if now >= ticket.expires_at + SKEW:
        text = f"expired at {ticket.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        reasons.append(Refusal(code="ticket-expired", text=text, remedy=ASK_AGAIN))
    if not timedelta(0) < ticket.expires_at - ticket.issued_at <= MAX_LIFE:
        text = "claims to live longer than 15 minutes, or not at all"
        reasons.append(Refusal(code="ticket-life", text=text, remedy=DISTRUST))
    return reasons


def _decision(ticket: Ticket) -> list[Refusal]:
    found = ticket.decision
    valid = found.decided_at <= ticket.issued_at and ticket.expires_at <= found.expires
    if found.outcome is Outcome.ALLOW and not found.reasons and valid:
        return []
    text = f"rests on a decision that says `{found.outcome}`, or was not valid then"
    return [Refusal(code="decision-bad", text=text, remedy=DISTRUST)]


def _modes(ticket: Ticket, pins: Pins) -> list[Refusal]:
    reasons = []
    if ticket.one_person and not pins.one_person:
        text = "issued in one-person mode, which is not pinned"
        reasons.append(Refusal(code="one-person", text=text, remedy=_PINS))
    if pins.same_rules and ticket.rules_digest != pins.rules_digest:
        text = f"issued under rules {ticket.rules_digest[:19]}…, pinned are {pins.rules_digest[:19]}…"
        reasons.append(Refusal(code="other-rules", text=text, remedy=_PINS))
    return reasons


def _expected(ticket: Ticket, expected: Expected) -> list[Refusal]:
    pairs = (
        ("other-change", "change", expected.change, (ticket.change,)),
        ("other-digest", "digest", expected.digest, (ticket.digest,)),
        ("other-environment", "environment", expected.environment, (ticket.environment,)),
        ("other-artefact", "artefact", expected.artefact, ticket.artefacts),
        ("other-service", "service", expected.service, ticket.services),
    )
    reasons = [
        Refusal(code=code, text=f"permits {what} {_named(names)}, not {_named((wanted,))}", remedy=ASK_AGAIN)
        for code, what, wanted, names in pairs
        if wanted is not None and wanted not in names
    ]
    if expected.weight is None and ticket.max_weight < ALL:
        text = f"permits at most {ticket.max_weight:g} % of traffic, and nobody said how much is about to be sent"
        remedy = f"say how much, and send no more: --weight {ticket.max_weight:g}"
        reasons.append(Refusal(code="weight-unstated", text=text, remedy=remedy))
    if expected.weight is not None and not 0 <= expected.weight <= ticket.max_weight:
        text = f"permits at most {ticket.max_weight:g} % of traffic, not {expected.weight:g} %"
        reasons.append(
            Refusal(
                code="other-weight", text=text, remedy="stay below it; each wider weight is granted on its own"
            )
        )
    return reasons


def _named(names: tuple[str, ...]) -> str:
    shown = [f"{name[:19]}…" if is_digest(name) else name[:80] for name in names[:3]]
    return ", ".join(f"`{name}`" for name in shown) or "none"
