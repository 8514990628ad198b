"""Statements found, shown and taken back by commands, in process and through a server."""

from __future__ import annotations

import subprocess

import httpx
import pytest

TOLD = "the canary metric is wrong"


def opened(terminal) -> str:
    return terminal.ok("change", "open").out.strip()


def found(terminal, *wanted: str) -> list[dict]:
    return terminal.ok("statement", "list", *wanted, "--json").json["items"]


def test_an_approval_is_found_shown_taken_back_and_shown_so(founded, terminal):
    change = opened(terminal)
    terminal.ok("approve", change, "--key", founded.key("vera"))
    (one,) = found(terminal, "--about", change)
    assert (one["standing"], one["statement"]["approver"]) == ("in-force", "vera")
    listed = terminal.ok("statement", "list", "--by", "vera", "--purpose", "approve").out
    assert listed.startswith(f"{one['id']} in-force   approve by vera · {change} ")
    done = terminal.ok("statement", "take-back", change, "--key", founded.key("vera"), "--reason", TOLD).out
    assert done.splitlines()[0].startswith(f"done     approve by vera · {change} ")
    assert f"→ production is taken back · {one['id']}" in " ".join(done.split())
    assert done.splitlines()[-1] == f"next     interlock change show {change}"
    shown = " ".join(terminal.ok("change", "show", change).out.split())
    assert "✗ vera's approval does not count" in shown
    assert f"UTC: {TOLD}" in shown
    assert "taken back by" in terminal.ok("statement", "show", one["id"]).out
    assert found(terminal, "--standing", "in-force", "--about", change) == []
    again = terminal("statement", "take-back", one["id"])
    assert (again.code, again.err.split("]")[0]) == (2, "error[statement-taken-back")


def test_an_exception_taken_back_is_on_the_changes_screen_and_in_its_json(founded, terminal):
    change = opened(terminal)
    vera = ("--key", founded.key("vera"))
    said = terminal(
        "exception", "grant", change, "--rule", "tier1-two-approvals", "--reason", "orders lost", *vera
    )
    assert (said.code, "software key" in said.out) == (1, True), "on record, and worth nothing on Tier-1"
    mine = ("statement", "take-back", change, "--as", "vera", "--purpose", "exception")
    assert terminal(*mine).err.startswith("error[reason-missing]"), "at this console omar is no vera"
    kept = terminal.ok(*mine, "--reason", "orders came back", "--json").json
    assert [one["right"] for one in kept["items"]] == ["administrator"]
    shown = " ".join(terminal.ok("change", "show", change).out.split())
    assert "✗ vera's exception does not count" in shown
    assert "orders came back" in shown
    told = terminal.ok("change", "show", change, "--json").json
    assert [one["statement"]["purpose"] for one in told["taken_back"]] == ["exception"]


def test_a_delegation_and_an_absence_are_taken_back_by_what_they_are(founded, terminal, monkeypatch):
    ana = ("--key", founded.key("ana"))
    terminal.ok("delegate", "cleo", *ana)
    terminal.ok("absence", "--days", "3", *ana)
    why = ("--reason", "back early")
    told = terminal.ok("statement", "take-back", "cleo", "--as", "ana", *why).out
    assert told.startswith("done     delegation by ana · cleo → production is taken back")
    refused = terminal("statement", "take-back", "--purpose", "absence", *ana, *why)
    assert refused.err.startswith("error[statement-not-yours]"), "the console is omar's, and ana alone is back"
    subprocess.run(["git", "config", "user.email", "ana@shop.example"], check=True, timeout=30)
    told = terminal.ok("statement", "take-back", "--purpose", "absence", *ana).out
    assert told.startswith("done     absence by ana · ana is taken back")
    assert found(terminal, "--standing", "taken-back", "--by", "ana") != []


def test_over_a_server_the_token_decides(server, terminal, built):
    """Ana's token is an administrator's: over others' words she says why, over her own she need not."""
    change = opened(terminal)
    assert terminal("approve", change, "--key", built.key("ana")).code == 1, "she opened it: on record, and void"
    terminal.ok("approve", change, "--key", built.key("vera"))
    both = {one["statement"]["approver"]: one["id"] for one in found(terminal, "--about", change)}
    assert 'right": "approver' in terminal.ok("statement", "take-back", both["ana"], "--json").out
    assert terminal("statement", "take-back", both["vera"]).err.startswith("error[reason-missing]")
    for principal, code in (("helper-bot", "agent-never"), ("ci", "scope-missing")):
        headers = {"authorization": f"Bearer {server.tokens[principal]}"}
        address = f"{server.address}/v1/statements/{both['vera']}/revocation"
        reply = httpx.post(address, headers=headers, json={"why": "x"})
        assert (reply.status_code, reply.json()["code"]) == (403, code)
    terminal.ok("statement", "take-back", both["vera"], "--reason", "vera's laptop was stolen")
    assert [one["standing"] for one in found(terminal, "--about", change)] == ["taken-back", "taken-back"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("take-back",), "change-unnamed"),
        (("take-back", "chg-none"), "statement-whose"),
        (("take-back", "chg-none", "--as", "vera"), "statement-none"),
        (("take-back", "chg-none", "--key", "no-such-file"), "key-missing"),
        (("take-back", "sig-none"), "record-unknown"),
        (("take-back", "sig-no/ne"), "path-unknown"),
        (("take-back", "sig-\x1b[2J"), "path-parameter"),
        (("show", "../tokens"), "path-parameter"),
        (("list", "--about", "a b"), "query-parameter"),
        (("list", "--after", "sig-none"), "record-unknown"),
    ],
)
def test_what_is_not_there_is_one_line_and_changes_nothing(founded, terminal, arguments, code):
    before = terminal.entries()
    said = terminal("statement", *arguments)
    assert (said.code, said.err.split("]")[0]) == (2, f"error[{code}")
    assert terminal.entries() == before
