"""How a ticket looks: the answer first, then who and what, then what was not compared."""

from __future__ import annotations

import json
from datetime import datetime

from interlock.core.change.canonical import Json, plain
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.pins import Pins
from interlock.core.ticket.verify import Refused, Verified
from interlock.doors.cli.screens.columns import Row, table, told
from interlock.doors.cli.text import plural, safe, short


def lines(found: Verified | Refused, *, now: datetime) -> list[str]:
    """The verdict, for people."""
    return _valid(found, now) if isinstance(found, Verified) else _refused(found)


def verdict(found: Verified | Refused) -> dict[str, Json]:
    """The verdict, for programs: all keys are always there."""
    rest: dict[str, Json] = {"reasons": [], "approved_by": [], "not_compared": [], "other_rules": False}
    if isinstance(found, Refused):
        rest |= {"reasons": plain(found.reasons)}
    else:
        voices = [{"person": one.person, "role": one.role, "presence": one.presence} for one in found.voices]
        rest |= {
            "approved_by": plain(voices),
            "not_compared": [*found.unchecked],
            "other_rules": found.other_rules,
        }
    return {"valid": isinstance(found, Verified), **rest, "ticket": plain(found.ticket)}


def claim(ticket: Ticket) -> list[str]:
    """What a ticket says of itself."""
    approved = _signers(ticket, "approve") or "nobody"
    lifted = {"lifted": _signers(ticket, "exception"), "GLASS": _signers(ticket, "break-glass")}
    authors = ", ".join(map(safe, ticket.authors)) or "unknown"
    return [
        *told("claims", f"{_permits(ticket)} · nothing is verified: interlock ticket verify FILE"),
        *told("", _names(ticket)),
        *told("approved", f"{approved} · written by {authors}"),
        *(line for word, people in lifted.items() if people for line in told(word, _lifted(word, people))),
        *told("issued", f"{ticket.issued_at:%Y-%m-%d %H:%M:%S} UTC by key {short(ticket.issuer)}"),
        *told("rules", f"{short(ticket.rules_digest)} · judged facts {short(ticket.decision.input_digest)}"),
    ]


def _signers(ticket: Ticket, purpose: str) -> str:
    """Who signed for this purpose, each once, as they stand in the ticket."""
    names = [one.statement.approver for one in ticket.approvals if one.statement.purpose == purpose]
    return ", ".join(map(safe, dict.fromkeys(names)))


def _lifted(word: str, people: str) -> str:
    if word == "GLASS":
        return f"broken by {people}, who approved nothing by it; an audit is due"
    return f"granted by {people}"


def pinned(pins: Pins, out: str) -> list[str]:
    """What was written, and what to look at before trusting it."""
    people = "1 person" if len(pins.people) == 1 else f"{len(pins.people)} people"
    written = f"{safe(out)}: {plural(len(pins.issuers), 'issuer')}, {people}, log {safe(pins.log.split('+')[0])}"
    rows = []
    for name, place in pins.environments.items():
        rows.append(f"{safe(name)}: at least {plural(place.quorum.approvals, 'approval')}")
        rows += [
            f"{safe(name)}, {safe(service)}: at least {plural(quorum.approvals, 'approval')}, "
            f"{quorum.seniors} by seniors, key shows {quorum.presence}"
            for service, quorum in place.services.items()
        ]
    return [
        *told("written", written),
        *(line for row in rows for line in told("", row)),
        *glass_pinned(pins),
        *told("", "compare it with a colleague, then keep it where the deployer can read and not write it"),
    ]


def glass_pinned(pins: Pins) -> list[str]:
    """Where broken glass is let through and where it is not: somebody decided that, and here it is said."""
    places = [safe(name) for name, place in pins.environments.items() if place.break_glass]
    if not places:
        return told("glass", "a ticket for which people broke the glass is refused, emergency or not")
    text = f"{', '.join(places)}: a ticket for which people broke the glass is let through; two of them for Tier-1"
    return told("glass", f"{text}, below it one, at most 60 minutes · --no-break-glass pins the contrary")


def indented(value: object) -> bytes:
    """``value`` as JSON that a person can review line by line."""
    return (json.dumps(plain(value), indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _valid(found: Verified, now: datetime) -> list[str]:
    ticket = found.ticket
    left = int((ticket.expires_at - now).total_seconds())
    rows = [
        Row(met=True, text=f"{safe(one.person)} ({one.role.value}), key shows {one.presence}")
        for one in found.voices
    ]
    notes = {
        "the pins ask for no approval here": not found.voices,
        "one-person mode: nobody else looked at this": ticket.one_person,
        "the glass was broken for this change": ticket.break_glass,
        "issued under other rules than the pins: interlock ticket pins": found.other_rules,
    }
    rows += [Row(met=None, text=text) for text, holds in notes.items() if holds]
    answer = [
        *told("valid", f"{_permits(ticket)} · for {left} s more"),
        *told("", _names(ticket)),
        *table("approved", rows),
    ]
    if found.unchecked:
        options = " ".join(f"--{name}" for name in found.unchecked)
        answer += told("open", f"not compared: {', '.join(found.unchecked)} (give {options})")
    return answer


def _refused(found: Refused) -> list[str]:
    rows = [Row(met=False, text=safe(one.text), remedy=safe(one.remedy)) for one in found.reasons]
    return [*told("refused", _permits(found.ticket)), *table("", rows)]


def _permits(ticket: Ticket) -> str:
    until = f"until {ticket.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{short(ticket.digest)} → {safe(ticket.environment)} · at most {ticket.max_weight:g} % · {until}"


def _names(ticket: Ticket) -> str:
    artefacts = ", ".join(short(one) for one in ticket.artefacts) or "none"
    services = ", ".join(map(safe, ticket.services)) or "no service"
    entry = f" · ledger #{ticket.inclusion.index}" if ticket.inclusion else ""
    return f"{safe(ticket.change)} · {services} · artefact {artefacts}{entry}"
