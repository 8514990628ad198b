"""``evidence run scan`` whole: both sides of a change from git, the real scanners, the rules, and the gate."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

APP = """\
import pickle
import sqlite3

from flask import Flask, request
from flask_login import login_required

app = Flask(__name__)


@app.route("/orders")
@login_required
def orders():
    return sqlite3.connect("shop").execute("SELECT id FROM orders").fetchall()


def old_carts(name):
    return sqlite3.connect("shop").execute("SELECT id FROM carts WHERE owner = '%s'" % name)


def older_carts(content):
    return pickle.loads(content)
"""
INJECTION = """

def find(name):
    return sqlite3.connect("shop").execute(f"SELECT id FROM orders WHERE name = '{name}'")  # nosec
"""
STEPS = """

def orders_of(name, most):
    sql = "SELECT id FROM orders"
    if name:
        sql += " WHERE name = '{}'".format(name)
    return asked(sql + " LIMIT %d" % most)


def asked(sql):
    return sqlite3.connect("shop").execute(sql).fetchall()
"""
ACCESS = """

@app.route("/orders/<number>", methods=["DELETE"])
def drop(number):
    return sqlite3.connect("shop").execute("DELETE FROM orders WHERE id = ?", (number,)).fetchall()
"""
TOKEN = """

def who(token):
    import jwt

    return jwt.decode(token, options={"verify_signature": False})
"""
DESERIALIZATION = """

def cart():
    return pickle.loads(request.get_data())  # nosec B301
"""
KEY = "AKIA" + "Z3MQ7PLX2KVN8RTW"
SECRET = f"""

