"""The scanners over real tools: what hides nothing, what is refused, and what is a fault."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest

from interlock.core.rollout.setting import InvalidSetting
from interlock.core.scan.seen import Source
from interlock.plugins.scanners.access import AccessScanner
from interlock.plugins.scanners.bandit import BanditScanner
from interlock.plugins.scanners.sarif import SarifScanner
from interlock.plugins.scanners.secrets import SecretsScanner
from interlock.plugins.scanners.semgrep import SemgrepScanner
from interlock.ports.scanner import Look

KEY = "AKIA" + "Z3MQ7PLX2KVN8RTW"
UNSAFE = b"import pickle\n\n\ndef f(x):\n    return pickle.loads(x)  # nosec B301 # noqa: S301\n"


def file(path, content, side="head"):
    return Source(side=side, path=path, content=content, lineage=path)


def places(found):
    assert found.fault == "", found
    return sorted((one.source.path, one.line, one.rule) for one in found.seen)


def test_bandit_hides_nothing_for_a_comment_a_name_or_a_file_of_its_own():
    sources = [
        file("tests/.hidden/a b.py", UNSAFE),
        file("-r", b"#!/usr/bin/env python3\n" + UNSAFE),
        file(".bandit", b"[bandit]\nskips: B301\n"),
        file("pyproject.toml", b"[tool.bandit]\nskips = ['B301']\n"),
        file("a.js", UNSAFE),
        file("old.py", b"print 'x'\n"),
    ]
    found = BanditScanner({}).scan(Look(sources=sources))
    assert [one for one in places(found) if one[2] == "B301"] == [
        ("-r", 6, "B301"),
        ("tests/.hidden/a b.py", 5, "B301"),
    ]
    assert [(one.path, why) for one, why in found.unread] == [
        ("old.py", "syntax error while parsing AST from file")
    ]
    assert found.version


def test_bandit_over_nothing_starts_nothing(monkeypatch):
    monkeypatch.setattr("interlock.plugins.scanners.bandit.MODULE", "no_such_module")
    assert BanditScanner({}).scan(Look(sources=[file("a.txt", b"x")])).seen == ()
    broken = BanditScanner({}).scan(Look(sources=[file("a.py", b"x = 1\n")]))
    assert broken.fault.startswith("what bandit said cannot be read")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.py", f'key = "{KEY}"  # pragma: allowlist secret\n'.encode()),
        ("swagger.json", f'{{"key": "{KEY}"}}\n'.encode()),
        ("web/package-lock.json", f'{{"key": "{KEY}"}}\n'.encode()),
        ("a.yaml", f"# key: {KEY}\nname: x\n".encode()),
        ("a.ini", f"; {KEY}\n[a]\nb = c\n".encode()),
        ("a.txt", b"p\xff " + KEY.encode()),
        ("b.txt", f"{KEY}\n".encode("utf-16")),
        ("c.txt", KEY.encode("utf-32")),
        ("e", f"[a]\n# {KEY}\nb = c\n".encode()),
        ("d.py", b"x = 1\0\n'" + KEY.encode() + b"'\n"),
    ],
)
def test_secrets_are_found_whatever_stands_beside_them(path, content):
    found = SecretsScanner({}).scan(Look(sources=[file(path, content)]))
    assert {rule for _, _, rule in places(found)} == {"AWS Access Key"}
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    "code",
    [
        f'KEY = "{KEY[:10]}" + "{KEY[10:]}"\n',
        f'KEY = ("{KEY[:10]}"\n       "{KEY[10:]}")\n',
        f'KEY = "".join(["{KEY[:10]}", "{KEY[10:]}"])\n',
        f'KEY = "{KEY[::-1]}"[::-1]\n',
        f'import base64\nKEY = base64.b64decode("{base64.b64encode(KEY.encode()).decode()}").decode()\n',
        f'KEY = bytes.fromhex("{KEY.encode().hex()}").decode()\n',
    ],
)
def test_a_secret_that_is_put_together_out_of_constants_is_found(code):
    found = SecretsScanner({}).scan(Look(sources=[file("a.py", code.encode())]))
    assert "AWS Access Key" in {rule for _, _, rule in places(found)}
    assert KEY not in repr(found)
    both = [file("a.py", b"x = 1\n" + code.encode()), file("a.py", code.encode(), side="base")]
    assert places(SecretsScanner({}).scan(Look(sources=both))) == []


def test_what_is_put_together_and_is_prose_is_no_secret():
    code = (
        b'SAID = ("the password of the harbour "\n        "is not told here")\nHINT = "pass" + "word: " + name\n'
    )
    assert places(SecretsScanner({}).scan(Look(sources=[file("a.py", code)]))) == []


def test_checksums_of_lock_files_and_names_are_no_secrets():
    digest = "sha512-" + "q1ZdWlKAyrJw9YLXIxJ8cTgk" * 3
    sources = [
        file("package-lock.json", f'{{"integrity": "{digest}"}}\n'.encode()),
        file("a.py", b'password = os.environ["PASSWORD"]\nname = "password"\nPASSWORD_FIELD = form.password\n'),
    ]
    assert places(SecretsScanner({}).scan(Look(sources=sources))) == []


def test_a_digest_that_says_so_is_no_secret_and_hides_none():
    digest = f"sha512-{base64.b64encode(hashlib.sha512(b'x').digest()).decode()}"
    alone = file("page.html", f'<script integrity="{digest}">\n'.encode())
    assert places(SecretsScanner({}).scan(Look(sources=[alone]))) == []
    beside = file("page.html", f'<a b="{digest}" c="q1ZdWlKAyrJw9YLXIxJ8cTgkQ0b7VhUeP2mN">\n'.encode())
    assert {line for _, line, _ in places(SecretsScanner({}).scan(Look(sources=[beside])))} == {1}
    unsaid = file("page.html", f'<a b="{digest.removeprefix("sha512-")}">\n'.encode())
    assert {line for _, line, _ in places(SecretsScanner({}).scan(Look(sources=[unsaid])))} == {1}


def test_access_is_held_against_other_files_of_the_base_only_where_needed():
    asked = []

    def near(expression):
        asked.append(expression)
        guarded = b"@app.get('/o')\n@login_required\ndef o(): return 1\n"
        return [file("other.py", guarded, side="base"), file("broken.py", b"def (", side="base")]

    new = b"@app.get('/new')\ndef new(): return 1\n"
    found = AccessScanner({}).scan(Look(sources=[file("a.py", new)], near=near))
    assert places(found) == [("a.py", 2, "route-unguarded")]
    assert len(asked) == 1
    AccessScanner({}).scan(Look(sources=[file("a.py", b"x = 1\n"), file("b.py", new, side="base")], near=near))
    assert len(asked) == 1
    # It asked nobody before: that others have come to ask since makes it no new finding.
    both = [file("a.py", new), file("a.py", new, side="base")]
    sides = [one.source.side for one in AccessScanner({}).scan(Look(sources=both, near=near)).seen]
    assert sorted(sides) == ["base", "head"]


RUFF = {
    "name": "ruff",
    "run": ["ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--select", "S", "{folder}"],
}


def ruff(*more):
    program = shutil.which("ruff", path=str(Path(sys.executable).parent))
    return {**RUFF, "run": [program, *RUFF["run"][1:-1], "--output-format", "sarif", *more, "{folder}"]}


def test_any_tool_that_writes_sarif_looks_at_both_sides():
    sources = [file("src/a b.py", UNSAFE), file("src/a b.py", b"x = 1\n", side="base"), file("c/../d.py", UNSAFE)]
    for settings in (ruff(), ruff("--output-file", "{out}")):
        found = SarifScanner(settings).scan(Look(sources=sources))
        assert places(found) == [("src/a b.py", 5, "S301")]
        assert found.seen[0].cwes == {502}
        assert [one.path for one, _ in found.unread] == ["c/../d.py"]
    assert SarifScanner(ruff("--no-such-option")).scan(Look(sources=sources)).fault == "ruff ended with 2"
    slow = {"name": "slow", "run": ["sh", "-c", "sleep 60", "{folder}"], "seconds": 1}
    assert SarifScanner(slow).scan(Look(sources=sources)).fault == "slow did not end in time"


TELLS = """\
import json, os, sys
rule = {"ruleId": ",".join(sorted(os.environ)), "locations": [{"physicalLocation": {
    "artifactLocation": {"uri": sys.argv[1] + "/a.py"}, "region": {"startLine": 1}}}]}
