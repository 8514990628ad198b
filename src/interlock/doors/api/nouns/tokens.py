"""Tokens: made by an administrator, shown once, listed without their secret, revoked at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.actor import ActorKind, Scope
from interlock.core.approval.tokens import SECRET_BYTES, Token, new_token, secret_text
from interlock.core.ledger.entry import Entry
from interlock.doors.api.surface import PAGE, Answer, Call, Operation
from interlock.ports.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Who the token is for, what it may do, for how many days."""

    principal: str
    kind: ActorKind
    scopes: tuple[Scope, ...]
    days: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenShown:
    """A token as anybody with ``admin`` may see it: no hash, no secret."""

    id: str
    principal: str
    kind: ActorKind
    scopes: tuple[Scope, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCreated:
    """The one answer that carries the secret. It is not kept, not even for an idempotency key."""

    token: TokenShown
    secret: str


def _shown(token: Token) -> TokenShown:
    return TokenShown(
        id=token.id,
        principal=token.principal,
        kind=token.kind,
        scopes=token.scopes,
        created_by=token.created_by,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )


def _create(call: Call) -> Answer:
    wanted: TokenRequest = call.body
    secret = secret_text(secrets.token_bytes(SECRET_BYTES))
    token = new_token(
        token_id=call.station.ids.new("tok"),
        principal=wanted.principal,
        kind=wanted.kind,
        scopes=wanted.scopes,
        days=wanted.days,
        secret=secret,
        created_by=call.actor.principal,
        now=call.station.clock.now(),
    )

    def work(tx: Tx) -> None:
        tx.records(Token).add(token)
        tx.log.append(_entry(call, "token.created", token, token.created_at))

    call.station.store.write(work)
    return Answer(body=TokenCreated(token=_shown(token), secret=secret), status=201)


def _revoke(call: Call) -> Answer:
    now = call.station.clock.now()

    def work(tx: Tx) -> Token:
        token = tx.records(Token).get(call.path["token"])
        tx.vouch(Token, [token.id], about=token.id)
        revoked = token.revoke(now)
        tx.records(Token).replace(revoked, expected_version=token.version)
        tx.log.append(_entry(call, "token.revoked", revoked, now))
        return revoked

    return Answer(body=_shown(call.station.store.write(work)))


def _entry(call: Call, kind: str, token: Token, at: datetime) -> Entry:
    return Entry(
        kind=kind,
        subject=token.id,
        actor=call.actor.principal,
        at=at,
        body={
            "principal": token.principal,
            "kind": token.kind,
            "scopes": [str(scope) for scope in token.scopes],
            "expires_at": token.expires_at.isoformat(),
        },
    )


def _list(call: Call) -> Answer:
    tokens = call.station.store.read(lambda tx: tx.records(Token).page(call.page()))
    return call.listing([_shown(token) for token in tokens])


OPERATIONS = (
    Operation(
        name="createToken",
        method="POST",
        path="/v1/tokens",
        scope=Scope.ADMIN,
        summary="Make a token; the answer is the only place where its secret is ever shown.",
        run=_create,
        body=TokenRequest,
        reply=TokenCreated,
        status=201,
        kept=False,
        begins=True,
    ),
    Operation(
        name="listTokens",
        method="GET",
        path="/v1/tokens",
        scope=Scope.ADMIN,
        summary="Tokens, newest first, without their secrets.",
        run=_list,
        list_of=TokenShown,
        query=PAGE,
    ),
    Operation(
        name="revokeToken",
        method="POST",
        path="/v1/tokens/{token}/revocation",
        scope=Scope.ADMIN,
        summary="Revoke a token; it is refused from this moment.",
        run=_revoke,
        reply=TokenShown,
    ),
)
