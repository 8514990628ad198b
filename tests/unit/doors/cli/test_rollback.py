"""``interlock rollback`` without a server: a real program as router, real steps, a real ledger told afterwards."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.rollout.local import LocalRecord, local_path, read_local, to_bytes
from interlock.core.rollout.plan import PluginPlan, StepPlan
from interlock.doors.cli import rollback_asked
from interlock.doors.cli.main import main

NOW = datetime.now(UTC).replace(microsecond=0)
PLAN = """\
service: shop
environment: production
router: {kind: command, set: ["./set", "{percent}"], get: [./get], exposure: [./exposure]}
meters: [{kind: push, metrics: {orders: {}}}]
judge: {metrics: {orders: {kind: good}}}
stages: [{percent: 1, bake: 1s, margin: 50%, limit: 1m}]
rollback:
  - name: restore
    kind: configuration
    run: [cp, before.conf, now.conf]
    verify: [cmp, before.conf, now.conf]
"""


class Place:
    """A checkout with a splitter that is a file, a configuration that was changed, and a local record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".git").mkdir()
        self.program("set", '[ -e broken ] && exit 75; [ -e liar ] || echo "$1" > weight; echo "$1" >> asked')
        self.program("get", '[ -e broken ] && exit 75; printf \'{"percent": %s}\' "$(cat weight)"')
        self.program("exposure", 'echo \'{"canary": 0, "control": 0, "since": "1"}\'')
        self.program("restore", 'echo ran >> ran; cp before.conf now.conf; [ "$ROLLOUT_SERVICE" = shop ]')
        self.program("restored", "cmp -s before.conf now.conf")
        (folder / "weight").write_text("5\n")
        (folder / "before.conf").write_text("max_days: 7\n")
        (folder / "now.conf").write_text("max_days: null\n")
        self.keep()

    def program(self, name: str, text: str) -> None:
        place = self.folder / name
        place.write_text(f"#!/bin/sh\ncd {self.folder}\n{text}\n")
        place.chmod(place.stat().st_mode | stat.S_IXUSR)

    def keep(self, **differs) -> LocalRecord:
        here = str(self.folder)
        record = LocalRecord(
            **{
                "service": "shop",
                "environment": "production",
                "rollout": "rol-7f3akq2m2a",
                "change": "chg-7f3akq2m2a",
                "digest": sha256(b"new"),
                "previous": sha256(b"old"),
                "router": PluginPlan(
                    kind="command",
                    settings={
                        "set": [f"{here}/set", "{percent}"],
                        "get": [f"{here}/get"],
                        "exposure": [f"{here}/exposure"],
                    },
                ),
                "rollback": (
                    StepPlan(name="restore", kind="configuration", run=("./restore",), verify=("./restored",)),
                    StepPlan(name="flags", kind="flags", run=("true",), verify=("true",)),
                ),
                "root": here,
                "granted": 5.0,
                "written_at": NOW,
                **differs,
            }
        )
        place = local_path(self.folder / ".interlock", record.environment, record.service)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(to_bytes(record))
        return record

    def kept(self) -> LocalRecord:
        return read_local(local_path(self.folder / ".interlock", "production", "shop").read_bytes())

    def read(self, name: str) -> str:
        place = self.folder / name
        return place.read_text() if place.exists() else ""

    def journals(self) -> list[dict]:
        folder = self.folder / ".interlock/rollbacks/journal"
        return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Place:
    for name in list(os.environ):
        if name.startswith("INTERLOCK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_it_goes_back_with_nothing_but_the_local_record(place, capsys):
    code, out, err = run(capsys, "rollback", "shop")
    assert (code, err) == (0, "")
    assert (place.read("weight"), place.read("now.conf")) == ("0\n", "max_days: 7\n")
    assert out.splitlines()[0].startswith(" BACK    shop in production: 0 % read back after")
    assert "it was 5 %" in out
    assert "✓ weight 0 %" in out
    assert "✓ restore" in out
    assert place.kept().over


def test_traffic_is_back_within_five_seconds(place, capsys):
    code, out, _ = run(capsys, "rollback", "shop", "--json")
    assert code == 0
    assert json.loads(out)["seconds"] < 5


def test_who_went_back_and_when_waits_for_the_ledger(place, capsys):
    run(capsys, "rollback", "shop", "--why", "orders drop")
    [journal] = place.journals()
    assert (journal["ok"], journal["before"], journal["weight"], journal["why"]) == (True, 5, 0, "orders drop")
    assert journal["by"].startswith("local:")
    assert [act["name"] for act in journal["acts"]] == ["weight", "restore", "flags"]
    file = next((place.folder / ".interlock/rollbacks/journal").glob("*.json"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_next_command_that_reaches_the_ledger_tells_it_once(place, capsys):
    run(capsys, "rollback", "shop")
    run(capsys, "ledger", "note", "lunch.eaten", "canteen")  # begins the state
    run(capsys, "ledger", "note", "lunch.eaten", "canteen")
    run(capsys, "ledger", "note", "lunch.eaten", "canteen")
    assert place.journals() == []
    _, out, _ = run(capsys, "ledger", "log", "--json")
    told = [one for one in json.loads(out)["items"] if one["kind"] == "rollout.rolled-back"]
    assert [(one["subject"], one["body"]["offline"], one["body"]["ok"]) for one in told] == [
        ("rol-7f3akq2m2a", True, True)
    ]
    assert told[0]["body"]["acts"][0] == {"name": "weight", "ok": True, "said": "0 % read back"}


def test_with_a_ledger_at_hand_it_is_told_at_once(place, capsys):
    run(capsys, "ledger", "note", "lunch.eaten", "canteen")
    code, out, _ = run(capsys, "rollback", "shop", "--json")
    assert code == 0
    assert json.loads(out)["entry"] == 1
    assert place.journals() == []
    assert len(list((place.folder / ".interlock/rollbacks/journal/told").glob("*.json"))) == 1


def test_twice_changes_nothing_more(place, capsys):
    assert run(capsys, "rollback", "shop")[0] == 0
    code, out, _ = run(capsys, "rollback", "shop")
    assert code == 0
    assert place.read("ran") == "ran\n"
    assert "was done already" in out
    assert "brought back before" in out


def test_a_step_that_cannot_be_verified_is_the_last_and_what_is_left_can_be_typed(place, capsys):
    place.program("restored", "echo still null; exit 1")
    code, out, _ = run(capsys, "rollback", "shop")
    assert code == 1
    assert "0 % read back" in out.splitlines()[0]
    assert "not verified: ./restored ended with 1: still null" in out
    lines = out.splitlines()
    assert [line.split()[-1] for line in lines if line.strip() in {"by hand  ./restore", "true"}] == [
        "./restore",
        "true",
    ]
    assert not place.kept().over


def test_a_router_that_takes_0_and_serves_5_is_not_believed(place, capsys):
    (place.folder / "liar").touch()
    code, out, _ = run(capsys, "rollback", "shop")
    assert code == 1
    assert out.startswith(" FAIL ")
    assert "nobody can say that its traffic is back" in out
    assert "5 % read back: the router took 0 % and serves something else" in out
    assert place.read("now.conf") == "max_days: 7\n"  # the steps were run all the same
    assert place.read("asked").count("0") > 3


def test_a_router_that_does_not_answer_stops_nobody(place, capsys):
    (place.folder / "broken").touch()
    began = time.monotonic()
    code, out, _ = run(capsys, "rollback", "shop")
    assert code == 1
    assert time.monotonic() - began < 8
    assert "take the canary out at command" in out
    assert place.read("now.conf") == "max_days: 7\n"
    assert place.journals()[0]["weight"] is None


def test_a_router_that_is_not_installed_is_told_and_the_steps_are_run(place, capsys):
    place.keep(router=PluginPlan(kind="gone", settings={}))
    code, out, _ = run(capsys, "rollback", "shop")
    assert code == 1
    assert "plugin-unknown" in out
    assert place.read("now.conf") == "max_days: 7\n"


def test_a_dry_run_shows_and_touches_nothing(place, capsys):
    code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert code == 0
    assert (place.read("weight"), place.read("asked"), place.read("ran")) == ("5\n", "", "")
    assert place.journals() == []
    for words in (
        "nothing was touched",
        "to 0 % at command, 5 % now",
        "restore: ./restore",
        "interlock rollback shop",
    ):
        assert words in out


def test_after_its_time_it_goes_back_all_the_same_and_says_so(place, capsys):
    place.keep(kept_until=NOW - timedelta(hours=1))
    code, out, _ = run(capsys, "rollback", "shop")
    assert code == 0
    assert "it may be gone" in out


@pytest.mark.parametrize("content", [None, b"{", b"{}"])
def test_without_a_record_nothing_is_touched_and_the_plan_is_told_as_commands(place, capsys, content):
    file = local_path(place.folder / ".interlock", "production", "shop")
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    (place.folder / "rollouts").mkdir()
    (place.folder / "rollouts/shop.yaml").write_text(PLAN)
    code, out, err = run(capsys, "rollback", "shop")
    assert (code, out) == (2, "")
    assert "[rollback-nothing]" in err
    assert "by hand, by rollouts/shop.yaml: set weight 0 at the command; cp before.conf now.conf" in err
    assert place.read("weight") == "5\n"


def test_a_misspelt_service_is_told_its_name(place, capsys):
    code, _, err = run(capsys, "rollback", "shpo")
    assert code == 2
    assert "did you mean `shop`?" in err


def test_another_environment_has_a_record_of_its_own(place, capsys):
    code, _, err = run(capsys, "rollback", "shop", "--environment", "staging")
    assert code == 2
    assert "there is one elsewhere: interlock rollback shop --environment production" in err
    place.keep(environment="staging")
    assert run(capsys, "rollback", "shop", "--environment", "staging")[0] == 0


def test_a_server_that_never_answers_is_asked_once_and_costs_three_seconds(place, capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("INTERLOCK_SERVER", f"http://127.0.0.1:{silent.getsockname()[1]}")
        code, out, _ = run(capsys, "rollback", "shop")
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert code == 0
    assert "not through the server: expected an answer from" in " ".join(out.split())
    assert place.read("weight") == "0\n"


def test_a_server_that_is_not_there_costs_nothing(place, capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setenv("INTERLOCK_SERVER", f"http://127.0.0.1:{port}")
    assert run(capsys, "rollback", "shop")[0] == 0
    assert place.read("weight") == "0\n"


def test_a_journal_that_cannot_be_written_stops_nobody(place, capsys):
    (place.folder / ".interlock/rollbacks/journal").write_text("a file where a folder should be")
    code, out, _ = run(capsys, "rollback", "shop")
    assert code == 0
    assert "expected to write" in out
    assert place.read("weight") == "0\n"


SCENES = json.loads((Path(__file__).parents[3] / "golden/cli/rollouts.json").read_text())


class Server(BaseHTTPRequestHandler):
    """Says what ``answers`` of its server say, by method; the last answer is repeated."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.asked.append(f"{self.command} {self.path}")
        answers = self.server.answers[self.command]
        status, said = answers.pop(0) if len(answers) > 1 else answers[0]
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *args: object) -> None:
        del args


@contextmanager
def serving(monkeypatch, **answers):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.answers, server.asked = answers, []
    monkeypatch.setenv("INTERLOCK_SERVER", f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refused(code: str) -> dict[str, str]:
    return {"detail": f"expected something else, got {code}", "code": code, "hint": "look"}


TAKEN = (201, {"rollout": "rol-7f3akq2m2a", "state": "returning"})


def test_a_server_that_answers_does_it_and_this_machine_touches_nothing(place, capsys, monkeypatch):
    going = {**SCENES["stopping"]["record"], "phase": "withdraw"}
    first = {**SCENES["stopping"], "record": going}
    with serving(monkeypatch, POST=[TAKEN], GET=[(200, first), (200, SCENES["returned"])]) as server:
        code, out, _ = run(capsys, "rollback", "shop", "--why", "odd")
    assert code == 0
    assert server.asked[0] == "POST /v1/services/shop/rollback"
    assert out.startswith(" BACK ")
    assert place.read("weight") == "5\n"
    assert place.journals() == []


def test_a_server_whose_way_back_failed_is_exit_1(place, capsys, monkeypatch):
    with serving(monkeypatch, POST=[TAKEN], GET=[(200, SCENES["failed"])]):
        code, out, _ = run(capsys, "rollback", "shop")
    assert code == 1
    assert out.startswith(" FAIL ")


def test_a_server_whose_worker_does_not_begin_is_not_waited_for(place, capsys, monkeypatch):
    record = {**SCENES["stopping"]["record"], "phase": "withdraw"}
    idle = {**SCENES["stopping"], "record": record, "effects": SCENES["stopping"]["effects"][:1]}
    with serving(monkeypatch, POST=[TAKEN, (201, {"indices": [7]})], GET=[(200, idle)]) as server:
        code, out, _ = run(capsys, "rollback", "shop")
    assert code == 0
    assert place.read("weight") == "0\n"
    assert "expected the server's worker to begin" in " ".join(out.split())
    assert server.asked[-1] == "POST /v1/rollbacks"
    assert "told as #7" in out


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_server_that_refuses_leads_to_the_local_record(place, capsys, monkeypatch, status):
    with serving(monkeypatch, POST=[(status, refused("no-token"))], GET=[(404, refused("none"))]):
        code, _, _ = run(capsys, "rollback", "shop")
    assert code == 0
    assert place.read("weight") == "0\n"
    assert len(place.journals()) == 1  # it waits for a server that takes it


def on_record(place: Place, **differs: object) -> dict[str, object]:
    return {**SCENES["starting"]["record"], "service": "shop", **differs}


def test_a_dry_run_while_another_rollout_starts_is_about_that_one(place, capsys, monkeypatch):
    """It showed how to go back from the rollout before, whose record this machine still had."""
    place.keep(rollout="rol-00000000older")
    with serving(monkeypatch, GET=[(200, {"items": [on_record(place)], "next": None})]) as server:
        code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert code == 0
    assert server.asked == ["GET /v1/rollouts?service=shop&environment=production&limit=1"]
    assert "nothing was touched; going back from shop would end rol-7f3akq2m2a" in out
    assert "rol-7f3akq2m2a is starting: 0 % served, no traffic has moved yet" in out
    assert "what this machine has kept is of rol-00000000older, an earlier one" in out
    assert "./restore" not in out
    assert (place.read("asked"), place.read("ran")) == ("", "")


def test_a_dry_run_where_nothing_is_kept_yet_asks_who_knows(place, capsys, monkeypatch):
    local_path(place.folder / ".interlock", "production", "shop").unlink()
    with serving(monkeypatch, GET=[(200, {"items": [on_record(place)], "next": None})]):
        code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "to type  interlock rollback shop")
    with serving(monkeypatch, GET=[(200, {"items": [], "next": None})]):
        assert run(capsys, "rollback", "shop", "--dry-run")[0] == 2


def test_a_dry_run_of_what_is_under_way_says_where_it_stands(place, capsys, monkeypatch):
    record = on_record(place, state="held", hold="paused", weight=5.0)
    with serving(monkeypatch, GET=[(200, {"items": [record], "next": None})]):
        code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert code == 0
    assert "rol-7f3akq2m2a is held, paused: 5 % served" in out
    assert "restore: ./restore" in out


def test_a_dry_run_goes_by_the_local_record_where_nobody_answers(place, capsys, monkeypatch):
    with serving(monkeypatch, GET=[(500, refused("broken"))]):
        code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert (code, "restore: ./restore" in out) == (0, True)


def test_whoever_waits_for_a_server_is_told_what_for(place, capsys, monkeypatch):
    """For seconds there was nothing on the terminal, in the one moment in which nobody has patience."""
    monkeypatch.setattr(rollback_asked, "SLOW_SECONDS", 0.0)
    going = {**SCENES["stopping"], "record": {**SCENES["stopping"]["record"], "phase": "withdraw"}}
    undoing = {**going, "record": {**going["record"], "phase": "undo", "weight": 0.0}}
    answers = [(200, going), (200, going), (200, undoing), (200, SCENES["returned"])]
    with serving(monkeypatch, POST=[TAKEN], GET=list(answers)):
        code, _, err = run(capsys, "rollback", "shop")
    assert code == 0
    lines = err.splitlines()
    assert lines[0].startswith("asking http://127.0.0.1:")
    assert lines[0].endswith(" to bring shop back")
    assert lines[1:3] == [
        "rol-7f3akq2m2a: traffic is taken away, 1 % served",
        "rol-7f3akq2m2a: the rollback steps are run, 0 % served",
    ]
    with serving(monkeypatch, POST=[TAKEN], GET=list(answers)):
        _, out, err = run(capsys, "rollback", "shop", "--json")
    assert (err, json.loads(out)["record"]["state"]) == ("", "returned")


def test_what_is_quick_says_nothing_of_waiting(place, capsys, monkeypatch):
    with serving(monkeypatch, POST=[TAKEN], GET=[(200, SCENES["returned"])]):
        assert run(capsys, "rollback", "shop")[2] == ""


def test_what_neither_knows_says_what_the_server_said(place, capsys, monkeypatch):
    local_path(place.folder / ".interlock", "production", "shop").unlink()
    with serving(monkeypatch, POST=[(404, refused("rollback-nothing"))], GET=[(404, refused("none"))]):
        code, _, err = run(capsys, "rollback", "shop")
    assert code == 2
    assert "the server said: expected something else, got rollback-nothing" in err
