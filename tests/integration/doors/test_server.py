"""A real server on a real socket: the same road through HTTP, lost answers, agents, an end in good order."""

from __future__ import annotations

import json
import os
import re
import threading
import urllib.request

import httpx
import pytest

from interlock.core.change.errors import Unavailable
from interlock.doors.cli.client import Client
from interlock.doors.cli.wire_http import HttpWire


def test_the_road_through_a_server(server, built, terminal):
    name = terminal.ok("change", "open").out.strip()
    terminal.ok("approve", name, "--key", built.key("vera"))
    shown = terminal.ok("change", "show", name, "--json").json
    assert [one["person"] for one in shown["tally"]["counted"]] == ["vera"]
    assert terminal("gate", name).code == 1
    assert terminal("check").code == 1
    assert name in terminal.ok("change", "list").out
    assert {line["event"] for line in server.log} == {"request"}


def test_health_readiness_and_metrics(server):
    def get(path: str) -> str:
        with urllib.request.urlopen(f"{server.address}{path}", timeout=10) as reply:
            return str(reply.read().decode())

    assert json.loads(get("/healthz"))["status"] == "ok"
    ready = json.loads(get("/readyz"))
    assert ready["status"] == "ready"
    assert ready["rules"].startswith("sha256:")
    assert 'interlock_requests_total{operation="readiness",status="200"}' in get("/metrics")


@pytest.mark.parametrize(
    ("repository", "status"), [("https://git.example.com:8443/acme/shop", 200), ("a\nb", 422), ("a" * 1025, 422)]
)
def test_a_repository_is_asked_for_by_its_address(server, repository, status):
    headers = {"authorization": f"Bearer {server.tokens['ana']}"}
    query = {"repository": repository, "environment": "production"}
    reply = httpx.get(f"{server.address}/v1/shipped", headers=headers, params=query)
    assert reply.status_code == status, reply.text


def test_without_a_token_or_with_a_wrong_one_the_server_says_so(server, terminal, monkeypatch):
    for value in (None, "ilk_" + "A" * 43, "nonsense"):
        if value is None:
            monkeypatch.delenv("INTERLOCK_TOKEN")
        else:
            monkeypatch.setenv("INTERLOCK_TOKEN", value)
        said = terminal("change", "list")
        assert (said.code, said.err.partition(":")[0]) == (2, "error[token-unknown]")


def test_an_agents_token_carries_no_approval_not_even_a_good_one(server, built, terminal, monkeypatch):
    name = terminal.ok("change", "open").out.strip()
    monkeypatch.setenv("INTERLOCK_TOKEN", server.tokens["helper-bot"])
    said = terminal("approve", name, "--key", built.key("vera"))
    assert (said.code, said.err.partition(":")[0]) == (2, "error[agent-never]")
    monkeypatch.setenv("INTERLOCK_TOKEN", server.tokens["ci"])
    said = terminal("approve", name, "--key", built.key("vera"))
    assert (said.code, said.err.partition(":")[0]) == (2, "error[scope-missing]")
    assert terminal("token", "list").err.startswith("error[scope-missing]")


class LosesAnswers(httpx.HTTPTransport):
    """Applies the first ``losses`` POSTs and loses their answers: applied, but reported failed."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        reply = super().handle_request(request)
        if request.method == "POST" and self.losses:
            self.losses -= 1
            reply.read()
            raise httpx.ReadError("the connection broke while the answer was under way")
        return reply


def test_a_lost_answer_is_asked_for_again_and_the_work_is_done_once(server, terminal):
    transport = LosesAnswers(2)
    client = Client(HttpWire(server.address, server.tokens["ana"], transport))
    body = submission_body(terminal)
    before = entries(server)
    made = client.post("/v1/changes", body)
    client.close()
    assert made.status == 201
    assert transport.losses == 0
    assert entries(server) == before + 1


def test_an_answer_lost_three_times_is_an_outage_and_still_done_once(server, terminal):
    client = Client(HttpWire(server.address, server.tokens["ana"], LosesAnswers(9)))
    body = submission_body(terminal)
    before = entries(server)
    with pytest.raises(Unavailable, match="expected an answer") as lost:
        client.post("/v1/changes", body)
    client.close()
    assert lost.value.code == "answer-lost"
    assert entries(server) == before + 1


def entries(server) -> int:
    headers = {"authorization": f"Bearer {server.tokens['ana']}"}
    return int(httpx.get(f"{server.address}/v1/ledger/checkpoint", headers=headers).text.splitlines()[1])


def submission_body(terminal) -> dict[str, object]:
    name = terminal.ok("change", "open").out.strip()
    submission = terminal_submission(name)
    terminal.ok("change", "withdraw", name)
    return {"title": "The same, said through a bad line", "submission": submission}


def terminal_submission(name: str) -> object:
    headers = {"authorization": f"Bearer {os.environ['INTERLOCK_TOKEN']}"}
    return httpx.get(f"{os.environ['INTERLOCK_SERVER']}/v1/changes/{name}/submission", headers=headers).json()


def test_a_push_over_a_change_that_moved_is_refused(server, terminal):
    name = terminal.ok("change", "open").out.strip()
    headers = {"authorization": f"Bearer {server.tokens['ana']}"}
    with httpx.Client(base_url=server.address, headers=headers) as http:
        etag = http.get(f"/v1/changes/{name}").headers["etag"]
        first = http.post(f"/v1/changes/{name}/withdrawal", headers={"if-match": '"7"'})
        assert (first.status_code, first.json()["code"]) == (412, first.json()["code"])
        assert http.post(f"/v1/changes/{name}/withdrawal", headers={"if-match": etag}).status_code == 200


def test_two_who_push_at_once_do_not_overwrite_each_other(server, terminal):
    name = terminal.ok("change", "open").out.strip()
    submission = terminal_submission(name)
    headers = {"authorization": f"Bearer {server.tokens['ana']}"}
    etag = httpx.get(f"{server.address}/v1/changes/{name}", headers=headers).headers["etag"]
    codes: list[int] = []
    told: list[str] = []

    def push(number: int) -> None:
        parts = [
            {**part, "head_tree": f"{number:040d}"} if part["kind"] == "git" else part
            for part in submission["parts"]
        ]
        body = {"submission": {**submission, "parts": parts}}
        given = {**headers, "if-match": etag}
        address = f"{server.address}/v1/changes/{name}/revisions"
        reply = httpx.post(address, json=body, headers=given, timeout=30)
        told.append(reply.text[:300])
        codes.append(reply.status_code)

    pushers = [threading.Thread(target=push, args=(number,)) for number in range(6)]
    for pusher in pushers:
        pusher.start()
    for pusher in pushers:
        pusher.join()
    assert sorted(codes) == [200, *[412] * 5], told


def test_a_port_that_is_taken_is_one_line(server, built, terminal, monkeypatch):
    monkeypatch.delenv("INTERLOCK_SERVER")
    port = server.address.rpartition(":")[2]
    said = terminal("serve", "--port", port)
    assert (said.code, said.err.partition(":")[0]) == (3, "error[address-unavailable]")


def test_a_request_under_way_is_answered_before_the_end(own_server):
    server = own_server
    headers = {"authorization": f"Bearer {server.tokens['ana']}"}
    with httpx.Client(base_url=server.address, headers=headers) as http:
        assert http.get("/v1/changes").status_code == 200
        assert server.stop() == 0
    left = [each.name for each in (server.root / ".interlock").glob("*-wal")]
    assert left == [], "the store was not closed"
    assert re.search("listChanges", json.dumps(server.log))