AWS = "{KEY}"  # pragma: allowlist secret
"""


def git(*words):
    return subprocess.run(
        ["git", "-c", "user.email=omar@shop.example", "-c", "user.name=Omar", *words],
        check=True, timeout=30, capture_output=True, text=True,
    ).stdout  # fmt: skip


@pytest.fixture
def shop(governed, terminal):
    """``shop(**files)``: the shop with its code, in which an assistant then writes these files; where it lies."""

    def made(wanted, base=None, rules=None, message="Write it\n\nAssisted-by: q:sonnet-4.5 [edit]"):
        place = governed({"src/app.py": APP.encode(), **(base or {}), **(rules or {})})
        pushed(terminal, wanted, message)
        return place

    return made


def pushed(terminal, wanted, message="Write it\n\nAssisted-by: q:sonnet-4.5 [edit]"):
    for path, content in wanted.items():
        file = Path(path)
        if content is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    git("add", "--all")
    git("commit", "--quiet", "--message", message)
    terminal.ok("change", "push")


def scan(terminal, place, *more):
    return terminal("evidence", "run", "scan", "--key", place / "runner.pem", *more)


PLANTED = (
    (INJECTION, "CWE-89", "sql-injection"),
    (ACCESS, "CWE-306", "access-control"),
    (TOKEN, "CWE-287", "access-control"),
    (DESERIALIZATION, "CWE-502", "deserialization"),
    (SECRET, "CWE-798", "secrets"),
)


def test_a_planted_finding_of_each_class_blocks_in_a_change_by_an_assistant(shop, terminal, judged):
    place = shop({"src/app.py": APP + "\n# clean\n"})
    assert scan(terminal, place).code == 0
    assert judged.met("scanned")
    assert not judged.fired("no-new-findings")
    for planted, weakness, name in PLANTED:
        pushed(terminal, {"src/app.py": APP + planted})
        assert judged.light("scan")["state"] == "void"
        done = scan(terminal, place, "--json")
        assert done.code == 1, done
        (found,) = [one for one in done.json["new_findings"] if one["class"]]
        assert found["class"] == weakness
        assert found["where"].startswith("src/app.py:")
        assert done.json["classes"][name] == 1
        assert done.json["evidence"]["kept"]["standing"] == "trusted"
        assert KEY not in done.out + done.err
        assert judged.shown["description"]["provenance"]["kind"] == "ai-assisted"
        secret = name == "secrets"
        assert judged.fired("no-new-secrets") is secret
        assert judged.fired("no-new-findings") is not secret
        gate = terminal("gate", "--environment", "production")
        said = " ".join(gate.out.split())
        assert gate.code == 1
        assert ("a secret would be published" if secret else f"finding: {weakness} src/app.py") in said


def test_what_was_there_before_or_is_moved_does_not_block(shop, terminal, judged):
    head, tail = APP.split("def old_carts")
    carts, older = tail.split("def older_carts")
    place = shop({"src/app.py": f"# moved\n{head}def older_carts{older}\n\ndef old_carts{carts}"})
    done = scan(terminal, place, "--json")
    assert done.code == 0, done
    assert (done.json["new"], done.json["existing"]) == (0, 3)
    assert judged.met("scanned")
    git("mv", "src/app.py", "src/shop_app.py")
    pushed(terminal, {})
    renamed = scan(terminal, place, "--json")
    assert (renamed.code, renamed.json["new"]) == (0, 0)
    pushed(
        terminal,
        {
            "src/shop_app.py": head,
            "src/carts.py": f"import pickle\nimport sqlite3\n\n\ndef older_carts{older}\n\ndef old_carts{carts}",
        },
    )
    split = scan(terminal, place, "--json")
    assert (split.code, split.json["blocking"], split.json["moved"]) == (0, 0, 2)


def test_a_copy_of_what_was_there_is_one_more(shop, terminal):
    place = shop({"src/copy.py": APP})
    done = scan(terminal, place, "--json")
    assert done.code == 1
    assert {one["class"] for one in done.json["new_findings"] if one["class"]} == {"CWE-89", "CWE-502"}


def test_a_guard_that_is_taken_away_blocks(shop, terminal):
    place = shop({"src/app.py": APP.replace("@login_required\n", "")})
    done = scan(terminal, place, "--json")
    assert [one["class"] for one in done.json["new_findings"] if one["class"]] == ["CWE-306"]


def test_a_new_file_of_routes_is_held_against_those_there_are(shop, terminal):
    place = shop(
        {"src/admin.py": "from src.app import app\n\n\n@app.get('/admin/users')\ndef users():\n    return []\n"}
    )
    done = scan(terminal, place, "--json")
    assert [(one["class"], one["where"]) for one in done.json["new_findings"]] == [("CWE-306", "src/admin.py:5")]


def test_a_secret_that_a_later_commit_removes_is_published_all_the_same(shop, terminal, judged):
    place = shop({"src/app.py": APP + SECRET})
    pushed(terminal, {"src/app.py": APP + "\n# no key any more\n"})
    done = scan(terminal, place)
    said = " ".join(done.out.split())
    assert done.code == 1, done
    commit = git("rev-parse", "HEAD~1")[:12]
    assert f"src/app.py:24 in {commit}" in said
    assert KEY not in said
    assert judged.fired("no-new-secrets")


def test_sql_that_is_put_together_in_steps_blocks_where_a_value_is_put_in(shop, terminal, judged):
    place = shop({"src/app.py": APP + STEPS})
    done = scan(terminal, place, "--json")
    (found,) = [one for one in done.json["new_findings"] if one["class"]]
    assert done.code == 1
    assert (found["class"], found["rule"], found["where"]) == ("CWE-89", "sql-composed", "src/app.py:27")
    assert judged.fired("no-new-findings")
    bound = STEPS.replace("'{}'\".format(name)", '?"')
    pushed(terminal, {"src/app.py": APP + bound})
    assert scan(terminal, place).code == 0


def test_a_key_in_the_place_of_another_blocks_and_a_moved_one_does_not(shop, terminal, judged):
    def private(name):
        body = base64.b64encode(hashlib.shake_256(name.encode()).digest(300)).decode()
        return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"

    was = {"src/id.pem": private("one").encode()}
    place = shop({"src/keys/id.pem": private("one"), "src/id.pem": None}, base=was)
    assert scan(terminal, place).code == 0
    pushed(terminal, {"src/keys/id.pem": private("two")})
    done = scan(terminal, place, "--json")
    assert done.code == 1
    assert [(one["class"], one["where"]) for one in done.json["new_findings"]] == [
        ("CWE-798", "src/keys/id.pem:1")
    ]
    assert judged.fired("no-new-secrets")


def test_a_file_that_cannot_be_read_is_no_evidence(shop, terminal, judged):
    place = shop({"src/old.py": "print 'x'\n"})
    done = scan(terminal, place)
    assert done.code == 3, done
    assert done.out.startswith("UNKNOWN")
    assert "src/old.py: line 1: Missing parentheses" in done.out
    assert "none handed in: it would say nothing about the change" in done.out
    assert judged.light("scan")["state"] == "undecidable"
    assert not judged.met("scanned")


NOTEBOOK = {
    "cells": [{"cell_type": "code", "source": ["import pickle\n", "pickle.loads(open('x', 'rb').read())\n"]}]
}
SCRIPT = "db.query('SELECT * FROM t WHERE n=' + req.query.n);\n"


def test_code_that_no_scanner_reads_is_no_evidence(shop, terminal, judged):
    place = shop({"web/app.js": SCRIPT, "web/A.java": "class A {}\n", "web/page.css": "p {}\n"})
    done = scan(terminal, place, "--json")
    assert (done.code, done.json["verdict"]) == (3, "undecidable")
    assert done.json["unread"] == [
        "web/A.java: Java, which no scanner of the plans reads",
        "web/app.js: JavaScript, which no scanner of the plans reads",
    ]
    assert not judged.met("scanned")
    said = " ".join(scan(terminal, place).out.split())
    assert said.startswith("UNKNOWN")
    assert "unread: [{paths: [web/A.java]" in said
    pushed(terminal, {"web/app.js": None, "web/A.java": None})
    assert scan(terminal, place).code == 0
    assert judged.met("scanned")


def test_python_under_another_name_is_read(shop, terminal):
    load = "import pickle\npickle.loads(b)\n"
    place = shop({"nb/a.ipynb": json.dumps(NOTEBOOK), "src/a.pyi": load, "src/job": load})
    done = scan(terminal, place, "--json")
    found = {(one["class"], one["where"]) for one in done.json["new_findings"] if one["class"]}
    assert found == {("CWE-502", f"{path}:2") for path in ("nb/a.ipynb", "src/a.pyi", "src/job")}
    assert done.json["unread"] == []


def test_the_rules_may_accept_that_code_is_not_read(shop, terminal, judged):
    plan = b"unread:\n  - {paths: [web/**], why: the browser's own part}\n"
    place = shop({"web/app.js": SCRIPT}, rules={"scan-plans/shop.yaml": plan})
    done = scan(terminal, place, "--json")
    assert (done.code, done.json["unlooked"], done.json["unread"]) == (0, 1, [])
    assert judged.met("scanned")
    assert "1 of code not looked at by the plans" in " ".join(scan(terminal, place).out.split())
    pushed(terminal, {"src/tool.go": "package main\n", "web/hidden.js": b"//" + bytes(range(1, 9)) * 40})
    more = scan(terminal, place, "--json")
    assert more.code == 3
    assert [one.partition(":")[0] for one in more.json["unread"]] == ["web/hidden.js", "src/tool.go"]


def test_what_is_asked_to_be_written_is_written_or_said_not_to_be(shop, terminal, tmp_path):
    shop({"src/app.py": APP + "\nimport subprocess\n"})
    wrong = terminal("evidence", "run", "scan", "--sarif", tmp_path / "none" / "x")
    assert "error[file-unwritable]: expected `--sarif` in a folder that exists" in wrong.err
    out = tmp_path / "signed"
    done = terminal("evidence", "run", "scan", "--out", out)
    assert done.code == 0
    assert f"doubt    nothing was written to {out}: nobody signed it" in done.err
    assert not out.exists()


def test_a_note_is_told_as_one_in_both_forms(shop, terminal):
    place = shop({"src/app.py": APP + "\nimport subprocess\n"})
    said = scan(terminal, place, "--json").json
    assert (said["verdict"], said["new"], said["blocking"], said["noted"]) == ("passed", 1, 0, 1)
    assert "deserialization or secret; 1 other finding noted" in " ".join(scan(terminal, place).out.split())


def test_plans_are_rules_and_the_change_cannot_edit_them(shop, terminal):
    plan = b"without: [legacy/**]\naccept:\n  - {rule: B608, paths: [src/*.py], why: from a list of ours}\n"
    place = shop(
        {
            "legacy/a.py": "print 'x'\n",
            "src/app.py": APP + INJECTION,
            "scan-plans/mine.yaml": "without: [src/**]\n",
        },
        rules={"scan-plans/shop.yaml": plan},
    )
    done = scan(terminal, place, "--json")
    assert done.code == 0, done
    (found,) = [one for one in done.json["new_findings"] if one["rule"] == "B608"]
    assert (found["class"], found["accepted"]) == ("", "from a list of ours")
    assert done.json["left_out"] == 1


def test_hostile_names_and_contents(shop, terminal):
    big = b"x = 1\n" * 1_500_000
    place = shop(
        {
            "src/a b.py": APP + INJECTION,
            "src/-r": SECRET,
            "src/new\nline.py": APP.encode() + DESERIALIZATION.encode(),
            "src/latin.txt": b"p\xe4ssword = 'x'\n",
            "src/utf16.txt": f'key = "{KEY}"\n'.encode("utf-16"),
            "src/image.png": bytes(range(256)) * 40,
            "src/.bandit": "[bandit]\nskips: B608,B301\n",
        }
    )
    Path("src/outside.py").symlink_to("../../runner.pem")
    pushed(terminal, {})
    done = scan(terminal, place, "--json")
    found = {(one["class"], one["where"].rpartition(":")[0]) for one in done.json["new_findings"] if one["class"]}
    assert ("CWE-89", "src/a b.py") in found
    assert ("CWE-502", "src/new\nline.py") in found
    assert ("CWE-798", "src/-r") in found
    assert ("CWE-798", "src/utf16.txt") in found
    assert done.json["binary"] == 1
    assert "PRIVATE" not in done.out + done.err
    pushed(terminal, {"src/huge.py": big})
    huge = scan(terminal, place, "--json")
    assert huge.json["unread"] == ["src/huge.py: 8 MiB, and at most 8 are looked at"]


def test_without_a_scanner_nothing_is_run(shop, terminal, monkeypatch):
    place = shop({"src/app.py": APP + INJECTION})
    monkeypatch.setattr("interlock.plugins.scanners.bandit.MODULE", "no_such_bandit")
    missing = scan(terminal, place)
    assert missing.code == 3
    assert missing.err.startswith(
        "error[scanner-missing]: expected bandit here for the scanner `bandit`, got none"
    )
    assert "pip install bandit detect-secrets" in missing.err


def test_new_findings_are_written_as_sarif(shop, terminal, tmp_path):
    place = shop({"src/app.py": APP + INJECTION + SECRET})
    out = tmp_path / "found.sarif"
    scan(terminal, place, "--sarif", out)
    log = json.loads(out.read_bytes())
    found = {run["tool"]["driver"]["name"]: run["results"] for run in log["runs"]}
    assert [one["ruleId"] for one in found["bandit"]] == ["B608"]
    assert len(found["detect-secrets"]) == 1
    assert KEY not in out.read_text()


def test_counts_by_provenance_over_the_changes_on_record(shop, terminal, monkeypatch):
    place = shop({"src/app.py": APP + INJECTION + DESERIALIZATION})
    assert scan(terminal, place).code == 1
    pushed(terminal, {"src/app.py": APP + INJECTION})
    assert scan(terminal, place).code == 1
    git("switch", "--quiet", "--create", "by-hand", "main")
    Path("src/carts.py").write_text("def carts():\n    return []\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "List carts")
    other = terminal.ok("change", "open", "--base", "main", "--json").json
    monkeypatch.setenv("INTERLOCK_CHANGE", other["id"])
    assert scan(terminal, place).code == 0
    found = terminal.ok("report", "provenance", "--json").json["count"]
    rows = {one["provenance"]: one for one in found["kinds"] if one["changes"]}
    assert set(rows) == {"ai-assisted", "unknown"}
    assert (rows["ai-assisted"]["changes"], rows["ai-assisted"]["findings"]) == (1, 2)
    assert (rows["unknown"]["findings"], rows["unknown"]["lines"]) == (0, 2)
    assert found["by_lines"]["ratio"] is None
    said = " ".join(terminal.ok("report", "provenance").out.split())
    assert said.startswith("ratio too few to say: AI to others no bound as many findings per added line")
    assert "error[report-window]" in terminal("report", "provenance", "--since", "0d").err
