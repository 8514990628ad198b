"""``evidence run rehearsal`` whole: a staging of real files, a runner's key, and what the gate makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from interlock.plugins.world.programs import born
from interlock.testing.signing import UnsafeNamedSigner
from interlock.testing.stack.server import Server

PLAN = """\
service: order-service
environment: staging
objective: {objective}
driver: {{kind: command}}
apply:
  - name: configuration
    run: {there}
    verify: [cmp, config/delivery.yaml, ../staging/delivery.yaml]
  - {{name: flag, run: [touch, ../staging/five-days.on], verify: [test, -e, ../staging/five-days.on]}}
rollback:
  - {{name: flag, run: {flag}, verify: ["true"]}}
  - {{name: configuration, run: {configuration}, verify: ["true"]}}
probes:
  - {{name: configuration, kind: run, run: [cat, ../staging/delivery.yaml]}}
  - {{name: flags, kind: files, paths: ["../staging/*.on"]}}
"""
BACK = {
    "there": "[cp, config/delivery.yaml, ../staging/delivery.yaml]",
    "objective": "60s",
    "flag": "[rm, -f, ../staging/five-days.on]",
    "configuration": '[sh, -c, "git show ${ROLLOUT_BASE:?}:config/delivery.yaml > ../staging/delivery.yaml"]',
}


@pytest.fixture
def shop(governed):
    """``shop(**plan)``: the shop with that plan in force, its staging beside it, the change open here."""

    def made(**plan):
        content = PLAN.format(**{**BACK, **plan}).encode()
        folder = governed({"rehearsals/order-service.yaml": content})
        (folder / "staging").mkdir()
        before = subprocess.check_output(["git", "show", "main:config/delivery.yaml"], timeout=30)
        (folder / "staging" / "delivery.yaml").write_bytes(before)
        return folder

    return made


def rehearse(terminal, place, *more):
    return terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem", *more)


def staging(place):
    return {path.name: path.read_text() for path in sorted((place / "staging").iterdir())}


def journals(place):
    return sorted((place / "shop" / ".interlock" / "rehearsals").glob("*.jsonl"))


def test_a_way_back_that_holds_is_signed_and_meets_the_obligation(shop, terminal, judged):
    place = shop()
    before = staging(place)
    assert not judged.met("rollback-rehearsed")
    done = rehearse(terminal, place, "--out", place / "copy.dsse", "--json")
    found = done.json["items"][0]
    assert done.code == 0, done
    assert (found["verdict"], found["good"], found["left_count"]) == ("passed", True, 0)
    assert [one["name"] for one in found["rolled_back"]] == ["flag", "configuration"]
    assert found["evidence"]["kept"]["standing"] == "trusted"
    assert "five-days.on" in " ".join(found["changed"])
    assert judged.met("rollback-rehearsed")
    assert not judged.fired("rollback-in-time")
    assert staging(place) == before
    kept = place / "shop" / ".interlock" / "evidence" / f"{found['run']}.dsse"
    assert kept.read_bytes() == (place / "copy.dsse").read_bytes()


@pytest.mark.parametrize(
    ("forgotten", "left"),
    [
        ({"flag": "['true']"}, "flags: ../staging/five-days.on is there and was not"),
        ({"configuration": "['true']"}, "configuration: line 3 was max_days: 7, is max_days: 5"),
    ],
)
def test_what_going_back_forgets_is_named_and_the_obligation_stays_open(shop, terminal, judged, forgotten, left):
    place = shop(**forgotten)
    done = rehearse(terminal, place)
    said = " ".join(done.out.split())
    assert done.code == 1
    assert said.startswith("FAIL order-service in staging: going back was tried and does not hold")
    assert left in said
    assert "trusted · signed by ci" in said
    assert not judged.met("rollback-rehearsed")
    again = rehearse(terminal, place)
    assert (again.code, again.err.split("]")[0].split("[")[1]) == (2, "rehearsal-dirty")
    assert left.split(" is ")[0].split(" was ")[0] in again.err


def test_a_way_back_that_takes_too_long_says_by_how_much(shop, terminal, judged):
    place = shop(objective="0.2s", flag='[sh, -c, "sleep 0.5; rm -f ../staging/five-days.on"]')
    done = rehearse(terminal, place, "--json")
    found = done.json["items"][0]
    assert (done.code, found["verdict"], found["good"]) == (1, "passed", False)
    assert found["late_seconds"] == pytest.approx(found["seconds"] - 0.2, abs=0.002)
    assert judged.met("rollback-rehearsed")
    assert judged.fired("rollback-in-time")


def test_without_a_key_it_is_a_look(shop, terminal):
    place = shop()
    assert "error[file-unwritable]" in terminal("evidence", "run", "rehearsal", "--out", "/none/x").err
    done = terminal("evidence", "run", "rehearsal")
    assert (done.code, "none handed in: nobody signed it" in " ".join(done.out.split())) == (0, True)
    assert terminal.ok("evidence", "list", "--json").json["items"] == []
    assert staging(place).keys() == {"delivery.yaml"}


def test_a_key_that_the_rules_do_not_know_is_said_first_and_does_not_count(shop, terminal, judged, tmp_path):
    place = shop()
    stranger = UnsafeNamedSigner("stranger").private_key
    private = stranger.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (place / "stranger.pem").write_bytes(private)
    done = terminal("evidence", "run", "rehearsal", "--key", place / "stranger.pem")
    assert done.err.startswith("doubt    no runner that `trust.runners` names has the key in")
    assert "untrusted · does not count: signed by nobody" in " ".join(done.out.split())
    assert not judged.met("rollback-rehearsed")


def test_what_is_not_the_change_is_not_rehearsed(shop, terminal):
    place = shop()
    config = place / "shop" / "config" / "delivery.yaml"
    config.write_text(config.read_text().replace("5", "6"))
    edited = rehearse(terminal, place)
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "six"], check=True, timeout=30)
    moved = rehearse(terminal, place)
    assert [one.err.split("]")[0] for one in (edited, moved)] == ["error[evidence-edited", "error[evidence-moved"]
    assert "config/delivery.yaml" in edited.err
    assert "digest moved" in moved.err
    subprocess.run(["git", "switch", "--quiet", "main"], check=True, timeout=30)
    base = rehearse(terminal, place)
    assert (base.code, base.err.split("]")[0]) == (2, "error[evidence-moved"), "it said: commit first"
    assert "check out the change's own branch" in base.err
    assert staging(place).keys() == {"delivery.yaml"}
    assert journals(place) == []


def test_the_plan_is_that_of_the_rules_in_force_whatever_lies_in_the_checkout(shop, terminal):
    place = shop()
    plan = place / "shop" / "rehearsals" / "order-service.yaml"
    plan.write_text(PLAN.format(**{**BACK, "flag": "['true']"}))
    subprocess.run(["git", "update-index", "--assume-unchanged", str(plan)], check=True, timeout=30)
    assert terminal("evidence", "run", "rehearsal").err.startswith("error[evidence-edited]")
    plan.write_text(PLAN.format(**BACK))
    assert rehearse(terminal, place).code == 0


def test_a_program_that_is_not_there_leaves_it_undecided_and_untouched(shop, terminal):
    place = shop(flag="[no-such-program]")
    done = rehearse(terminal, place)
    assert (done.code, done.out[:7]) == (3, "UNKNOWN")
    assert "needs `no-such-program` for step flag" in " ".join(done.out.split())
    assert terminal.ok("evidence", "list", "--json").json["items"] == []
    assert staging(place).keys() == {"delivery.yaml"}


@pytest.mark.parametrize("service", ["cart", "order-servce"])
def test_a_service_without_a_plan_is_told_which_there_are(shop, terminal, service):
    shop()
    done = terminal("evidence", "run", "rehearsal", "--service", service)
    assert (done.code, done.err.split("]")[0]) == (2, "error[rehearsal-none")
    assert ("(did you mean `order-service`?)" in done.err) == (service != "cart")
    assert "there are: order-service in staging" in done.err
    done = terminal("evidence", "run", "rehearsal", "--environment", "production")
    assert "order-service in staging" in done.err


# the runner is a process of its own here: it is killed and interrupted

SLOW = '[sh, -c, "sleep {seconds}; git show ${{ROLLOUT_BASE:?}}:config/delivery.yaml > ../staging/delivery.yaml"]'


def running(place, until, **environment):
    """A rehearsal in a process of its own, once its progress says ``until``."""
    command = [sys.executable, "-m", "interlock", "evidence", "run", "rehearsal", "--key", "../runner.pem"]
    started = subprocess.Popen(
        command,
        cwd=place / "shop",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    said = ""
    while until not in said:
        line = started.stderr.readline()
        assert line, (said, started.wait(30))
        said += line
    return started


@pytest.mark.parametrize("until", ["there: configuration done", "what the change did"])
def test_whoever_is_killed_half_way_is_followed_by_recovery(shop, terminal, until):
    place = shop()
    before = staging(place)
    killed = running(place, until)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert staging(place) != before
    done = terminal("evidence", "recover")
    assert (done.code, done.out[:4]) == (0, "BACK"), done
    assert staging(place) == before
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


def test_a_run_whose_journal_is_lost_is_told_by_the_record_until_somebody_says_that_all_is_well(
    shop, terminal, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    place = shop()
    killed = running(place, "what the change did")
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    journal = next((place / "shop" / ".interlock" / "rehearsals").glob("*.jsonl"))
    journal.unlink()
    done = terminal("evidence", "recover")
    said = " ".join(done.out.split())
    assert done.code == 1, done
    assert said.startswith(f"DIRTY {journal.stem} by chg-")
    assert "in staging: it goes on, says the record, and its journal is not here; on " in said
    assert "then: interlock evidence recover staging --accept" in said
    assert max(map(len, done.out.splitlines())) <= 80
    assert terminal("evidence", "recover", "other").out.startswith("nothing is half-way")
    assert terminal("evidence", "recover", "--accept").code == 1, "of which environment must be said"
    closed = terminal("evidence", "recover", "staging", "--accept", "--json")
    assert [(one["run"], one["ended"]) for one in closed.json["items"]] == [(journal.stem, "accepted")]
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


def test_nothing_is_rehearsed_where_a_run_whose_journal_is_lost_left_off(shop, terminal):
    place = shop()
    killed = running(place, "what the change did")
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    journal = next((place / "shop" / ".interlock" / "rehearsals").glob("*.jsonl"))
    journal.unlink()
    there = staging(place)
    done = terminal("evidence", "run", "rehearsal", "--key", place / "runner.pem")
    assert (done.code, done.out) == (2, ""), done
    assert f"got {journal.stem} by chg-" in done.err
    assert "interlock evidence recover staging --accept" in done.err
    assert staging(place) == there, "nothing was touched"
    assert "under way" not in terminal("evidence", "recover").out.replace(journal.stem, "")
    accepted = terminal("evidence", "recover", "staging", "--accept", "--json").json["items"]
    assert [one["run"] for one in accepted] == [journal.stem], "the refused one is over"


def test_a_record_that_cannot_be_asked_leaves_it_undecided(shop, terminal, monkeypatch):
    shop()
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:1")
    monkeypatch.setenv("INTERLOCK_TOKEN", "ilk_" + "x" * 40)
    done = terminal("evidence", "recover")
    assert (done.code, done.out) == (3, ""), done
    assert "so a rehearsal whose journal is lost is not seen" in done.err


def test_a_server_that_is_killed_meanwhile_leaves_nothing_applied_and_the_statement_in_a_file(
    shop, terminal, judged
):
    """The runner needs nobody to go back; what it signed is handed in once the server is there again."""
    place = shop(configuration=SLOW.format(seconds=1))
    before = staging(place)
    server = Server(place / "shop")
    try:
        server.start()
        going = running(place, "there: configuration done", **server.reached_by)
        server.kill()
        out, err = going.communicate(timeout=60)
    finally:
        server.close()
    assert (going.returncode, out[:4]) == (3, "BACK"), (out, err)
    assert staging(place) == before
    assert "is not on record" in err
    assert judged.light("rehearsal")["state"] == "running", "nobody has told the record yet"
    assert terminal("evidence", "recover").out.startswith("BACK"), "what is over is told to the record"
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")
    (kept,) = (place / "shop" / ".interlock" / "evidence").glob("*.dsse")
    assert kept.name in out
    terminal.ok("evidence", "add", kept)
    assert judged.met("rollback-rehearsed")


ONCE = (
    '[sh, -c, "test -e ../once || { echo $$ > ../new; mv ../new ../once; sleep 300; touch ../staging/late.on; }; '
    'rm -f ../staging/five-days.on"]'
)


def test_a_program_that_outlives_its_runner_is_ended_before_anything_is_brought_back(shop, terminal):
    place = shop(flag=ONCE)
    before = staging(place)
    killed = running(place, "what the change did")
    while not (place / "once").exists():
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    done = terminal("evidence", "recover")
    assert (done.code, done.out[:4]) == (0, "BACK"), done
    assert "was still running, and was ended" in done.err
    assert staging(place) == before
    program, end = int((place / "once").read_text()), time.monotonic() + 30
    while born(program) and time.monotonic() < end:
        time.sleep(0.05)
    assert not born(program), "nothing comes after it"


def test_a_change_that_cannot_be_applied_is_not_called_a_way_back_that_does_not_hold(shop, terminal):
    done = rehearse(terminal, shop(there='["false"]'))
    said = " ".join(done.out.split())
    assert (done.code, said[:4]) == (1, "FAIL"), done
    assert "the change could not be applied, so going back from it is not shown" in said
    assert "going back was tried" not in said
    assert "no probe" not in said


def test_what_stays_as_it_is_is_told_until_somebody_says_that_it_should_be_so(shop, terminal):
    place = shop(flag="['true']")
    assert rehearse(terminal, place).code == 1
    for _ in range(2):
        dirty = terminal("evidence", "recover", "staging")
        assert (dirty.code, dirty.out[:5]) == (1, "DIRTY")
        assert "five-days.on is there and was not" in " ".join(dirty.out.split())
        assert "did not bring everything back at 20" in dirty.err
        assert "half-way" not in dirty.err, "it was over"
    elsewhere = terminal("evidence", "recover", "stagin")
    assert (elsewhere.code, elsewhere.err[:26]) == (2, "error[rehearsal-elsewhere]")
    closed = terminal("evidence", "recover", "staging", "--accept", "--json")
    (one,) = closed.json["items"]
    assert (closed.code, one["ended"], len(one["left"])) == (0, "accepted", 1), "what was accepted is said"
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


def test_a_place_that_has_become_production_meanwhile_is_left_alone(shop, terminal):
    place = shop(flag="['true']")
    assert rehearse(terminal, place).code == 1
    rules = place / "shop" / "interlock.yaml"
    rules.write_text(rules.read_text().replace("staging: {}", "staging: {production: true}"))
    refused = terminal("evidence", "recover")
    assert (refused.code, refused.err[:27]) == (2, "error[rehearsal-production]"), refused
    assert terminal("evidence", "recover", "staging", "--accept").out.startswith("CLOSED")


def test_the_next_rehearsal_brings_back_first_what_was_left(shop, terminal):
    place = shop()
    killed = running(place, "there: configuration done")
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    done = rehearse(terminal, place)
    assert done.code == 0, done
    assert "was left half-way" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_goes_back_and_says_so(shop, terminal, number):
    place = shop()
    before = staging(place)
    stopped = running(place, "there: configuration done")
    stopped.send_signal(number)
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert "stopped  rolled back: every probe sees in staging what it saw before" in said
    assert "nothing half-done" not in said
    assert staging(place) == before
    assert terminal("evidence", "recover").out.startswith("nothing is half-way")


def test_two_at_once_do_not_see_one_anothers_traces(shop, terminal):
    place = shop(configuration=SLOW.format(seconds=3))
    first = running(place, "back: flag done")
    second = rehearse(terminal, place)
    assert (second.code, second.err.split("]")[0]) == (2, "error[rehearsal-running")
    out, _ = first.communicate(timeout=60)
    assert out.startswith("BACK")
