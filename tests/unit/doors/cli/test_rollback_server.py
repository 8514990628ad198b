"""``interlock rollback`` with a server: who does it, what is said meanwhile, and what a dry run asks."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from interlock.core.rollout.local import local_path
from interlock.doors.cli import rollback_asked
from interlock.doors.cli.main import main

SCENES = json.loads((Path(__file__).parents[3] / "golden/cli/rollouts.json").read_text())


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


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
    assert server.asked[-2:] == ["POST /v1/rollbacks", "GET /v1/rollouts/rol-7f3akq2m2a"]
    assert "told as #7" in out
    assert "a worker closes it: interlock serve" in " ".join(out.split())


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_server_that_refuses_leads_to_the_local_record(place, capsys, monkeypatch, status):
    with serving(monkeypatch, POST=[(status, refused("no-token"))], GET=[(404, refused("none"))]):
        code, _, _ = run(capsys, "rollback", "shop")
    assert code == 0
    assert place.read("weight") == "0\n"
    assert len(place.journals()) == 1  # it waits for a server that takes it


def on_record(**differs) -> dict[str, object]:
    return {**SCENES["starting"]["record"], "service": "shop", **differs}


def test_a_dry_run_while_another_rollout_starts_is_about_that_one(place, capsys, monkeypatch):
    """It showed how to go back from the rollout before, whose record this machine still had."""
    place.keep(rollout="rol-00000000older")
    with serving(monkeypatch, GET=[(200, {"items": [on_record()], "next": None})]) as server:
        code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert code == 0
    assert server.asked == ["GET /v1/rollouts?service=shop&environment=production&limit=1"]
    assert "nothing was touched; going back from shop would end rol-7f3akq2m2a" in out
    assert "rol-7f3akq2m2a is starting: 0 % served, no traffic has moved yet" in out
    assert "what this machine has kept is of rol-00000000older, an earlier one" in out
    assert "./restore" not in out
    assert (place.read("asked"), place.read("ran")) == ("", "")


def listed(*records: dict[str, object]) -> tuple[int, dict[str, object]]:
    return 200, {"items": list(records), "next": None}


def test_while_another_rollout_starts_the_one_before_is_not_undone(place, capsys, monkeypatch):
    """The dry run spoke of the one that starts; the run restored what the one before had brought, and said 0."""
    place.keep(rollout="rol-00000000older")
    answers = {"POST": [(500, refused("broken"))], "GET": [listed(on_record(state="running", weight=5.0))]}
    with serving(monkeypatch, **answers) as server:
        code, out, _ = run(capsys, "rollback", "shop", "--why", "odd")
    said = " ".join(out.split())
    assert code == 1
    assert server.asked[1] == "GET /v1/rollouts?service=shop&environment=production&limit=1"
    assert (place.read("weight"), place.read("ran")) == ("0\n", "")
    assert not place.kept().over
    assert out.startswith(" FAIL ")
    assert "0 % read back" in said
    assert "its steps were not run here" in said
    assert "rol-7f3akq2m2a is running: 5 % served" in said
    assert "what this machine has kept is of rol-00000000older, an earlier one" in said
    assert "not reached: rol-7f3akq2m2a may go on until it is told" in said
    [journal] = place.journals()
    assert (journal["rollout"], journal["ok"], journal["weight"]) == ("rol-7f3akq2m2a", False, 0)
    assert [act["name"] for act in journal["acts"]] == ["weight"]


def test_what_was_taken_away_from_the_newest_is_told_of_it(place, capsys, monkeypatch):
    place.keep(rollout="rol-00000000older")
    answers = {"POST": [(500, refused("broken")), (201, {"indices": [7]})], "GET": [listed(on_record())]}
    with serving(monkeypatch, **answers):
        code, out, _ = run(capsys, "rollback", "shop")
    assert code == 1
    assert "told as #7" in out
    assert "whoever moves rol-7f3akq2m2a goes back with it" in " ".join(out.split())
    assert place.journals() == []


def test_local_asks_nobody_and_goes_by_what_is_kept(place, capsys, monkeypatch):
    place.keep(rollout="rol-00000000older")
    with serving(monkeypatch, POST=[(500, refused("broken"))], GET=[listed(on_record())]) as server:
        code, _, _ = run(capsys, "rollback", "shop", "--local")
    assert (code, place.read("ran")) == (0, "ran\n")
    assert server.asked == ["POST /v1/rollbacks"]


@pytest.mark.parametrize("said", [{"items": "none"}, {}, {"items": [{"id": 7}]}])
def test_an_answer_that_is_none_stops_nobody(place, capsys, monkeypatch, said):
    with serving(monkeypatch, POST=[(500, refused("broken"))], GET=[(200, said)]):
        code, _, _ = run(capsys, "rollback", "shop")
    assert (code, place.read("ran")) == (0, "ran\n")


def test_a_dry_run_where_nothing_is_kept_yet_asks_who_knows(place, capsys, monkeypatch):
    local_path(place.folder / ".interlock", "production", "shop").unlink()
    with serving(monkeypatch, GET=[(200, {"items": [on_record()], "next": None})]):
        code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "to type  interlock rollback shop")
    with serving(monkeypatch, GET=[(200, {"items": [], "next": None})]):
        assert run(capsys, "rollback", "shop", "--dry-run")[0] == 2


def test_a_dry_run_of_what_is_under_way_says_where_it_stands(place, capsys, monkeypatch):
    record = on_record(state="held", hold="paused", weight=5.0)
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
        "rol-7f3akq2m2a: its traffic is being taken away, 1 % served",
        "rol-7f3akq2m2a: the rollback steps are being run, 0 % served",
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


def test_what_failed_on_its_way_back_is_what_a_dry_run_is_about(place, capsys, monkeypatch):
    """It showed the rollout before, which this machine still had, and which nobody meant."""
    place.keep(rollout="rol-00000000older")
    failed = on_record(state="failed", phase="over", ended_at="2026-03-05T03:12:40Z")
    with serving(monkeypatch, GET=[listed(failed)]):
        code, out, _ = run(capsys, "rollback", "shop", "--dry-run")
    assert code == 0
    assert "going back from shop would end rol-7f3akq2m2a" in out
    assert "rol-7f3akq2m2a is failed: 0 % served" in out


@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_where_it_looked_and_that_the_server_did_not_answer_is_said(place, capsys, monkeypatch, how):
    """In a wrong folder, with the server down, it advised to set INTERLOCK_SERVER, which was set."""
    local_path(place.folder / ".interlock", "production", "shop").unlink()
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:9")
    code, _, err = run(capsys, "rollback", "shop", *how)
    assert code == 2
    assert f"got none in `{place.folder}/.interlock/rollbacks`" in err
    assert "; the server did not answer: expected a server at `http://127.0.0.1:9`, got no connection" in err
    assert "hint: run it in the folder that interlock serve was started in" in err
    assert "set INTERLOCK_SERVER" not in err


def test_a_server_that_was_not_asked_is_advised_and_one_that_is_not_named(place, capsys, monkeypatch):
    local_path(place.folder / ".interlock", "production", "shop").unlink()
    assert "started in, or set INTERLOCK_SERVER" in run(capsys, "rollback", "shop")[2]
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:9")
    err = run(capsys, "rollback", "shop", "--local")[2]
    assert "started in, or ask the server: leave --local out" in err


def test_a_dry_run_of_what_neither_knows_says_what_the_server_said(place, capsys, monkeypatch):
    local_path(place.folder / ".interlock", "production", "shop").unlink()
    with serving(monkeypatch, GET=[listed()]):
        code, _, err = run(capsys, "rollback", "shop", "--dry-run")
    assert code == 2
    assert "; the server said: expected a rollout of `shop` in `production` with something to bring back" in err
