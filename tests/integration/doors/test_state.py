"""Commands and the state they find: reading makes none, and what is there is said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from interlock.bootstrap import unbegun
from interlock.config import from_environment
from interlock.core.change.errors import IntegrityError, NotFound

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
