"""Bearer tokens: what a machine or a person shows to the API. A token never speaks for a person's approval.

Rules:
1. The secret is 256 random bits, shown once and stored only as SHA-256; comparison takes constant time.
2. A token names a principal, its kind and its scopes, and always expires (at most 366 days). A name never begins
   with another kind: a person's token called ``pipeline:x`` would leave a pipeline's name on the record.
3. An agent's token never holds ``approve``, ``rules`` or ``admin``: refused when made and again when used.
4. A revoked or expired token is refused in the same words as an unknown one, so that nothing can be probed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from interlock.core.approval.actor import NEVER_FOR_AGENTS, Actor, ActorKind, Scope
from interlock.core.approval.identity import KINDS
from interlock.core.change.errors import Conflict, Forbidden, InvalidInput, Unauthenticated

PREFIX = "ilk_"
SECRET_BYTES = 32
MAX_DAYS = 366
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")
_SHAPE = re.compile(r"ilk_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token on record. ``hash`` is ``sha256:…`` of the secret; the secret itself is nowhere."""

    id: str
    principal: str
    kind: ActorKind
    scopes: tuple[Scope, ...]
    hash: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    version: int = 1

    def actor(self) -> Actor:
        """The caller this token stands for, without any scope its kind may never hold."""
        scopes = frozenset(self.scopes)
        return Actor(
            principal=self.principal,
            kind=self.kind,
            scopes=scopes - NEVER_FOR_AGENTS if self.kind == "agent" else scopes,
            token=self.id,
        )

    def revoke(self, now: datetime) -> Token:
        """This token, no longer good.

        Raises:
            Conflict: ``token-revoked`` when it already is.
        """
        if self.revoked_at is not None:
            raise Conflict(
                f"expected a token in force, got `{self.id}`, revoked before",
                code="token-revoked",
                hint="nothing is left to do",
            )
        return replace(self, revoked_at=now, version=self.version + 1)


def secret_text(random: bytes) -> str:
    """The secret as it is shown once: ``ilk_`` and 43 characters, from 32 random bytes."""
    if len(random) != SECRET_BYTES:
        raise InvalidInput(
            f"expected {SECRET_BYTES} random bytes, got {len(random)}",
            code="token-secret",
            hint="take them from the operating system's random source",
        )
    return PREFIX + base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def secret_hash(secret: str) -> str:
    """``sha256:…`` of a secret, the only form in which it is stored."""
    return "sha256:" + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_token(
    *,
    token_id: str,
    principal: str,
    kind: ActorKind,
    scopes: tuple[Scope, ...],
    days: int,
    secret: str,
    created_by: str,
    now: datetime,
) -> Token:
    """A token record for ``secret``.

    Raises:
        InvalidInput: ``token-principal``, ``token-scopes`` or ``token-days``.
        Forbidden: ``agent-never``.
    """
    if not _PRINCIPAL.fullmatch(principal) or _of_another_kind(principal, kind):
        raise InvalidInput(
            f"expected a principal's name, got `{principal[:60]}`",
            code="token-principal",
            hint="use the catalog's name of the person or agent, or a name for the pipeline",
        )
    _check_scopes(kind, scopes, principal)
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(
            f"expected 1 to {MAX_DAYS} days, got {days}", code="token-days", hint="make a new one when it expires"
        )
    return Token(
        id=token_id,
        principal=principal,
        kind=kind,
        scopes=tuple(sorted(set(scopes))),
        hash=secret_hash(secret),
        created_by=created_by,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )


def _of_another_kind(principal: str, kind: ActorKind) -> bool:
    """Whether the name begins with a kind that its bearer is not: it would be recorded as that kind's."""
    spoken, colon, _ = principal.partition(":")
    return bool(colon) and (spoken.casefold() == "local" or spoken.casefold() in set(KINDS) - {kind})


def _check_scopes(kind: ActorKind, scopes: tuple[Scope, ...], principal: str) -> None:
    if not scopes:
        raise InvalidInput(
            "expected at least one scope, got none",
            code="token-scopes",
            hint=f"choose from {', '.join(Scope)}",
        )
    barred = sorted(NEVER_FOR_AGENTS & set(scopes))
    if kind == "agent" and barred:
        raise Forbidden(
            f"expected scopes an agent may hold, got `{', '.join(barred)}` for agent `{principal}`",
            code="agent-never",
            hint="leave them out: agents never approve and never change the rules",
        )


def looks_like_secret(text: str) -> bool:
    """Whether ``text`` has the shape of a secret; nothing else is looked up."""
    return _SHAPE.fullmatch(text) is not None


def verify(token: Token | None, secret: str, now: datetime) -> Actor:
    """The caller, or a refusal that says nothing about which check failed.

    Raises:
        Unauthenticated: ``token-unknown``.
    """
    stored = token.hash if token is not None else secret_hash("")
    same = hmac.compare_digest(stored, secret_hash(secret))
    if token is None or not same or token.revoked_at is not None or not token.created_at <= now < token.expires_at:
        raise unknown_token()
    return token.actor()


def unknown_token() -> Unauthenticated:
    """The one refusal for every token that is not good."""
    return Unauthenticated(
        "expected a token in force, got one that is unknown, expired or revoked",
        code="token-unknown",
        hint="set INTERLOCK_TOKEN; an administrator makes one: interlock token create",
    )
