"""``evidence run tests`` whole: a real repository, the plan in force, real pytest, and the gate."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLAN = f"""\
service: order-service
product: [src/, config/]
python: {sys.executable}
timeout: 2m
environment: [TELLS]
"""
REQUIRED = "test_promise_is_at_most_five_days"


def git(*arguments):
    subprocess.run(["git", *arguments], check=True, timeout=30, capture_output=True)


@pytest.fixture
def shop(governed, terminal):
    """``shop(files, required)``: the second attempt with these files besides, pushed, by the plan in force."""

    def made(files, required=(REQUIRED,), plan=PLAN, characterisation=(), keep=True, base=None):
        place = governed({"test-plans/order-service.yaml": plan.encode(), **(base or {})})
        if not keep:
            Path("tests/test_promise.py").unlink()
        for path, text in files.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        listed = "".join(f"  - {name}\n" for name in required)
        text = Path("change.md").read_text().replace(f"  - {REQUIRED}\n", listed)
        declared = "characterisation:\n" + "".join(f"  - {name}\n" for name in characterisation)
        Path("change.md").write_text(text.replace("canary:", f"{declared}canary:") if characterisation else text)
        git("add", "--all")
        git("commit", "--quiet", "--message", "Test it")
        terminal.ok("change", "push")
        return place

    return made


def bite(terminal, place, *more):
    return terminal("evidence", "run", "tests", "--key", place / "runner.pem", *more)


def seen(terminal, place, *more):
    """The one item that is told, with the states of its tests by name."""
    done = bite(terminal, place, "--json", *more)
    (found,) = done.json["items"]
    return done.code, found, {one["test"].rpartition("::")[2]: one["state"] for one in found["tests"]}


def test_a_suite_that_passes_with_or_without_the_change_is_refused(shop, terminal, judged):
    place = shop({"tests/test_more.py": "def test_nothing():\n    assert True\n"})
    done = bite(terminal, place)
    said = " ".join(done.out.split())
    assert done.code == 1, done
    assert said.startswith("REFUSED order-service: 3 of 3 tests passed")
    assert f"✗ {REQUIRED} passes without the change" in said
    assert "tests/test_more.py::test_nothing is new and passes without the change" in said
    assert not judged.met("tests-bite")


HALVED = '''\
"""What the plan asked for."""

from promise import promised_days


def test_promise_is_at_most_five_days():
    assert promised_days(5, 9_000) == 5
    assert promised_days(9, 900) == 2
'''


def test_one_that_tests_the_change_passes(shop, terminal, judged):
    place = shop({"tests/test_promise.py": HALVED})
    code, found, states = seen(terminal, place)
    assert code == 0, found
    assert states == {REQUIRED: "bites"}
    assert (found["verdict"], found["bites"], found["listed_first"]) == ("passed", True, True)
    assert REQUIRED in found["passed_tests"]
    assert found["coverage"] == {"lines": 1, "run": 1, "why": ""}
    assert found["evidence"]["kept"]["standing"] == "trusted"
    assert judged.met("tests-bite")
    assert judged.met("tests-pass")
    assert judged.light("tests_bite")["state"] == "shown"
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob("interlock-tests-*"))
