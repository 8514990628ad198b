"""The HTTP application: every reply is JSON or a problem, whatever is asked."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import httpx
import pytest

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import IntegrityError
from interlock.doors.api import app as app_module
from interlock.doors.api.app import create_app
from interlock.doors.api.lookup import lookup
from interlock.doors.api.observe import ServerObserver
from interlock.doors.api.openapi import document
from interlock.doors.api.surface import MAX_BODY
from interlock.doors.api.table import OPERATIONS, route


@pytest.fixture
def web(station, over):
    return over(create_app(station, ServerObserver(as_json=True)))


@pytest.fixture
def admin(make_token):
    return {"authorization": f"Bearer {make_token(*Scope)}"}


def assert_problem(reply: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert (reply.status_code, told["status"], told["code"]) == (status, status, code)
    assert told["hint"]
    assert told["type"].endswith(code)
    assert told["instance"] == f"urn:interlock:request:{reply.headers['x-request-id']}"
    return told


def test_health_answers_anybody(web):
    reply = web.get("/healthz")
    assert (reply.status_code, reply.json()["status"]) == (200, "ok")
    assert re.fullmatch("[0-9a-f]{16}", reply.headers["x-request-id"])


def test_without_rules_it_is_alive_and_not_ready(web):
    assert_problem(web.get("/readyz"), 503, "not-ready")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "path-unknown"),
        ("GET", "/v1/changes/", 404, "path-unknown"),
        ("DELETE", "/v1/changes", 405, "method-not-allowed"),
        ("TRACE", "/healthz", 405, "method-not-allowed"),
        ("GET", "/v1/changes", 401, "token-unknown"),
        ("POST", "/v1/tokens", 401, "token-unknown"),
        ("GET", "/docs", 404, "path-unknown"),
    ],
)
def test_what_is_not_there_is_a_problem(web, method, path, status, code):
    reply = web.request(method, path)
    assert_problem(reply, status, code)
    if status == 405:
        assert "GET" in reply.headers["allow"] or "POST" in reply.headers["allow"]


def test_a_body_above_the_limit_is_refused_while_it_arrives(web, admin):
    assert_problem(web.post("/v1/tokens", headers=admin, content=b" " * (MAX_BODY + 1)), 413, "body-too-large")

    async def chunks():
        for _ in range(30):
            yield b"x" * (1024 * 1024)

    assert_problem(web.post("/v1/tokens", headers=admin, content=chunks()), 413, "body-too-large")
    lying = {**admin, "content-length": "x"}
    assert web.post("/v1/tokens", headers=lying, content=b"{}").status_code in {400, 413}


def test_a_parameter_given_twice_is_refused(web, admin):
    assert_problem(web.get("/v1/tokens?limit=1&limit=2", headers=admin), 422, "query-parameter")


def test_a_token_is_made_shown_once_listed_without_secret_and_revoked(web, admin):
    wanted = {"principal": "ci", "kind": "pipeline", "scopes": ["read", "gate"], "days": 7}
    made = web.post("/v1/tokens", headers=admin, json=wanted)
    assert made.status_code == 201
    secret = made.json()["secret"]
    mine = {"authorization": f"Bearer {secret}"}
    listed = web.get("/v1/tokens", headers=admin)
    assert secret not in listed.text
    assert "hash" not in listed.text
    assert listed.json()["items"][0]["principal"] == "ci"
    assert_problem(web.get("/v1/tokens", headers=mine), 403, "scope-missing")
    assert web.get("/v1/ledger/checkpoint", headers=mine).text.startswith("test.interlock.dev/doors\n")
    name = made.json()["token"]["id"]
    assert web.post(f"/v1/tokens/{name}/revocation", headers=admin).json()["revoked_at"]
    assert_problem(web.get("/v1/ledger/checkpoint", headers=mine), 401, "token-unknown")
    assert_problem(web.post(f"/v1/tokens/{name}/revocation", headers=admin), 409, "token-revoked")


def test_an_agents_token_with_approve_is_never_made(web, admin):
    wanted = {"principal": "copilot", "kind": "agent", "scopes": ["read", "approve"]}
    assert_problem(web.post("/v1/tokens", headers=admin, json=wanted), 403, "agent-never")


def test_pages_join_without_gap_or_overlap(web, admin):
    for number in range(7):
        wanted = {"principal": f"p{number}", "kind": "pipeline", "scopes": ["read"]}
        assert web.post("/v1/tokens", headers=admin, json=wanted).status_code == 201
    seen, after = [], None
    while True:
        page = web.get(
            "/v1/tokens", headers=admin, params={"limit": 3} | ({"after": after} if after else {})
        ).json()
        seen += [item["principal"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [*(f"p{number}" for number in reversed(range(7))), "ana"]


def test_metrics_count_what_was_asked(web, admin):
    web.get("/v1/tokens", headers=admin)
    told = web.get("/metrics").text
    assert 'interlock_requests_total{operation="listTokens",status="200"} 1.0' in told
    assert "interlock_ledger_entries 1.0" in told
    assert "interlock_request_seconds_bucket" in told


def test_the_log_has_the_request_and_no_secret(web, admin, capsys):
    web.post("/v1/tokens", headers=admin, json={"principal": "ci", "kind": "pipeline", "scopes": ["read"]})
    web.get("/v1/changes/no-such", headers=admin)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["operation"], line["status"]) for line in lines] == [("createToken", 201), ("showChange", 404)]
    assert all(
        set(line) <= {"event", "level", "timestamp", "request_id", "operation", "status", "ms", "code"}
        for line in lines
    )


def test_an_unexpected_fault_tells_nothing_and_is_logged(station, monkeypatch, capsys, make_token, over):
    def broken(call):
        raise RuntimeError("the password is hunter2")

    operations = tuple(replace(each, run=broken) if each.name == "listTokens" else each for each in OPERATIONS)
    monkeypatch.setattr(app_module, "OPERATIONS", operations)
    web = over(create_app(station, ServerObserver(as_json=True)))
    reply = web.get("/v1/tokens", headers={"authorization": f"Bearer {make_token(Scope.ADMIN)}"})
    assert_problem(reply, 500, "internal")
    assert "hunter2" not in reply.text
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    fault = next(line for line in said if line["event"] == "fault")
    assert "hunter2" in fault["exception"]
    assert fault["request_id"] == reply.headers["x-request-id"]


def test_broken_state_is_500_and_not_ready(station, make_token, over):
    class Broken:
        def __getattr__(self, name):
            return getattr(station.store, name)

        def checkpoint(self):
            raise IntegrityError("expected a whole ledger, got a torn one", code="ledger-torn", hint="stop")

    web = over(create_app(replace(station, store=Broken())))
    headers = {"authorization": f"Bearer {make_token(Scope.READ)}"}
    assert_problem(web.get("/v1/ledger/checkpoint", headers=headers), 500, "ledger-torn")
    assert_problem(web.get("/readyz"), 503, "not-ready")


def test_the_document_names_every_operation_and_every_reference_resolves(web):
    told = web.get("/openapi.json").json()
    assert told == json.loads(json.dumps(document()))
    assert told["openapi"].startswith("3.1")
    named = {each["operationId"] for path in told["paths"].values() for each in path.values()}
    assert named == {operation.name for operation in OPERATIONS}
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(told)):
        assert reference in told["components"]["schemas"]


def test_every_operation_but_health_wants_a_scope_and_names_are_unique():
    assert {operation.name for operation in OPERATIONS if operation.scope is None} == {"health", "readiness"}
    names = [operation.name for operation in OPERATIONS]
    assert len(names) == len(set(names))


def test_every_row_is_found_by_its_own_address():
    for operation in OPERATIONS:
        found = route(operation.method, re.sub(r"\{\w+\}", "x1", operation.path))
        assert not isinstance(found, list)
        assert found[0].path.count("{") == operation.path.count("{")


def test_a_command_finds_the_same_row_without_importing_all():
    for operation in OPERATIONS:
        path = re.sub(r"\{\w+\}", "x1", operation.path)
        assert lookup(operation.method, path) == route(operation.method, path)
    assert lookup("GET", "/nowhere") == route("GET", "/nowhere") == []


def test_reading_never_needs_more_than_read_and_approving_is_a_scope_of_its_own():
    scopes = {operation.name: operation.scope for operation in OPERATIONS}
    assert scopes["addStatement"] is Scope.APPROVE
    assert scopes["gate"] is scopes["redeemTicket"] is Scope.GATE
    assert scopes["signGenesis"] is scopes["activateRules"] is Scope.RULES
    assert scopes["createToken"] is scopes["revokeToken"] is scopes["listTokens"] is Scope.ADMIN
    assert all(
        operation.scope in {None, Scope.READ, Scope.ADMIN} for operation in OPERATIONS if operation.method == "GET"
    )
