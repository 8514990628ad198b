"""From a statement and a signature to an approval on record: who really signed, and how surely.

Rules:
1. The signature is over the canonical bytes of the statement, in the namespace of approvals; bytes that are not
   canonical are refused, so there is one statement for one signature.
2. The key belongs to the named approver and to nobody else, and is good both when the statement was issued and
   when it arrived.
3. A statement lives for a bounded time, is not from the future, and arrives within a day.
4. Presence is read from the signature, never from whoever hands it in.
5. An agent or a pipeline may not carry a statement in, however well it is signed. A person or somebody at this
   machine's own console (``local:NAME``) may; that proves nothing, the signature does.
6. Whether an accepted statement counts is decided later and each time anew (``tally``).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from interlock.core.approval.actor import Actor
from interlock.core.approval.identity import kind_of
from interlock.core.approval.model import NAMESPACE, Purpose, SignedStatement, Statement
from interlock.core.approval.principals import Principals, principals_of
from interlock.core.approval.sshsig import Verified, verify
from interlock.core.change.canonical import is_digest
from interlock.core.change.catalog import Catalog
from interlock.core.change.errors import Forbidden, InvalidInput
from interlock.core.change.parse import parse_json
from interlock.core.change.settings import Settings

MAX_STATEMENT = 16_384
MAX_EXTRAS = 16
SKEW = timedelta(minutes=2)
"""How far the signer's clock may run ahead of ours."""
ARRIVAL = timedelta(hours=24)
"""How long after it was issued a statement may still arrive."""
BREAK_GLASS = timedelta(minutes=60)
WIDENING = timedelta(minutes=60)
WINDOW = timedelta(days=90)
"""The longest delegation or absence."""

_NONCE = re.compile(r"[A-Za-z0-9_-]{12,64}")
_NAME = re.compile(r"[^\x00-\x20\x7f]{1,200}")


def accept(
    statement: bytes | Statement,
    armoured: str,
    *,
    catalog: Catalog,
    settings: Settings,
    now: datetime,
    received_from: Actor | str,
    record_id: str,
) -> SignedStatement:
    """The statement as it goes on record.

    Raises:
        Forbidden: ``approval-by-machine`` when an agent, a pipeline or an unknown principal carries it.
        InvalidInput: ``statement-…`` when it does not hold, ``signature-…`` or ``key-…`` when it is not signed
            by the named person.
    """
    principals = principals_of(catalog)
    said = statement if isinstance(statement, Statement) else read_statement(statement)
    carrier = _carrier(received_from, principals)
    check_shape(said)
    _check_times(said, settings, now)
    verified = check_signature(said, armoured, principals=principals, moments=(said.issued_at, now))
    return SignedStatement(
        id=record_id,
        statement=said,
        signature=armoured,
        fingerprint=verified.fingerprint,
        presence=verified.presence,
        received_at=now,
        received_from=carrier,
    )


def read_statement(content: bytes) -> Statement:
    """A statement from the bytes that were signed.

    Raises:
        InvalidInput: ``statement-size``, ``input-shape`` or ``statement-not-canonical``.
    """
    if len(content) > MAX_STATEMENT:
        raise _refused(f"at most {MAX_STATEMENT} bytes", f"{len(content)}", "statement-size", "say less")
    said = parse_json(Statement, content, what="an approval statement")
    if said.to_bytes() != content:
        raise _refused(
            "a statement in canonical JSON (RFC 8785)",
            "another spelling of it",
            "statement-not-canonical",
            "sign the bytes that `interlock approve` prepares, unchanged",
        )
    return said


def check_signature(
    said: Statement, armoured: str, *, principals: Principals, moments: tuple[datetime, ...]
) -> Verified:
    """The signature of the named approver over ``said``, by a key that is good at all ``moments``.

    Raises:
        InvalidInput: ``approver-unknown``, ``key-not-theirs``, ``key-not-valid`` or what ``verify`` raises.
    """
    if principals.person(said.approver) != said.approver:
        raise _refused("an approver the catalog knows as one person", said.approver, "approver-unknown", _CHECK)
    verified = verify(armoured, said.to_bytes(), namespace=NAMESPACE)
    known = principals.key(verified.fingerprint)
    if known is None or known.people != {said.approver}:
        whose = "nobody's" if known is None or len(known.people) != 1 else f"`{min(known.people)}`'s"
        raise _refused(
            f"a key of `{said.approver[:60]}` and of nobody else",
            f"{verified.fingerprint}, which is {whose}",
            "key-not-theirs",
            "sign with a key that the catalog lists under that one person",
        )
    for moment in moments:
        why = known.unusable(moment)
        if why:
            raise _refused("a key that is valid", f"{verified.fingerprint}: {why}", "key-not-valid", _CHECK)
    return verified


