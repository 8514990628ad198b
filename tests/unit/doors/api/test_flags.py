"""Answers in the shapes of OpenFeature's remote evaluation protocol, OFREP 0.3.0."""

from __future__ import annotations

import pytest

from interlock.core.approval.actor import Scope
from interlock.doors.api.app import create_app
from interlock.road.flags import StoreFlags

ONE, ALL = "/ofrep/v1/evaluate/flags/shop", "/ofrep/v1/evaluate/flags"


@pytest.fixture
def move(station):
    flags = StoreFlags(store=station.store, clock=station.clock, ids=station.ids)

    def moved(flag, percent, **values):
        flags.move(flag, percent, **{"canary": True, "control": False, **values})

    return moved


@pytest.fixture
def post(station, over, make_token):
    web = over(create_app(station))
    reader = {"authorization": f"Bearer {make_token(Scope.READ, kind='pipeline', principal='shop')}"}

    def posted(path, body, **headers):
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return web.post(path, headers={**reader, **headers}, **content)

    return posted


def user(key):
    return {"context": {"targetingKey": key, "country": "DE"}}


def test_a_split_flag_says_which_arm_and_why(post, move):
    move("shop", 50.0)
    replies = [post(ONE, user(f"u{number}")).json() for number in range(30)]
    assert {each["variant"] for each in replies} == {"canary", "control"}
    for reply in replies:
        assert reply == {
            "key": "shop",
            "value": reply["variant"] == "canary",
            "variant": reply["variant"],
            "reason": "SPLIT",
        }
    assert post(ONE, user("u0")).json() == replies[0]


@pytest.mark.parametrize(("percent", "value"), [(0.0, "old"), (100.0, "new")])
def test_a_flag_that_is_the_same_for_all_says_so(post, move, percent, value):
    move("shop", percent, canary="new", control="old")
    reply = post(ONE, user("anybody"))
    assert (reply.status_code, reply.json()["value"], reply.json()["reason"]) == (200, value, "STATIC")


def test_a_flag_that_nobody_moved_is_not_found(post):
    reply = post(ONE, user("u"))
    assert reply.status_code == 404
    assert reply.json()["key"] == "shop"
    assert reply.json()["errorCode"] == "FLAG_NOT_FOUND"
    assert reply.json()["errorDetails"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"", "PARSE_ERROR"),
        ({}, "PARSE_ERROR"),
        ({"context": []}, "PARSE_ERROR"),
        ({"context": {}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": ""}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": None}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": 7}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "x" * 1_025}}, "INVALID_CONTEXT"),
    ],
)
def test_a_request_that_cannot_be_evaluated_is_told_why_in_the_protocols_words(post, move, body, code):
    move("shop", 50.0)
    for path in (ONE, ALL):
        reply = post(path, body)
        assert (reply.status_code, reply.json()["errorCode"]) == (400, code)
        assert reply.headers["content-type"] == "application/json"
        assert reply.json().keys() == {"errorCode", "errorDetails"} | ({"key"} if path == ONE else set())


def test_all_flags_come_with_an_etag_that_changes_when_one_moves(post, move):
    move("shop", 100.0)
    move("cart", 0.0)
    first = post(ALL, user("u"))
    assert [(each["key"], each["value"]) for each in first.json()["flags"]] == [("cart", False), ("shop", True)]
    etag = first.headers["etag"]
    for same in (etag, f"W/{etag}", f'"other", {etag}'):
        again = post(ALL, user("u"), **{"if-none-match": same})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert post(ALL, user("u"), **{"if-none-match": '"other"'}).status_code == 200
    triggered = post(f"{ALL}?flagConfigEtag=550e8400&flagConfigLastModified=1771622898", user("u"))
    assert triggered.json() == first.json()


def test_without_a_token_nobody_evaluates(post):
    for path in (ONE, ALL):
        reply = post(path, user("u"), authorization="Bearer no")
        assert reply.status_code == 401
        assert reply.json()["code"] == "token-unknown"


def test_no_entry_is_written_for_an_evaluation(post, move, station):
    move("shop", 50.0)
    before = station.store.read(lambda tx: len(tx.log.newest(200)))
    for number in range(20):
        post(ONE, user(f"u{number}"))
    entries = station.store.read(lambda tx: tx.log.newest(200))
    assert len(entries) <= before + 1
