"""Commands and the state they find: reading makes none, and what is there is said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from interlock.bootstrap import unbegun
from interlock.config import from_environment
from interlock.core.change.errors import IntegrityError, NotFound
from interlock.core.policy.modes import default_modes

READING = (
    ("change", "list"),
    ("change", "show", "chg-1"),
    ("statement", "list"),
    ("evidence", "list", "chg-1"),
    ("gate", "chg-1"),
    ("token", "list"),
    ("ticket", "pins"),
    ("change", "withdraw", "chg-1"),
)


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", READING, ids=" ".join)
@pytest.mark.parametrize("database", ["", "sqlite:///{folder}/deep/folder/x.db"], ids=["here", "named"])
def test_reading_where_nothing_is_says_so_and_makes_nothing(terminal, empty, monkeypatch, command, database):
    if database:
        monkeypatch.setenv("INTERLOCK_DATABASE", database.format(folder=empty))
    said = terminal(*command)
    assert said.code == 2
    assert said.err.startswith("error[state-missing]")
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("command", [("check",), ("rules", "show"), ("describe",), ("rules", "genesis", "--show")])
def test_what_the_working_tree_answers_needs_no_state(terminal, shop, command):
    said = terminal(*command)
    assert said.code in {0, 1}, said
    assert not (shop.root / ".interlock").exists()


def test_a_check_before_the_genesis_says_the_same_with_a_state(terminal, shop):
    before = json.loads(terminal("check", "--json").out)
    terminal.ok("token", "create", "ci", "--kind", "pipeline", "--scope", "read")
    after = json.loads(terminal("check", "--json").out)
    assert before["decision"]["outcome"] == after["decision"]["outcome"]
    assert [item["id"] for item in before["decision"]["obligations"]] == [
        item["id"] for item in after["decision"]["obligations"]
    ]


def test_no_state_keeps_nothing(empty):
    station = unbegun(from_environment({}, empty))
    with pytest.raises(IntegrityError):
        station.store.write(lambda tx: None)
    with pytest.raises(NotFound):
        station.store.checkpoint()
    with pytest.raises(IntegrityError):
        station.store.read(lambda tx: tx.put_blob(b""))
    assert station.store.read(lambda tx: (tx.log.last_at(), tuple(tx.log.entries("x")))) == (None, ())


def test_a_worktree_sees_the_changes_of_the_main_checkout(terminal, founded, tmp_path, monkeypatch):
    terminal.ok("change", "open", "--title", "Promise", "--base", "main")
    subprocess.run(["git", "worktree", "add", "-q", "--detach", tmp_path / "other"], cwd=founded.root, check=True)
    before = terminal.ok("change", "list", "--json").json
    monkeypatch.chdir(tmp_path / "other")
    assert terminal.ok("change", "list", "--json").json == before
    assert not (tmp_path / "other" / ".interlock").exists()


def test_a_lost_ticket_key_stops_the_gate_and_is_renewed_on_the_record(terminal, founded):
    key = founded.root / ".interlock" / "keys" / "ticket.key"
    key.unlink()
    said = terminal("rules", "show")
    assert (said.code, said.err.split(":")[0]) == (2, "error[key-missing]")
    assert str(key) in said.err
    done = terminal.ok("ticket", "new-key", "--why", "the disk is gone", "--json").json
    assert terminal.ok("ticket", "pins").out
    assert terminal.ok("ledger", "verify").out.startswith("✓")
    assert str(done["key"]).split("+", maxsplit=1)[0].endswith("/tickets")
    terminal.ok("rules", "show")


def test_a_lost_ledger_key_is_named_and_not_replaced(terminal, founded):
    key = founded.root / ".interlock" / "keys" / "ledger.key"
    key.unlink()
    for command in (("change", "list"), ("token", "create", "ci", "--kind", "pipeline", "--scope", "read")):
        said = terminal(*command)
        assert (said.code, said.err.split(":")[0]) == (2, "error[key-missing]")
        assert str(key) in said.err
    assert not key.exists()


def test_status_where_nothing_is_says_what_would_be_used_and_makes_nothing(terminal, empty):
    said = terminal.ok("status")
    assert f"sqlite:///{empty}/.interlock/interlock.db" in said.out
    assert "nothing there yet" in said.out
    assert list(empty.iterdir()) == []
    assert terminal.ok("status", "--json").json["state"]["begun"] is False


def test_status_names_database_keys_ledger_and_rules(terminal, founded):
    found = terminal.ok("status", "--json").json
    rules = terminal.ok("rules", "show", "--json").json
    assert found["rules"] == rules
    assert found["ledger"]["key"] == terminal.ok("ledger", "key").out.strip()
    assert found["ledger"]["size"] == terminal.entries()
    assert [each["fits"] for each in found["keys"]["files"].values()] == [True, True]
    said = terminal.ok("status").out
    for part in (rules["digest"], "✓ ledger.key", "✓ ticket.key", "the last checkpoint at"):
        assert part in said
    assert len(said.splitlines()) <= 12


def test_status_goes_on_where_something_is_wrong_and_exits_1(terminal, founded):
    (founded.root / ".interlock" / "keys" / "ticket.key").unlink()
    said = terminal("status", "--json")
    assert said.code == 1
    assert [each["code"] for each in said.json["wrong"]] == ["key-missing"]
    assert said.json["ledger"]["size"] > 0
    assert "✗ ticket.key" in terminal("status").out


def test_status_of_a_server(terminal, server, monkeypatch):
    found = terminal.ok("status", "--json").json
    assert found["server"]["address"] == server.address
    assert found["state"] is None
    assert found["rules"]["digest"].startswith("sha256:")
    assert found["ledger"]["size"] > 0
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:9")
    said = terminal("status", "--json")
    assert (said.code, [each["code"] for each in said.json["wrong"]]) == (1, ["server-unreachable"])
    assert "no answer" in terminal("status").out


def test_a_gate_without_a_server_tells_the_pipeline_page(terminal, shop, monkeypatch):
    monkeypatch.setenv("INTERLOCK_SERVER", "http://127.0.0.1:9")
    said = terminal("gate", "chg-1", "--format", "github")
    assert said.code == 3
    assert said.out.startswith("::error title=interlock, undecided::expected a server")
    assert "unset" not in said.err
    assert terminal("gate", "chg-1").out == ""


def test_people_are_listed_with_what_they_are_known_by(terminal, shop):
    found = terminal.ok("catalog", "people", "--json").json
    assert [each["name"] for each in found] == sorted(terminal.ok("rules", "show", "--json").json["people"])
    assert all(each["keys"] and each["emails"] for each in found if each["name"] in {"ana", "ben"})
    lines = terminal.ok("catalog", "people").out.splitlines()
    assert len(lines) == len(found)
    assert any("ana" in line and "1 key" in line and "✓" in line for line in lines)


def test_init_again_names_what_the_modes_that_are_there_enforce(terminal, shop):
    """It used to say what it would have enforced, and that everything else is only watched."""
    (shop.root / "policies" / "modes.yaml").write_text(default_modes(("tier1-two-approvals",)))
    said = terminal.ok("init", "--look-back", "30d").out
    assert "everything is there already; nothing was written" in said
    assert "by policies/modes.yaml, which stays as it is" in said
    assert "tier1-two-approvals" in said
    assert "the others only watch" not in said


def test_a_check_says_where_the_rules_of_the_working_tree_do_not_load(terminal, founded):
    path = founded.root / "policies" / "base" / "content.cedar"
    path.write_text(path.read_text() + "\nforbid (principal, action, resource) when { context.linez > 3 };\n")
    said = terminal("check")
    assert said.code == 1
    assert "these rules do not load: " in said.err
    assert "content.cedar" in said.err


def test_the_checklist_is_json_too(terminal, empty):
    assert terminal.ok("change", "checklist", "--json").json["text"] == terminal.ok("change", "checklist").out
