"""Taking back through the API: one use per key, versions, problems, and the redemption that is refused after."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import plain
from interlock.doors.api import dispatch
from interlock.doors.api.app import create_app
from interlock.doors.api.openapi import document
from interlock.doors.api.table import route
from interlock.testing.road import Road, submission

BEN = Actor(principal="ben", kind="person", scopes=frozenset({Scope.READ, Scope.APPROVE}))
CI = Actor(principal="ci", kind="pipeline", scopes=frozenset({Scope.READ, Scope.GATE}))


@dataclass
class Api:
    """Requests as the server answers them, for whichever actor."""

    road: Road
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, actor: Actor, method: str, address: str, body: object = None, **headers: str) -> Any:
        path, _, query = address.partition("?")
        found = route(method, path)
        assert not isinstance(found, list), f"no {method} {path}"
        request = dispatch.Request(
            method=method,
            path=path,
            query=dict(pair.split("=") for pair in query.split("&") if pair),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            body=b"" if body is None else json.dumps(plain(body)).encode(),
            local=actor,
        )
        reply = dispatch.answer(self.road.station, found[0], found[1], request)
        self.headers = dict(reply.headers)
        return reply.status, json.loads(reply.body)


@pytest.fixture
def api(road: Road) -> Api:
    return Api(road)


def approved(road: Road, api: Api) -> tuple[str, str, str]:
    """The ids of a change with a ticket, of ben's approval and of the ticket."""
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    ticket = road.gate(change).ticket_id or ""
    _, page = api(BEN, "GET", f"/v1/statements?subject={change.id}&approver=ben")
    (one,) = page["items"]
    return change.id, one["id"], ticket


def test_it_is_found_and_taken_back_and_the_ticket_is_refused_with_the_reason(road: Road, api: Api) -> None:
    change, name, ticket = approved(road, api)
    status, done = api(BEN, "POST", f"/v1/statements/{name}/revocation", {"why": "wrong metric"})
    assert status == 200
    assert (done["right"], done["statement"]["standing"]) == ("approver", "taken-back")
    assert (done["statement"]["revoked_by"], done["statement"]["revoked_why"]) == ("ben", "wrong metric")
    assert [(one["id"], one["state"]) for one in done["voided"]] == [(ticket, "voided")]
    status, problem = api(CI, "POST", f"/v1/tickets/{ticket}/redemption")
    assert (status, problem["code"]) == (409, "ticket-voided")
    assert "`ben` took back the approve by `ben`" in problem["detail"]
    assert api(CI, "GET", f"/v1/tickets/{ticket}")[1]["why"] == "`ben` took back the approve by `ben`"
    assert api(BEN, "GET", f"/v1/changes/{change}")[1]["state"] == "open"


def test_the_same_key_gets_the_same_answer_and_another_a_conflict(road: Road, api: Api) -> None:
    _, name, _ = approved(road, api)
    address = f"/v1/statements/{name}/revocation"
    first = api(BEN, "POST", address, {}, idempotency_key="12345678")
    etag = api.headers["etag"]
    size = road.station.store.checkpoint()
    assert api(BEN, "POST", address, {}, idempotency_key="12345678") == first
    assert api.headers["etag"] == etag
    assert road.station.store.checkpoint() == size
    status, problem = api(BEN, "POST", address, {}, idempotency_key="87654321")
    assert (status, problem["code"]) == (409, "statement-taken-back")


def test_if_match_names_the_version_that_was_seen(road: Road, api: Api) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    _, page = api(BEN, "GET", "/v1/statements?approver=ben&purpose=approve")
    name = page["items"][0]["id"]
    api(BEN, "GET", f"/v1/statements/{name}")
    seen = api.headers["etag"]
    road.gate(change)
    address = f"/v1/statements/{name}/revocation"
    status, problem = api(BEN, "POST", address, {}, if_match=seen)
    assert (status, problem["code"]) == (412, "version-stale")
    assert api(BEN, "GET", f"/v1/statements/{name}")[1]["revoked_at"] is None
    status, _ = api(BEN, "POST", address, {}, if_match=api.headers["etag"])
    assert status == 200


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (Actor(principal="ben", kind="agent", scopes=frozenset(Scope)), "agent-never"),
        (CI, "scope-missing"),
        (Actor(principal="ci", kind="pipeline", scopes=frozenset(Scope)), "revocation-by-machine"),
        (Actor(principal="cleo", kind="person", scopes=BEN.scopes), "statement-not-yours"),
    ],
)
def test_a_refusal_is_a_problem_with_a_code_and_leaves_no_entry(
    road: Road, api: Api, actor: Actor, code: str
) -> None:
    _, name, _ = approved(road, api)
    before = road.station.store.checkpoint()
    status, problem = api(
        actor, "POST", f"/v1/statements/{name}/revocation", {"why": "x"}, idempotency_key="1" * 8
    )
    assert (status, problem["code"]) == (403, code)
    assert problem["hint"]
    assert road.station.store.checkpoint() == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"why": "x" * 2_001}, 422, "reason-text"),
        ({"why": "\u202e"}, 422, "reason-text"),
        ({"why": 7}, 422, "input-shape"),
        ({"because": "x"}, 422, "input-shape"),
        (None, 422, None),
    ],
)
def test_a_body_that_cannot_be_used(road: Road, api: Api, body: object, status: int, code: str | None) -> None:
    _, name, _ = approved(road, api)
    found, problem = api(BEN, "POST", f"/v1/statements/{name}/revocation", body)
    assert (found, code or problem["code"]) == (status, problem["code"])
    assert api(BEN, "GET", f"/v1/statements/{name}")[1]["standing"] == "in-force"


def test_the_listing_filters_pages_and_hides_no_signature_in_it(road: Road, api: Api) -> None:
    change, name, _ = approved(road, api)
    _, page = api(BEN, "GET", f"/v1/statements?subject={change}&limit=1")
    assert (len(page["items"]), page["next"]) == (1, page["items"][0]["id"])
    _, rest = api(BEN, "GET", f"/v1/statements?subject={change}&limit=1&after={page['next']}")
    assert [one["statement"]["approver"] for one in (*page["items"], *rest["items"])] == ["ben", "ana"]
    assert rest["next"] is None
    assert "signature" not in page["items"][0]
    assert api(BEN, "GET", "/v1/statements?standing=wrong")[1]["code"] == "query-parameter"
    assert api(BEN, "GET", f"/v1/statements/{name}")[1]["standing"] == "in-force"


def test_an_address_that_is_spelt_out_is_no_statements_name(road: Road) -> None:
    """Preparing takes a POST; asked with GET its address once read as a statement called `prepare`."""
    assert route("GET", "/v1/statements/prepare") == ["POST"]
    assert route("POST", "/v1/statements/standing") == ["GET"]

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(road.station), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://interlock.test") as client:
            return await client.get("/v1/statements/prepare")

    reply = asyncio.run(asked())
    assert (reply.status_code, reply.headers["allow"], reply.json()["code"]) == (405, "POST", "method-not-allowed")


def test_it_is_in_the_openapi_document() -> None:
    paths = document()["paths"]
    operation = paths["/v1/statements/{statement}/revocation"]["post"]
    assert {one["name"].lower() for one in operation["parameters"]} >= {"if-match", "idempotency-key"}
    assert "get" in paths["/v1/statements"]
    assert "get" in paths["/v1/statements/{statement}"]
