"""The order of checks, who may ask, and that a request works once however often it is sent."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.reply import Reply
from interlock.core.approval.tokens import Token
from interlock.core.change.errors import Conflict
from interlock.core.ledger.entry import Entry
from interlock.doors.api import dispatch
from interlock.doors.api.surface import MAX_BODY, Answer, Call, Operation, Query
from interlock.ports.store import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    text: str


def write_note(call: Call) -> Answer:
    number = call.station.ids.new("note")

    def work(tx) -> int:
        entry = Entry(
            kind="note.written", subject=number, actor=call.actor.principal, at=call.station.clock.now(), body={}
        )
        return tx.log.append(entry)

    index = call.station.store.write(work)
    return Answer(body={"id": number, "index": index, "text": call.body.text}, status=201, etag="1")


def refuse(call: Call) -> Answer:
    write_note(call)
    raise Conflict("expected peace, got `war`", code="at-war", hint="wait")


WRITE = Operation(
    name="write", method="POST", path="/v1/notes", scope=Scope.OPEN, summary="", run=write_note, body=Note
)
REFUSE = replace(WRITE, name="refuse", run=refuse)
SECRET = replace(WRITE, name="secret", kept=False)
APPROVE = replace(WRITE, name="approve", scope=Scope.APPROVE)
READ = Operation(
    name="read",
    method="GET",
    path="/v1/notes/{note}",
    scope=Scope.READ,
    summary="",
    run=lambda call: Answer(body={"path": dict(call.path), "query": dict(call.query)}),
    query=(Query(name="limit", text="", kind="integer", least=1, most=9), Query(name="after", text="")),
)
LOCAL = Actor(principal="local:ana", kind="person", scopes=frozenset(Scope))


def ask(station, operation=WRITE, path=None, **given):
    body = given.pop("body", b'{"text": "hello"}' if operation.body else b"")
    request = dispatch.Request(
        method=operation.method, path=operation.path, body=body, local=given.pop("local", LOCAL), **given
    )
    reply = dispatch.answer(station, operation, path or {}, request)
    return reply.status, json.loads(reply.body), reply


def entries(station) -> int:
    return int(station.store.checkpoint().splitlines()[1])


def test_the_work_is_done_and_answered(station):
    status, body, reply = ask(station)
    assert (status, body["text"], reply.headers["etag"]) == (201, "hello", '"1"')
    assert entries(station) == 1


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "token-unknown"),
        ("Bearer ", "token-unknown"),
        ("Bearer ilk_short", "token-unknown"),
        ("Basic YTpi", "token-unknown"),
        ("Bearer ilk_" + "A" * 43, "token-unknown"),
    ],
)
def test_without_a_good_token_nothing_is_done(station, header, code):
    headers = {} if header is None else {"authorization": header}
    status, body, _ = ask(station, local=None, headers=headers)
    assert (status, body["code"]) == (401, code)
    assert entries(station) == 0


def test_a_token_may_do_what_its_scopes_say_and_nothing_else(station, make_token):
    secret = make_token(Scope.OPEN)
    headers = {"authorization": f"bearer {secret}"}
    assert ask(station, local=None, headers=headers)[0] == 201
    status, body, _ = ask(station, READ, {"note": "n"}, local=None, headers=headers)
    assert (status, body["code"]) == (403, "scope-missing")


def test_an_expired_token_is_refused_like_an_unknown_one(station, make_token, clock):
    headers = {"authorization": f"Bearer {make_token(Scope.OPEN, days=1)}"}
    clock.pass_by(hours=23, minutes=59)
    assert ask(station, local=None, headers=headers)[0] == 201
    clock.pass_by(minutes=1)
    assert ask(station, local=None, headers=headers)[1]["code"] == "token-unknown"


def test_a_clock_set_back_does_not_revive_a_token_from_the_future(station, make_token, clock):
    headers = {"authorization": f"Bearer {make_token(Scope.OPEN)}"}
    clock.pass_by(hours=-1)
    assert ask(station, local=None, headers=headers)[1]["code"] == "token-unknown"


def test_an_agents_token_never_approves_even_when_the_record_was_edited_to_say_so(station, make_token):
    secret = make_token(Scope.OPEN, kind="agent", principal="copilot")

    def widen(tx):
        token = tx.records(Token).page(Page())[0]
        wider = replace(token, scopes=(*token.scopes, Scope.APPROVE, Scope.ADMIN), version=2)
        tx.records(Token).replace(wider)
        tx.log.append(Entry(kind="x", subject="x", actor="x", at=station.clock.now(), body={}))

    station.store.write(widen)
    status, body, _ = ask(station, APPROVE, local=None, headers={"authorization": f"Bearer {secret}"})
    assert (status, body["code"]) == (403, "agent-never")


def test_the_same_key_and_request_work_once_and_get_the_same_answer(station):
    first = ask(station, headers={"idempotency-key": "12345678"})
    again = ask(station, headers={"idempotency-key": "12345678"})
    assert first[:2] == again[:2]
    assert again[2].headers["etag"] == '"1"'
    assert entries(station) == 1


def test_the_same_key_with_another_body_is_refused(station):
    ask(station, headers={"idempotency-key": "12345678"})
    status, body, _ = ask(station, headers={"idempotency-key": "12345678"}, body=b'{"text": "other"}')
    assert (status, body["code"]) == (422, "idempotency-key-reused")
    assert entries(station) == 1


def test_a_key_belongs_to_one_principal(station):
    ask(station, headers={"idempotency-key": "12345678"})
    other = replace(LOCAL, principal="local:ben")
    assert ask(station, headers={"idempotency-key": "12345678"}, local=other)[0] == 201
    assert entries(station) == 2


def test_a_key_is_free_again_after_a_day(station, clock):
    ask(station, headers={"idempotency-key": "12345678"})
    clock.pass_by(hours=24, seconds=1)
    assert ask(station, headers={"idempotency-key": "12345678"}, body=b'{"text": "other"}')[0] == 201
    assert entries(station) == 2


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "with space", "ümlaut-key"])
def test_a_key_that_is_none_is_refused(station, key):
    assert ask(station, headers={"idempotency-key": key})[1]["code"] == "idempotency-key"
    assert entries(station) == 0


def test_an_error_leaves_neither_work_nor_reply(station):
    for _ in range(2):
        status, body, _ = ask(station, REFUSE, headers={"idempotency-key": "12345678"})
        assert (status, body["code"]) == (409, "at-war")
    assert entries(station) == 0
    assert station.store.read(lambda tx: len(tx.records(Reply).find())) == 0


def test_a_secret_answer_is_not_kept(station):
    assert ask(station, SECRET, headers={"idempotency-key": "12345678"})[0] == 201
    status, body, _ = ask(station, SECRET, headers={"idempotency-key": "12345678"})
    assert (status, body["code"]) == (409, "answer-not-kept")
    assert entries(station) == 1


def test_twelve_racing_repeats_do_the_work_once(station):
    barrier = threading.Barrier(12)
    answers = []

    def race() -> None:
        barrier.wait()
        answers.append(ask(station, headers={"idempotency-key": "race-race"})[:2])

    racers = [threading.Thread(target=race) for _ in range(12)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(answers) == 12
    assert all(answer == answers[0] for answer in answers)
    assert entries(station) == 1


def test_only_a_record_that_moved_on_is_a_failed_precondition(station):
    """A caller who is told 412 reads again and repeats; a conflict that has nothing to do with it stays 409."""

    def stale(call):
        raise Conflict("it moved", code="version-stale", hint="read it again")

    moved = replace(WRITE, name="moved", run=stale)
    assert ask(station, moved, headers={"if-match": '"3"'})[0] == 412
    assert ask(station, moved)[0] == 409
    for seen in ('"3"', "*"):
        assert ask(station, REFUSE, headers={"if-match": seen})[0] == 409


@pytest.mark.parametrize("header", ["3", '"x"', 'W/"3"', '"1", "2"', '"1234567890"'])
def test_if_match_takes_one_strong_etag(station, header):
    status, body, _ = ask(station, headers={"if-match": header})
    assert (status, body["code"]) == (422, "if-match")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "input-shape"),
        (b"{", "input-shape"),
        (b"[]", "input-shape"),
        (b'{"text": 3}', "input-shape"),
        (b'{"text": "a", "more": 1}', "input-shape"),
        (b'{"text": "a", "text": "b"}', "json-key-twice"),
        (b'{"text": "\xff"}', "input-shape"),
        (b"[" * 5000, "input-shape"),
        (b"x" * (MAX_BODY + 1), "body-too-large"),
    ],
    ids=["nothing", "truncated", "list", "number", "unknown-key", "key-twice", "bad-utf8", "deep", "large"],
)
def test_a_body_that_does_not_fit_is_one_problem_with_a_hint(station, body, code):
    status, told, reply = ask(station, body=body)
    assert (status, told["code"]) == (422, code)
    assert told["hint"]
    assert "\n" not in told["detail"]
    assert reply.headers["content-type"] == "application/problem+json"
    assert entries(station) == 0


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "10"},
        {"limit": "x"},
        {"limit": "٣"},
        {"after": ""},
        {"after": "a b"},
        {"no": "1"},
    ],
)
def test_a_query_that_does_not_fit_is_refused(station, query):
    status, told, _ = ask(station, READ, {"note": "n"}, query=query)
    assert (status, told["code"]) == (422, "query-parameter")


@pytest.mark.parametrize("name", ["..", ".", "a b", "a\x00", "ü", "x" * 129])
def test_a_path_parameter_is_a_name(station, name):
    status, told, _ = ask(station, READ, {"note": name})
    assert (status, told["code"]) == (422, "path-parameter")


def test_a_body_where_none_is_taken_is_refused(station):
    assert ask(station, READ, {"note": "n"}, body=b"{}")[1]["code"] == "body-unexpected"
