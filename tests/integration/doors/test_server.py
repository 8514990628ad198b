"""A real server on a real socket: the same road through HTTP, lost answers, agents, an end in good order."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from interlock.core.change.errors import Unavailable
from interlock.doors.cli.client import Client
from interlock.doors.cli.wire_http import HttpWire


@dataclass
class Server:
    """One ``interlock serve`` process; its log is read as it is written."""

    root: Path
    process: subprocess.Popen[str] = field(init=False)
    address: str = ""
    log: list[dict[str, object]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "interlock", "serve", "--port", "0", "--log", "json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        self.process = subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first, self.process.stderr.read() if self.process.stderr else ""
        self.address = str(json.loads(first)["address"])
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(json.loads(line))

    def stop(self) -> int:
        """Idempotent; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self._reader.join(timeout=5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


SCOPES = {
    "ana": ("person", "read", "open", "approve", "evidence", "gate", "rules", "admin"),
    "helper-bot": ("agent", "read", "open"),
    "ci": ("pipeline", "read", "gate", "evidence"),
}


def started(place, folder: Path, quietly) -> Server:
    root = folder / "shop"
    shutil.copytree(place.root, root, symlinks=True)
    tokens = {}
    for principal, (kind, *scopes) in SCOPES.items():
        wanted = [part for scope in scopes for part in ("--scope", scope)]
        tokens[principal] = quietly(root, "token", "create", principal, "--kind", kind, *wanted).strip()
    running = Server(root)
    running.tokens = tokens
    return running


@pytest.fixture(scope="module")
def shared(built_and_founded, tmp_path_factory, quietly) -> Iterator[Server]:
    """One server for every test that leaves it standing."""
    running = started(built_and_founded, tmp_path_factory.mktemp("served"), quietly)
    yield running
    assert running.stop() == 0


def speak_to(server: Server, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(server.root)
    patch.setenv("INTERLOCK_SERVER", server.address)
    patch.setenv("INTERLOCK_TOKEN", server.tokens["ana"])


@pytest.fixture
def server(shared, monkeypatch) -> Server:
    """The shared server, spoken to by the terminal as ana, with no change open."""
    speak_to(shared, monkeypatch)
    headers = {"authorization": f"Bearer {shared.tokens['ana']}"}
    for item in httpx.get(f"{shared.address}/v1/changes?state=open", headers=headers).json()["items"]:
        httpx.post(f"{shared.address}/v1/changes/{item['id']}/withdrawal", headers=headers)
    return shared


@pytest.fixture
def own_server(built_and_founded, tmp_path, quietly, monkeypatch) -> Iterator[Server]:
    """A server that the test may stop."""
    running = started(built_and_founded, tmp_path, quietly)
    speak_to(running, monkeypatch)
    yield running
    running.stop()


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


def entries(server: Server) -> int:
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

    def push() -> None:
        body = {"submission": submission}
        given = {**headers, "if-match": etag}
        address = f"{server.address}/v1/changes/{name}/revisions"
        reply = httpx.post(address, json=body, headers=given, timeout=30)
        told.append(reply.text[:300])
        codes.append(reply.status_code)

    pushers = [threading.Thread(target=push) for _ in range(6)]
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
