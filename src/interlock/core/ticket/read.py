"""A ticket file taken apart: exactly one file for one ticket, so that no byte of it can be something else.

Rules:
1. The file is the RFC 8785 form of a DSSE envelope with one signature, and a newline. Another spelling of the same
   content, a second signature or anything behind the end is refused.
2. The payload is the statement that the ticket in it makes, byte for byte: subjects and ticket cannot differ.
3. Nothing is verified here; a ``Sealed`` is what somebody claims.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse
from interlock.core.evidence.dsse import IN_TOTO, Envelope, Signature, read_envelope
from interlock.core.evidence.strict_json import read_json
from interlock.core.ticket.model import MAX_TICKET, PREDICATE, Inclusion, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A ticket with its envelope and its proof, all unverified."""

    ticket: Ticket
    envelope: Envelope
    signature: Signature
    inclusion: Inclusion


def read_ticket(content: bytes) -> Sealed:
    """The ticket in ``content``.

    Raises:
        InvalidInput: ``ticket-form``, ``input-shape``, or a code of ``read_json`` or ``read_envelope``.
    """
    envelope = read_envelope(content, what="a ticket", limit=MAX_TICKET)
    if envelope.payload_type != IN_TOTO or len(envelope.signatures) != 1:
        raise _form("one signature over an in-toto statement")
    if content.removesuffix(b"\n") != canonical(envelope.to_json()):
        raise _form("its bytes as `interlock gate` wrote them")
    value = read_json(envelope.payload, what="a ticket", limit=MAX_TICKET)
    if not isinstance(value, dict) or value.get("predicateType") != PREDICATE:
        raise _form(f"predicate type `{PREDICATE}`")
    ticket = parse(Ticket, value.get("predicate"), what="a ticket")
    if canonical(ticket.statement()) != envelope.payload:
        raise _form("subjects and content that agree")
    if ticket.inclusion is None:
        raise _form("a ledger entry")
    return Sealed(ticket=ticket, envelope=envelope, signature=envelope.signatures[0], inclusion=ticket.inclusion)


def _form(expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected a ticket with {expected}, got something else",
        code="ticket-form",
        hint="give the file as `interlock gate --ticket-file FILE` wrote it, unedited",
    )
