"""``interlock rollback`` without a server: a real program as router, real steps, a real ledger told afterwards."""

from __future__ import annotations

import json
import socket
import stat
import time
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.rollout.local import local_path
from interlock.core.rollout.plan import PluginPlan, StepPlan
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


def test_a_program_that_is_not_there_is_told_as_that(place, capsys):
    """It was told as one that did not end in time, which sends people to look for what hangs."""
    step = StepPlan(name="flush", kind="other", run=("/nope/flush",), verify=("true",))
    place.keep(rollback=(step,))
    code, out, _ = run(capsys, "rollback", "shop")
    assert code != 0
    assert "/nope/flush could not be started: no such file or directory" in " ".join(out.split())
    assert "in time" not in out


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
    assert time.monotonic() - began < 20
    assert out.splitlines().count(f"         {place.folder}/set 0") == 1
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


@pytest.mark.parametrize(
    ("content", "settings", "plans"),
    [
        (None, b"", "rollouts"),
        (b"{", b"rollouts: release/plans\n", "release/plans"),
        (b"{}", b"[", "rollouts"),
    ],
)
def test_without_a_record_nothing_is_touched_and_the_plan_is_told_as_commands(
    place, capsys, content, settings, plans
):
    file = local_path(place.folder / ".interlock", "production", "shop")
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    (place.folder / "interlock.yaml").write_bytes(settings)
    (place.folder / plans).mkdir(parents=True)
    (place.folder / plans / "shop.yaml").write_text(PLAN)
    code, out, err = run(capsys, "rollback", "shop")
    assert (code, out) == (2, "")
    assert "[rollback-nothing]" in err
    assert f"by hand, by {plans}/shop.yaml: set weight 0: ./set 0; cp before.conf now.conf" in err
    assert place.read("weight") == "5\n"


def test_a_misspelt_service_is_told_its_name(place, capsys):
    code, _, err = run(capsys, "rollback", "shpo")
    assert code == 2
    assert "did you mean `shop`?" in err


def test_a_misspelt_service_is_told_its_name_also_by_a_plan_alone(place, capsys):
    """Where this machine has kept nothing the name was not guessed."""
    local_path(place.folder / ".interlock", "production", "shop").unlink()
    (place.folder / "rollouts").mkdir()
    (place.folder / "rollouts/shop.yaml").write_text(PLAN)
    code, _, err = run(capsys, "rollback", "shpo")
    assert (code, "did you mean `shop`?" in err) == (2, True)


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


def test_a_flag_that_only_the_server_moves_is_said_to_be_that(place, capsys, monkeypatch):
    """It advised to take the canary out at the flag by hand, which nobody can, after three seconds of trying."""
    monkeypatch.setattr("interlock.road.go_back.PATIENCE_SECONDS", 60.0)
    place.keep(router=PluginPlan(kind="flag", settings={"flag": "new-shop"}))
    began = time.monotonic()
    code, out, _ = run(capsys, "rollback", "shop")
    told = " ".join(out.split())
    assert code == 1
    assert time.monotonic() - began < 20
    assert "its flag was not moved, which only interlock's server can do" in told
    assert "flag-unserved: expected interlock's server, which serves the flag `new-shop`, got none here" in told
    assert "to type interlock rollback shop with INTERLOCK_SERVER set" in told
    assert "where none runs: interlock serve" in told
    assert "take the canary out" not in told
    assert "✓ restore" in out  # the steps were run all the same
