"""From a request to an answer, the same for the server and for a command that runs without one.

Rules:
1. Order: route, caller, scope, path and query, body, idempotency, work. Nothing is done before everything is
   checked, and an error leaves no trace.
2. Every POST may carry an ``Idempotency-Key``: the first answer is stored in the transaction of its work and
   given again to the same request; another request under that key is refused. What records nothing, and the
   gate, which gives the same ticket however often it is asked, need no stored answer.
3. ``If-Match`` names the version that the caller saw; a record that moved on answers 412. Every other conflict
   answers 409, whatever the caller saw: reading again would not help them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from interlock.core.approval.actor import Actor
from interlock.core.approval.reply import Reply, reply_id
from interlock.core.approval.tokens import Token, looks_like_secret, secret_hash, unknown_token, verify
from interlock.core.change.canonical import plain, sha256
from interlock.core.change.errors import Conflict, InterlockError, InvalidInput, NotFound
from interlock.core.change.parse import parse_foreign
from interlock.doors.api.joined import JoinedStore
from interlock.doors.api.problems import MEDIA, PRECONDITION_FAILED, problem
from interlock.doors.api.surface import MAX_BODY, Answer, Call, Operation, check_path, check_query
from interlock.ports.store import Tx
from interlock.road.station import Station

_SECRET = 0
_STALE = "version-stale"
_ETAG = re.compile(r'"([0-9]{1,9})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came: header names are lowercase. ``local`` is set when there is no server between."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    id: str = "local"
    local: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A reply as it goes out."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def answer(station: Station, operation: Operation, path: Mapping[str, str], request: Request) -> Response:
    """Do what was asked; every ``InterlockError`` becomes a problem, nothing else is caught."""
    try:
        return _response(_perform(station, operation, path, request))
    except InterlockError as error:
        if operation.refused is not None and isinstance(error, InvalidInput):
            return _response(operation.refused(path, error))
        moved = error.code == _STALE and "if-match" in request.headers
        told = problem(error, request.id, status=PRECONDITION_FAILED if moved else None)
        return Response(status=told.status, headers={"content-type": MEDIA}, body=_json(told))


def caller(station: Station, request: Request) -> Actor:
    """Who is calling.

    Raises:
        Unauthenticated: ``token-unknown``.
        IntegrityError: ``record-unvouched`` when the token on record is not the one that was made.
    """
    if request.local is not None:
        return request.local
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not looks_like_secret(secret):
        raise unknown_token()
    found = station.store.read(lambda tx: _tokens(tx, secret_hash(secret)))
    return verify(found[0] if len(found) == 1 else None, secret, station.clock.now())


def _tokens(tx: Tx, hashed: str) -> Sequence[Token]:
    found = tx.records(Token).find(hash=hashed)
    for token in found:
        tx.vouch(Token, [token.id], about=token.id)
    return found


def _perform(station: Station, operation: Operation, path: Mapping[str, str], request: Request) -> Answer:
    actor = Actor(principal="nobody", kind="pipeline", scopes=frozenset())
    if operation.scope is not None and not _opened(station, operation, request):
        actor = caller(station, request)
        actor.require(operation.scope)
    check_path(path)
    check_query(operation, request.query)
    call = Call(
        station=station,
        actor=actor,
        path=path,
        query=request.query,
        body=_body(operation, request),
        if_match=_version(request.headers.get("if-match")),
        if_none_match=request.headers.get("if-none-match"),
    )
    if operation.prepare is not None:
        call = replace(call, ready=operation.prepare(call))
    key = request.headers.get("idempotency-key")
    if key is None or operation.method == "GET" or not operation.joined:
        done = operation.run(call)
    else:
        name = reply_id(principal=actor.principal, operation=operation.name, key=key)
        done = _once(operation, call, request, name)
    return operation.committed(call, done) if operation.committed is not None else done


def _opened(station: Station, operation: Operation, request: Request) -> bool:
    """Whether this may be asked without a token, and is; a token that was shown must be good."""
    if operation.unless is None or request.local is not None or "authorization" in request.headers:
        return False
    return operation.unless(station)


def _body(operation: Operation, request: Request) -> object:
    if operation.body is None:
        if request.body.strip():
            raise InvalidInput("expected no body, got one", code="body-unexpected", hint="send none")
        return None
    if len(request.body) > MAX_BODY:
        raise InvalidInput(
            f"expected at most {MAX_BODY} bytes, got {len(request.body)}", code="body-too-large", hint="send less"
        )
    if "json" not in request.headers.get("content-type", "application/json").lower():
        raise InvalidInput("expected a JSON body", code="body-type", hint="send content-type: application/json")
    return parse_foreign(operation.body, request.body, what="the body")


def _version(header: str | None) -> int | None:
    if header is None or header == "*":
        return None
    found = _ETAG.fullmatch(header)
    if not found:
        raise InvalidInput(
            f'expected If-Match to be an ETag such as `"3"`, got `{header[:40]!r}`',
            code="if-match",
            hint="send back the ETag of the record as it was read",
        )
    return int(found[1])


def _once(operation: Operation, call: Call, request: Request, name: str) -> Answer:
    asked = sha256(f"{request.path}\n{request.headers.get('if-match')}\n".encode() + request.body)
    store = call.station.store

    def work(tx: Tx) -> Answer:
        replies = tx.records(Reply)
        try:
            before: Reply | None = replies.get(name)
        except NotFound:
            before = None
        kept = _kept(before, asked, call)
        if kept is not None:
            return kept
        joined = JoinedStore(tx)
        done = operation.run(replace(call, station=replace(call.station, store=joined)))
        if joined.appended:
            reply = _reply(name, asked, done if operation.kept else Answer(status=_SECRET), call)
            (replies.add if before is None else replies.replace)(reply)
        return done

    return store.write(work, signed=operation.committed is not None)


def _kept(reply: Reply | None, asked: str, call: Call) -> Answer | None:
    if reply is None or not reply.answers(asked, call.station.clock.now()):
        return None
    if reply.status == _SECRET:
        raise Conflict(
            "expected a new request, got one whose answer was shown once and is not kept",
            code="answer-not-kept",
            hint="if the answer was lost: revoke what was made and ask again with a new key",
        )
    return Answer(body=reply.body, status=reply.status, etag=reply.etag)


def _reply(name: str, asked: str, done: Answer, call: Call) -> Reply:
    now = call.station.clock.now()
    return Reply(id=name, request=asked, status=done.status, etag=done.etag, body=plain(done.body), at=now)


def _response(done: Answer) -> Response:
    headers = {"content-type": done.media, "cache-control": done.cache}
    if done.etag is not None:
        headers["etag"] = f'"{done.etag}"'
    if done.location is not None:
        headers["location"] = done.location
    body = done.raw if done.raw is not None else _json(done.body)
    return Response(status=done.status, headers=headers, body=body)


def _json(value: object) -> bytes:
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