def longest_lifetime(purpose: Purpose, settings: Settings) -> timedelta:
    """How long a statement for this purpose may hold."""
    if purpose == "break-glass":
        return BREAK_GLASS
    if purpose == "widen":
        return WIDENING
    if purpose in ("delegation", "absence"):
        return WINDOW
    if purpose == "answer":
        return timedelta(days=settings.thresholds.evidence_days)
    return timedelta(hours=settings.thresholds.approval_hours)


def _carrier(received_from: Actor | str, principals: Principals) -> str:
    name = received_from.principal if isinstance(received_from, Actor) else received_from
    kind = received_from.kind if isinstance(received_from, Actor) else kind_of(name)
    machine = kind in ("agent", "pipeline") or principals.is_agent(name)
    if machine or (kind_of(name) != "local" and principals.person(name) is None):
        raise Forbidden(
            f"expected a person to hand in an approval, got `{name[:80]}`",
            code="approval-by-machine",
            hint="run interlock approve yourself, with a token of your own; agents and pipelines never approve",
        )
    return name


def check_shape(said: Statement) -> None:
    """Pass a statement whose texts are ones that may be signed.

    Raises:
        InvalidInput: ``statement-size``, ``-nonce``, ``-digest``, ``-name`` or ``-on-behalf``.
    """
    if len(said.to_bytes()) > MAX_STATEMENT or max(len(said.answers), len(said.details)) > MAX_EXTRAS:
        raise _refused(
            f"at most {MAX_STATEMENT} bytes and {MAX_EXTRAS} answers or details",
            "more",
            "statement-size",
            "say less",
        )
    if not _NONCE.fullmatch(said.nonce):
        raise _refused("a nonce of 12 to 64 letters, digits, - or _", said.nonce, "statement-nonce", _AGAIN)
    if not is_digest(said.digest):
        raise _refused("a digest `sha256:…`", said.digest, "statement-digest", _AGAIN)
    behalf = (("person to stand in for", said.on_behalf_of),) if said.on_behalf_of is not None else ()
    named = (("subject", said.subject), ("environment", said.environment), ("approver", said.approver), *behalf)
    for what, name in named:
        if not _NAME.fullmatch(name):
            raise _refused(f"a {what} without blanks", name, "statement-name", _AGAIN)
    if said.on_behalf_of is not None and (said.purpose != "approve" or said.on_behalf_of == said.approver):
        raise _refused(
            "an approval on behalf of somebody else",
            f"{said.purpose} on behalf of {said.on_behalf_of}",
            "statement-on-behalf",
            "only approvals can be given for another person, and a delegation cannot be passed on",
        )


def _check_times(said: Statement, settings: Settings, now: datetime) -> None:
    longest = longest_lifetime(said.purpose, settings)
    if said.issued_at > now + SKEW:
        raise _refused("a statement from the past", f"{said.issued_at:%FT%TZ}", "statement-from-future", _CLOCK)
    if now - said.issued_at > ARRIVAL:
        expected = f"one issued within {_hours(ARRIVAL)}"
        raise _refused(expected, f"{said.issued_at:%FT%TZ}", "statement-too-old", _AGAIN)
    if said.expires_at <= now:
        raise _refused("a statement in force", f"one until {said.expires_at:%FT%TZ}", "statement-expired", _AGAIN)
    if said.expires_at - said.issued_at > longest:
        got = _hours(said.expires_at - said.issued_at)
        raise _refused(f"a lifetime of at most {_hours(longest)}", got, "statement-lifetime", _AGAIN)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} hours"


_CHECK = "interlock catalog check names people, keys and what is ambiguous"
_AGAIN = "prepare and sign it again: interlock approve"
_CLOCK = "set the signing machine's clock, then sign again"


def _refused(expected: str, got: str, code: str, hint: str) -> InvalidInput:
    shown = "".join(char if char.isprintable() else "?" for char in got[:120])
    return InvalidInput(f"expected {expected}, got `{shown}`", code=code, hint=hint)
