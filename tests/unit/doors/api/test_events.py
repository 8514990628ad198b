"""Events through the API: who may, what is answered, and that a repeated batch is recorded once."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import pytest

from interlock.core.approval.actor import Scope
from interlock.core.change.settings import read_settings
from interlock.core.ledger.checkpoint import open_checkpoint
from interlock.core.ledger.merkle import hash_leaf, verify_inclusion
from interlock.core.ledger.note import VerifierKey
from interlock.core.ledger.prooffile import ProofFile
from interlock.core.ledger.tiles import unpack_bundle
from interlock.core.ledger.tree import split
from interlock.doors.api.app import create_app


@pytest.fixture
def web(station, over):
    return over(create_app(station))


@pytest.fixture
def ask(web, make_token):
    agent = make_token(Scope.RECORD, kind="agent", principal="copilot")

    def asked(*events, secret=agent, key=None):
        headers = {"authorization": f"Bearer {secret}"} | ({"idempotency-key": key} if key else {})
        return web.post("/v1/events", headers=headers, json={"events": list(events)})

    return asked


def event(**changed):
    return {"name": "deployment.applied", "subject": "chg-1", "said": {"ticket": "tkt-1"}} | changed


def size(station) -> int:
    return int(station.store.checkpoint().splitlines()[1])


def test_an_agent_notes_what_it_did_and_the_answer_covers_it(ask, web, station, make_token):
    reply = ask(event(), event(name="smoke.passed", subject="harbour, berth 7"))
    assert reply.status_code == 201, reply.text
    told = reply.json()
    key = VerifierKey.parse(str(station.store.verifier))
    assert open_checkpoint(told["checkpoint"], key).size > max(told["indices"])
    headers = {"authorization": f"Bearer {make_token(Scope.READ)}"}
    for index, kind in zip(told["indices"], ("event.deployment.applied", "event.smoke.passed"), strict=True):
        proof = web.get(f"/v1/ledger/entries/{index}", headers=headers).json()
        leaf = proof["leaf"].encode()
        fields = json.loads(leaf)
        assert (fields["kind"], fields["actor"], fields["body"]["by"]) == (kind, "copilot", "agent")
        checkpoint = open_checkpoint(proof["checkpoint"], key)
        siblings = [base64.b64decode(each) for each in proof["proof"]]
        verify_inclusion(index, checkpoint.size, hash_leaf(leaf), siblings, checkpoint.root)
        file = web.get(f"/v1/ledger/entries/{index}/proof", headers=headers)
        assert ProofFile.parse(file.text).verify(leaf, key).size >= checkpoint.size


@pytest.mark.parametrize("scopes", [(Scope.READ,), tuple(set(Scope) - {Scope.RECORD})])
def test_without_the_scope_nothing_is_recorded(ask, station, make_token, scopes):
    secret = make_token(*scopes)
    before = size(station)
    reply = ask(event(), secret=secret)
    assert (reply.status_code, reply.json()["code"]) == (403, "scope-missing")
    assert size(station) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"events": []}, "events-count"),
        ({"events": [event()] * 257}, "events-count"),
        ({"events": [event(), event(name="Rules Activated")]}, "event-name"),
        ({"events": [event(), event(subject="tok-0000000001")]}, "event-subject"),
        ({"events": [event(), event(said={"x": "y" * 65_535})]}, "event-too-large"),
        ({"events": [event(), event(said={"x": 2**60})]}, "not-canonical"),
        ({"events": [event(kind="ticket.issued")]}, "input-shape"),
        ({"events": [event(actor="ana")]}, "input-shape"),
        ({"events": [event(said=[1])]}, "input-shape"),
        ({"events": event()}, "input-shape"),
        ({}, "input-shape"),
        ([], "input-shape"),
    ],
)
def test_one_bad_event_refuses_its_batch(web, station, make_token, body, code):
    headers = {"authorization": f"Bearer {make_token(Scope.RECORD)}", "idempotency-key": "batch-0001"}
    before = size(station)
    reply = web.post("/v1/events", headers=headers, json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, code)
    assert size(station) == before


def test_a_repeated_batch_is_recorded_once_and_still_covered(ask, station):
    first = ask(event(), event(), key="batch-0001")
    before = size(station)
    again = ask(event(), event(), key="batch-0001")
    assert again.status_code == first.status_code == 201
    assert again.json()["indices"] == first.json()["indices"]
    assert size(station) == before
    other = ask(event(), key="batch-0001")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


def test_the_log_is_served_as_tiles(ask, web, station, make_token):
    headers = {"authorization": f"Bearer {make_token(Scope.READ)}"}
    ask(*[event(said={"n": n}) for n in range(250)])
    ask(*[event(said={"n": n}) for n in range(20)])
    note = web.get("/log/checkpoint", headers=headers)
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "no-store"
    count = open_checkpoint(note.text, station.store.verifier).size
    last = count - 256
    for place in ("000", f"001.p/{last}"):
        hashes = web.get(f"/log/tile/0/{place}", headers=headers)
        bundle = web.get(f"/log/tile/entries/{place}", headers=headers)
        for reply in (hashes, bundle):
            assert reply.status_code == 200
            assert reply.headers["content-type"] == "application/octet-stream"
            assert reply.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert split(hashes.content) == [hash_leaf(leaf) for leaf in unpack_bundle(bundle.content)]
    assert len(web.get("/log/tile/1/000.p/1", headers=headers).content) == 32
    for path in (f"0/001.p/{last + 1}", f"entries/001.p/{last + 1}", "0/001", "1/000", "2/000.p/1", "0/x999/999"):
        reply = web.get(f"/log/tile/{path}", headers=headers)
        assert (path, reply.status_code, reply.json()["code"]) == (path, 404, "tile-unknown")


class Opened:
    """A station whose rules open the log."""

    def __init__(self, station) -> None:
        self._station = station

    def __getattr__(self, name):
        return getattr(self._station, name)

    def rules(self, tx):
        del tx
        settings = read_settings({"ledger": {"public": True}})
        return SimpleNamespace(rules=SimpleNamespace(settings=settings))


def test_rules_can_open_the_log_and_nothing_else(station, over, ask):
    ask(*[event()] * 255)
    web = over(create_app(Opened(station)))
    assert web.get("/log/checkpoint").status_code == 200
    tile = web.get("/log/tile/0/000")
    assert (tile.status_code, tile.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert web.get("/log/tile/entries/000").status_code == 200
    assert web.get("/log/checkpoint", headers={"authorization": "Bearer ilk_" + "A" * 43}).status_code == 401
    assert web.get("/v1/ledger/checkpoint").status_code == 401
    assert web.post("/v1/events", json={"events": [event()]}).status_code == 401


def test_without_a_token_the_log_is_closed(web):
    for path in ("/log/checkpoint", "/log/tile/0/000", "/log/tile/entries/000"):
        reply = web.get(path)
        assert (reply.status_code, reply.json()["code"]) == (401, "token-unknown")
