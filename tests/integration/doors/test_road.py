"""The road walked by commands, in process and through a server."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from interlock.core.approval.model import Statement
from interlock.core.change.parse import parse_json
from interlock.testing.signing import UnsafeNamedSigner


def opened(terminal) -> str:
    return terminal.ok("change", "open").out.strip()


def test_a_check_before_any_rules_are_in_force_uses_those_of_the_working_tree(shop, terminal):
    said = terminal("check")
    assert said.code == 1
    assert said.out.startswith("refused  production · ")
    assert "none are in force yet" in said.out
    assert terminal.entries() == 0


def test_the_first_rules_need_two_people(shop, terminal):
    first = terminal("rules", "genesis", "--key", shop.key("vera"))
    assert (first.code, first.out) == (1, "signed by vera; 1 more person is needed: interlock rules genesis\n")
    again = terminal("rules", "genesis", "--key", shop.key("vera"))
    assert again.code == 1
    second = terminal("rules", "genesis", "--key", shop.key("ana"))
    assert second.code == 0
    assert "signed by ana, vera" in second.out
    third = terminal("rules", "genesis", "--key", shop.key("ben"))
    assert third.err.startswith("error[genesis-done]")


def test_a_strangers_key_founds_nothing(shop, terminal):
    said = terminal("rules", "genesis", "--key", shop.key("stranger"))
    assert said.err.startswith("error[key-nobody]")
    forged = terminal("rules", "genesis", "--key", shop.key("stranger"), "--as", "ana")
    assert forged.err.startswith("error[key-not-theirs]")
    assert terminal.entries() == 0


def test_a_change_is_opened_shown_listed_refused_and_withdrawn(founded, terminal):
    name = opened(terminal)
    shown = terminal.ok("change", "show", name)
    assert shown.out.startswith(f"refused  {name} → production · ")
    assert name in terminal.ok("change", "list").out
    assert terminal.ok("change", "list", "--state", "permitted").out.startswith("no changes")
    gate = terminal("gate", name)
    assert gate.code == 1
    assert gate.out.startswith(f"refused  {name} → production · ")
    assert f"interlock approve {name}" in " ".join(gate.out.split())
    assert terminal.ok("change", "withdraw", name).out == f"withdrawn {name}\n"
    assert terminal("change", "withdraw", name).err.startswith("error[change-state]")


def test_the_same_content_is_opened_once(founded, terminal):
    name = opened(terminal)
    again = terminal("change", "open")
    assert (again.code, again.err.splitlines()[1]) == (2, f"  hint: interlock change show {name}")


def test_a_push_is_a_revision_and_the_gate_names_what_moved(founded, terminal):
    name = opened(terminal)
    file = founded.root / "config" / "delivery.yaml"
    file.write_text(file.read_text() + "extra: 1\n")
    subprocess_git("commit", "--quiet", "--no-gpg-sign", "-am", "more")
    gate = terminal("gate", name)
    assert gate.code == 1
    assert "(config/delivery.yaml)" in gate.out
    assert terminal.ok("change", "show", name, "--since-approval").out == "nobody has approved it yet\n"
    terminal.ok("approve", name, "--key", founded.key("vera"))
    assert terminal.ok("change", "show", name, "--since-approval").out.startswith(
        "nothing moved since vera approved"
    )
    pushed = terminal.ok("change", "push", name)
    since = terminal.ok("change", "show", name, "--since-approval")
    assert since.out.endswith("  config/delivery.yaml\n")
    assert terminal.ok("change", "show", name, "--since-approval", "--json").json["moved"] == [
        "config/delivery.yaml"
    ]
    assert pushed.out.startswith(f"{name} revision 2 · ")
    assert "(config/delivery.yaml)" not in terminal("gate", name).out


def subprocess_git(*arguments: str) -> None:
    who = ["-c", "user.name=Omar", "-c", "user.email=omar@shop.example"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True, timeout=30)


ORIGINS = ("git@git.example.com:acme/shop.git", "https://git.example.com:8443/acme/shop", "../elsewhere.git")


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_repository_with_an_origin_is_asked_for_like_any_other(founded, terminal, origin):
    """Its address has slashes and colons, which are no name of a record."""
    subprocess_git("remote", "add", "origin", origin)
    name = terminal.ok("change", "open").out.strip()
    gate = terminal("gate", name)
    assert (gate.code, gate.err) == (1, "")
    assert "nothing was shipped from here before" in " ".join(gate.out.split())


def test_an_approval_counts_and_an_authors_does_not(founded, terminal):
    name = opened(terminal)
    terminal.ok("approve", name, "--key", founded.key("vera"))
    own = terminal("approve", name, "--key", founded.key("omar"))
    assert (own.code, own.out.splitlines()[-1].split(":")[0]) == (1, "does not count")
    assert "`omar` wrote, pushed, opened or prompted this change" in " ".join(own.out.split())
    again = terminal("approve", name, "--key", founded.key("omar"), "--json")
    assert (again.code, again.json["void"].partition(":")[0]) == (1, "by an author")
    told = terminal.ok("change", "show", name, "--json").json
    assert [one["person"] for one in told["tally"]["counted"]] == ["vera"]
    assert {one["approver"] for one in told["tally"]["rejected"]} == {"omar"}
    refused = terminal("gate", name)
    assert "void omar: by an author" in " ".join(refused.out.split()), "the gate says why it does not count"


def test_a_statement_signed_elsewhere_is_brought_back(founded, terminal, tmp_path):
    name = opened(terminal)
    printed = terminal.ok("approve", name, "--print", "--as", "vera").out
    statement = tmp_path / "statement.json"
    statement.write_text(printed)
    signature = tmp_path / "statement.json.sig"
    signature.write_text(UnsafeNamedSigner("vera").sign(parse_json(Statement, printed, what="it")))
    files = ("--statement", statement, "--signature", signature)
    assert "approve by vera" in terminal.ok("approve", name, *files).out
    assert terminal("approve", name, *files).code == 2
    signature.write_text(UnsafeNamedSigner("ben").sign(parse_json(Statement, printed, what="it")))
    assert terminal("approve", name, *files).err.startswith("error[key-not-theirs]")


def test_ssh_keygen_signs_what_we_verify(founded, terminal, tmp_path):
    assert shutil.which("ssh-keygen"), "OpenSSH is among the system packages the tests need"
    name = opened(terminal)
    private = tmp_path / "vera"
    shutil.copy(founded.key("vera"), private)
    change_passphrase = ["ssh-keygen", "-q", "-p", "-f", str(private), "-N", "passphrase", "-P", ""]
    subprocess.run(change_passphrase, check=True, capture_output=True, timeout=30)
    (tmp_path / "vera.pub").write_text(UnsafeNamedSigner("vera").public_key.line + "\n")
    asked = tmp_path / "askpass"
    asked.write_text("#!/bin/sh\necho passphrase\n")
    asked.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSH_ASKPASS", str(asked))
        patch.setenv("SSH_ASKPASS_REQUIRE", "force")
        assert "possession" in terminal.ok("approve", name, "--key", private).out


@pytest.mark.parametrize("form", ["text", "json", "github", "gitlab"])
def test_the_gate_speaks_four_formats(founded, terminal, tmp_path, monkeypatch, form):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    name = opened(terminal)
    said = terminal(
        "gate", name, "--format", form, "--ticket-file", tmp_path / "ticket", "--report-file", tmp_path / "r.xml"
    )
    assert said.code == 1
    assert not (tmp_path / "ticket").exists()
    if form == "json":
        assert said.json["outcome"] != "allow"
    if form == "github":
        assert said.out.count("::error title=interlock::") == len(terminal("gate", name, "--json").json["reasons"])
        assert "## interlock: refused" in (tmp_path / "summary.md").read_text()
        assert (tmp_path / "output").read_text().startswith("outcome=")
    if form == "gitlab":
        assert (tmp_path / "r.xml").read_bytes().startswith(b"<?xml")
        assert (tmp_path / "r.xml").read_text().count("<failure") > 5


def test_evidence_from_nobody_trusted_is_self_attested(founded, terminal, tmp_path):
    name = opened(terminal)
    report = tmp_path / "results.xml"
    report.write_text('<testsuite name="s" tests="1"><testcase classname="c" name="t"/></testsuite>')
    said = terminal.ok("evidence", "add", name, report)
    assert "self-attested" in said.out
    assert "self-attested" in terminal.ok("evidence", "list", name).out


def test_the_checklist_filled_in_is_read_without_a_problem(founded, terminal):
    form = terminal.ok("change", "checklist").out
    filled = form.replace("plan:", "plan: go faster").replace("metric:", "metric: orders_total")
    filled = filled.replace("  -\n", "  - as it was agreed with the team\n")
    (founded.root / "change.md").write_text(filled)
    told = terminal.ok("describe", "--json").json["documentation"]
    assert (told["present"], told["problems"], told["plan"]) == (True, [], "go faster")
    assert told["failure_modes"] == ["as it was agreed with the team"]


def test_absence_and_delegation_are_statements_about_the_rules_in_force(founded, terminal):
    assert "absence by ben" in terminal.ok("absence", "--days", "3", "--key", founded.key("ben")).out
    assert "delegation by ana" in terminal.ok("delegate", "cleo", "--key", founded.key("ana")).out


def test_json_is_what_the_api_answered(founded, terminal):
    name = opened(terminal)
    for arguments in (
        ("change", "show", name),
        ("change", "list"),
        ("rules", "show"),
        ("evidence", "list", name),
        ("token", "list"),
    ):
        assert isinstance(json.loads(terminal.ok(*arguments, "--json").out), dict)
    assert isinstance(json.loads(terminal("check", "--json").out), dict)
    assert isinstance(json.loads(terminal("describe", "--json").out), dict)


def test_a_head_pinned_at_opening_does_not_hide_what_is_checked_out(founded, terminal):
    """The gate once read the commit that the opener had named, whatever the pipeline was about to ship."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    name = terminal.ok("change", "open", "--base", "main", "--head", head, "--title", "x").out.split()[0]
    file = founded.root / "config" / "delivery.yaml"
    file.write_text(file.read_text() + "extra: 1\n")
    subprocess_git("commit", "--quiet", "--no-gpg-sign", "-am", "more")
    gate = terminal("gate", name)
    assert gate.code == 1
    assert "digest moved" in gate.out
    said = " ".join(gate.out.split())
    assert "note what is here is not on record: first interlock change push chg-" in said
    assert said.endswith("then have it approved")
