"""Settings, signatures, evidence, repositories and databases that cannot be used: refused, nothing changed."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.core.approval.sshsig import sign
from interlock.testing.signing import UnsafeNamedSigner


@pytest.mark.parametrize(
    ("name", "value", "exit_code", "code"),
    [
        ("INTERLOCK_SERVR", "x", 2, "setting-unknown"),
        ("INTERLOCK_SERVER", "ftp://x", 2, "setting-invalid"),
        ("INTERLOCK_PORT", "99999", 2, "setting-invalid"),
        ("INTERLOCK_LOG", "loud", 2, "setting-invalid"),
        ("INTERLOCK_DATABASE", "mysql://x", 2, "database-url"),
        ("INTERLOCK_SERVER", "http://127.0.0.1:1", 3, "server-unreachable"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(founded, terminal, monkeypatch, name, value, exit_code, code):
    before = terminal.entries()
    monkeypatch.setenv(name, value)
    said = terminal("change", "list")
    assert (said.code, said.err.partition(":")[0]) == (exit_code, f"error[{code}]")
    monkeypatch.delenv(name)
    assert terminal.entries() == before


def test_a_signature_over_something_else_is_refused(founded, terminal, tmp_path):
    name = terminal.ok("change", "open").out.strip()
    printed = terminal.ok("approve", name, "--print", "--as", "vera").out
    statement, signature = tmp_path / "s.json", tmp_path / "s.sig"
    statement.write_text(printed)
    files = ("--statement", statement, "--signature", signature)
    before = terminal.entries()
    signer = UnsafeNamedSigner("vera").private_key
    for armoured, code in (
        (sign(signer, b"something else", "approval@interlock.dev"), "signature-invalid"),
        (sign(signer, printed.encode(), "git"), "signature-namespace"),
        (sign(signer, printed.encode(), "approval@interlock.dev")[:-40], "signature-malformed"),
        ("", "signature-malformed"),
        ("-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(b"x" * 50).decode(), "signature-malformed"),
    ):
        signature.write_text(armoured)
        said = terminal("approve", name, *files)
        assert (said.code, said.err.partition(":")[0]) == (2, f"error[{code}]"), said
    assert terminal.entries() == before


def test_evidence_that_is_none_is_refused(founded, terminal, tmp_path):
    name = terminal.ok("change", "open").out.strip()
    before = terminal.entries()
    for file, content in (
        ("a.sarif", "{"),
        ("b.sarif", "[]"),
        ("c.xml", "<testsuite"),
        ("d.xml", '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><testsuite name="&b;"/>'),
        ("e.jsonl", '{"payload": "!", "payloadType": "x", "signatures": []}'),
        ("f.sarif", "[" * 50_000),
        ("g.xml", "<a>" * 50_000),
    ):
        (tmp_path / file).write_text(content)
        said = terminal("evidence", "add", name, tmp_path / file)
        assert said.code == 2, said
        assert len(said.err.splitlines()) == 2, said
    assert terminal.entries() == before


def test_outside_a_repository_there_is_nothing_to_read(tmp_path, monkeypatch, terminal):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    said = terminal("check")
    assert said.code == 2
    assert len(said.err.splitlines()) == 2


def test_a_database_that_is_none_is_an_outage_not_a_crash(founded, terminal):
    database = founded.root / ".interlock" / "interlock.db"
    for each in database.parent.glob("interlock.db*"):
        each.unlink()
    database.write_bytes(b"this is no database" * 1000)
    said = terminal("gate", "chg-x")
    assert said.code in {2, 3}, said
    assert len(said.err.splitlines()) == 2, said


def test_an_unreadable_repository_is_refused(founded, terminal):
    (founded.root / ".git" / "HEAD").write_text("garbage")
    said = terminal("check", "--base", "main")
    assert said.code in {2, 3}, said
    assert len(said.err.splitlines()) == 2, said


def test_a_command_interrupted_by_a_closed_pipe_says_nothing(founded):
    interlock = Path(sys.executable).with_name("interlock")
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {interlock} check --json | head -c 10"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