print(json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "tells"}}, "results": [rule]}]}))
"""
ALWAYS = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH", "TMPDIR"}


def test_a_program_gets_no_variable_that_the_plan_does_not_name(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("INTERLOCK_RUNNER_KEY", "x")
    monkeypatch.setenv("LICENCE", "x")
    settings = {"name": "tells", "run": [sys.executable, "-I", "-c", TELLS, "{folder}"]}
    for more, wanted in ({}, set()), ({"passed_on": ["LICENCE", "NOT_SET"]}, {"LICENCE"}):
        found = SarifScanner({**settings, **more}).scan(Look(sources=[file("a.py", b"x = 1\n")]))
        ((_, _, names),) = places(found)
        assert set(names.split(",")) - ALWAYS == {"HOME", *wanted}


@pytest.mark.parametrize("kind", [BanditScanner, SecretsScanner])
def test_the_usual_programs_get_none_of_the_machines_keys(kind, monkeypatch, tmp_path):
    told = tmp_path / "told"
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nenv | cut -d= -f1 > {told}\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    found = kind({}).scan(Look(sources=[file("a.py", UNSAFE)]))
    assert found.fault == ""
    assert "PATH" in told.read_text()
    assert set(told.read_text().split()) <= ALWAYS | {"PWD", "SHLVL", "_", "OLDPWD"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "x", "run": ["x", "{folder}"], "passed_on": ["A=b"]}, "the name of a variable"),
        ({"name": "x", "run": ["x", "{folder}"], "passed_on": ["INTERLOCK_TOKEN"]}, "the name of a variable"),
        ({"name": "x", "run": ["tools/scan", "{folder}"]}, "a program outside of the checkout"),
        ({"name": "x", "run": ["scan"]}, "`{folder}` among the arguments"),
        ({"name": "x", "run": []}, "a program with its arguments"),
        ({"run": ["x", "{folder}"]}, "name"),
        ({"name": "x", "run": ["x", "{folder}"], "seconds": 0}, "1 to 3600 seconds"),
    ],
)
def test_settings_of_sarif_that_cannot_be_used(settings, words):
    with pytest.raises(InvalidSetting) as told:
        SarifScanner(settings)
    assert words in told.value.message


@pytest.mark.parametrize(
    "settings",
    [
        {"rules": "auto"},
        {"rules": "p/python"},
        {"rules": "r/x"},
        {"rules": "../x"},
        {"rules": "/x"},
        {"rules": "https://semgrep.dev/c/p/python"},
        {"config": "auto"},
        {"config": "semgrep"},
    ],
)
def test_rules_of_a_registry_are_refused(settings):
    with pytest.raises(InvalidSetting, match="`rules` to name a folder below the scan plans") as told:
        SemgrepScanner(settings)
    assert told.value.hint.startswith("copy the rules into scan-plans/semgrep/")


SEMGREP = '''#!{python}
"""Stands for semgrep: refuses what semgrep would do by itself, and finds each line that its rule names."""
import json, os, pathlib, sys
words = sys.argv[1:]
for needed in ("--metrics=off", "--disable-version-check", "--disable-nosem", "--no-git-ignore", "--sarif"):
    if needed not in words:
        sys.exit("missing " + needed)
if words[words.index("--config") + 1] != "rules" or "auto" in words:
    sys.exit("no rules of ours")
wanted = pathlib.Path("rules/deep/own.yaml").read_text().strip()
tree = pathlib.Path(words[-1])
ignored = [path for path in tree.rglob(".semgrepignore") if path.read_text()]
results = []
for path in sorted(tree.rglob("*")) if not ignored else ():
    for number, line in enumerate(path.read_text().splitlines() if path.is_file() else (), 1):
        if wanted in line:
            place = {{"artifactLocation": {{"uri": str(path)}}, "region": {{"startLine": number}}}}
            results.append({{"ruleId": "own", "level": "error", "locations": [{{"physicalLocation": place}}]}})
out = [word.partition("=")[2] for word in words if word.startswith("--output=")][0]
driver = {{"name": "Semgrep OSS", "semanticVersion": "1.2.3"}}
run = {{"tool": {{"driver": driver}}, "results": results, "invocations": [{{"executionSuccessful": True}}]}}
pathlib.Path(out).write_text(json.dumps({{"version": "2.1.0", "runs": [run]}}))
'''


@pytest.fixture
def semgrep(tmp_path, monkeypatch):
    program = tmp_path / "semgrep"
    program.write_text(SEMGREP.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def test_semgrep_is_run_by_our_rules_alone_and_leaves_nothing_out(semgrep):
    sources = [file("tests/a.js", b"one\nsink(x) // nosemgrep\n"), file("tests/.semgrepignore", b"*\n")]
    rules = {"semgrep/deep/own.yaml": b"sink(x)\n", "other/x.yaml": b"y\n"}
    found = SemgrepScanner({}).scan(Look(sources=sources, files=rules))
    assert places(found) == [("tests/a.js", 2, "own")]
    assert (found.tool, found.version) == ("semgrep", "1.2.3")
    assert "no rules for it in scan-plans/semgrep/" in SemgrepScanner({}).scan(Look(sources=sources)).fault


def test_what_is_missing_says_how_one_gets_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert SemgrepScanner({}).missing() == "semgrep: pip install semgrep, or pipx install semgrep"
    assert SarifScanner({"name": "x", "run": ["no-such", "{folder}"], "install": "brew install x"}).missing() == (
        "no-such: brew install x"
    )
    assert (BanditScanner({}).missing(), SecretsScanner({}).missing(), AccessScanner({}).missing()) == ("", "", "")
    monkeypatch.setattr("interlock.plugins.scanners.secrets.MODULE", "no_such_module")
    assert SecretsScanner({}).missing() == "detect-secrets: pip install bandit detect-secrets"


def notebook(*cells, language="python"):
    cells = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": language}}}).encode()


def test_of_a_notebook_the_code_cells_are_read_and_what_is_no_python_is_told():
    good = file(
        "a.ipynb", notebook(["%matplotlib inline\n", "import pickle\n"], "def f(x):\n    return pickle.loads(x)")
    )
    others = [
        file("magic.ipynb", notebook("%%bash\nrm -r x")),
        file("r.ipynb", notebook("x <- 1", language="R")),
        file("broken.ipynb", b"{"),
        file("old.ipynb", b"{}"),
    ]
    found = BanditScanner({}).scan(Look(sources=[good, *others]))
    assert ("a.ipynb", 4, "B301") in places(found)
    told = {one.path: why for one, why in found.unread}
    assert told == {
        "magic.ipynb": "a notebook with a cell in bash",
        "r.ipynb": "a notebook in r",
        "broken.ipynb": "a notebook that cannot be read",
        "old.ipynb": "a notebook without cells",
    }
    assert {one.path for one, _ in AccessScanner({}).scan(Look(sources=[good, *others])).unread} == set(told)


def test_scanners_say_which_code_they_read():
    script, page = file("a.js", b"x"), file("a.py", b"x")
    for scanner in (BanditScanner({}), AccessScanner({})):
        assert (scanner.reads(page), scanner.reads(script)) == (True, False)
    assert not SecretsScanner({}).reads(page)
    for scanner in (SemgrepScanner({"reads": ["*.js"]}), SarifScanner(ruff() | {"reads": ["*.js"]})):
        assert (scanner.reads(page), scanner.reads(script)) == (False, True)
    assert not SemgrepScanner({}).reads(script)


GITHUB = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"
OTHER = GITHUB[:-4] + "Zz09"


def test_one_secret_is_told_once_and_two_tokens_are_two():
    found = SecretsScanner({}).scan(Look(sources=[file("a.py", f'token = "{GITHUB}"\n'.encode())]))
    assert places(found) == [("a.py", 1, "GitHub Token")]
    two = SecretsScanner({}).scan(Look(sources=[file("a.txt", f"{GITHUB}\n{OTHER}\n".encode())]))
    assert [(line, rule) for _, line, rule in places(two)] == [(1, "GitHub Token"), (2, "GitHub Token")]
    assert len({one.identity for one in two.seen}) == 2
    beside = SecretsScanner({}).scan(Look(sources=[file("a.py", f'a = ["{GITHUB}", "{KEY}"]\n'.encode())]))
    assert [rule for _, _, rule in places(beside)] == ["AWS Access Key", "GitHub Token"]


def encoded(kind, value):
    told = base64.b64encode(value.encode()).decode()
    return file("deploy/a.yaml", f"kind: {kind}\ndata:\n  creds: {told}\n  image: c2hvcA==\n".encode())


def test_what_a_secret_of_kubernetes_says_in_base64_is_looked_at():
    found = SecretsScanner({}).scan(Look(sources=[encoded("Secret", KEY)]))
    image = ("deploy/a.yaml", 4, "kubernetes-secret")
    assert places(found) == [("deploy/a.yaml", 3, "AWS Access Key"), image]
    assert places(SecretsScanner({}).scan(Look(sources=[encoded("ConfigMap", KEY)]))) == []
    said = places(SecretsScanner({}).scan(Look(sources=[encoded("Secret", "the blue shop")])))
    assert said == [("deploy/a.yaml", 3, "kubernetes-secret"), image]
    token, _ = places(SecretsScanner({}).scan(Look(sources=[encoded("Secret", GITHUB)])))
    assert token == ("deploy/a.yaml", 3, "GitHub Token")
