"""``evidence run tests`` whole: a real repository, the plan in force, real pytest, and the gate."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

QUICK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
PLAN = f"""\
service: order-service
product: [src/, config/]
python: {sys.executable}
timeout: 2m
repeats: 2
environment: [{QUICK}]
"""
REQUIRED = "test_promise_is_at_most_five_days"
HALVED = f"""\
from promise import promised_days


def {REQUIRED}():
    assert promised_days(5, 9_000) == 5
    assert promised_days(9, 900) == 2
"""


def git(*arguments):
    subprocess.run(["git", *arguments], check=True, timeout=30, capture_output=True)


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The folder in which copies of the repository are made."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def shop(governed, terminal, copies, monkeypatch):
    """``shop(files, required)``: the second attempt with these files besides, pushed, by the plan in force."""

    def made(files, required=(REQUIRED,), plan=PLAN):
        monkeypatch.setenv(QUICK, "1")
        place = governed({"test-plans/order-service.yaml": plan.encode()})
        for path, text in files.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        listed = "".join(f"  - {name}\n" for name in required)
        text = Path("change.md").read_text()
        Path("change.md").write_text(text.replace(f"  - {REQUIRED}\n", listed))
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "Test it")
        terminal.ok("change", "push")
        return place

    return made


def bite(terminal, place, *more):
    return terminal("evidence", "run", "tests", "--key", place / "runner.pem", *more)


def test_a_suite_that_passes_with_or_without_the_change_is_refused(shop, terminal, judged, copies):
    place = shop({"tests/test_more.py": "def test_nothing():\n    assert True\n"})
    done = bite(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())
    assert done.code == 1, done
    assert said.startswith("REFUSED order-service: 3 of 3 tests passed, of which 1 new one shows nothing of the")
    assert "✗ tests/test_more.py::test_nothing is new and passes without the change" in said
    assert judged.met("tests-pass")
    assert not judged.met("tests-bite")
    assert not [*copies.glob("interlock-tests-*")]
    kept = terminal.ok("evidence", "list", "--json").json["items"][-1]["id"]
    assert f"{kept} trusted       does not bite " in terminal.ok("evidence", "list").out
    assert terminal.ok("evidence", "verify", kept).out.startswith("HOLDS    does not bite · signed by ci · about ")
    shown = " ".join(terminal("change", "show", "--all").out.split())
    assert "✗ interlock.dev/predicates/tests/v1 · tests of order-service · trusted, does not bite" in shown
    light = judged.light("tests_bite")
    assert (light["state"], light["why"].startswith("tests/test_more.py::test_nothing is new")) == ("failed", True)
    assert judged.light("tests")["state"] == "shown"
    page = terminal.ok("change", "checklist").out
    (ticket,) = [line for line in page.splitlines() if kept in line and line.startswith("- [ ] ")]
    assert ticket.startswith(f"- [ ] tests: order-service, does not bite · {kept} by ci")
    why = "is new and shows nothing of the change: make it fail without the change"
    assert ticket.endswith(f"→ tests/test_more.py::test_nothing {why}")


def test_one_that_tests_the_change_passes(shop, terminal, judged, copies):
    place = shop({"tests/test_promise.py": HALVED})
    done = bite(terminal, place, "--json")
    assert done.code == 0, done
    (found,) = done.json["items"]
    assert [(one["test"], one["state"]) for one in found["tests"]] == [
        (f"tests/test_promise.py::{REQUIRED}", "bites")
    ]
    assert (found["verdict"], found["bites"], found["listed_first"]) == ("passed", True, True)
    assert REQUIRED in found["passed_tests"]
    assert found["coverage"] == {"lines": 1, "run": 1, "why": ""}
    assert found["evidence"]["kept"]["standing"] == "trusted"
    assert judged.met("tests-bite")
    assert judged.met("tests-pass")
    assert judged.light("tests_bite")["state"] == "shown"
    kept = found["evidence"]["kept"]["id"]
    page = terminal.ok("change", "checklist").out
    assert f"- [x] tests, and that they fail without the change: order-service · {kept} by ci" in page
    assert f"{kept} trusted       passed " in terminal.ok("evidence", "list").out
    status = subprocess.run(["git", "status", "--porcelain"], check=True, timeout=30, capture_output=True)
    assert status.stdout == b"", "the checkout is as it was"
    assert not [*copies.glob("interlock-tests-*")]


SKIPPED = """\
import pytest

from promise import promised_days


def test_days():
    assert promised_days(9, 900) == 2


@pytest.mark.skip(reason="next week")
def test_five_days():
    assert promised_days(5, 9_000) == 5
"""


def test_what_was_listed_and_skipped_is_refused_and_a_list_of_later_is_told(shop, terminal, judged):
    place = shop({"tests/test_promise.py": SKIPPED}, required=("test_five_days", "test_by_nobody"))
    done = bite(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())
    assert done.code == 1
    assert "✗ test_five_days was skipped: tests/test_promise.py::test_five_days" in said
    assert "✗ test_by_nobody did not run: no test has this name" in said
    assert "no person listed these tests before the code" in said
    assert not judged.met("tests-pass")
    assert not judged.met("tests-bite")
    assert judged.light("tests_bite")["state"] == "failed"


INSTALLED = "import sys\n\nsys.path.insert(0, {folder!r})\n" + HALVED


def test_an_installed_copy_leaves_it_undecided_and_nothing_is_handed_in(shop, terminal, judged, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "promise.py").write_text(
        "def promised_days(most, km):\n    return 5 if most == 5 else 2\n"
    )
    place = shop({"tests/test_promise.py": INSTALLED.format(folder=str(tmp_path / "site"))})
    done = bite(terminal, place)
    said = " ".join(done.out.split())
    assert done.code == 3, done
    assert said.startswith("UNKNOWN order-service: whether the tests bite cannot be decided here")
    assert "read an installed copy, not the change: `promise` came from" in said
    assert "none handed in" in said
    assert judged.light("tests_bite")["state"] == "undecidable"


SLOW = (
    HALVED + "\n\ndef test_slow():\n    import time\n    open('../../began', 'w').close()\n    time.sleep(300)\n"
)


def test_interrupted_it_leaves_nothing(shop, judged, copies, monkeypatch):
    place = shop({"tests/test_promise.py": SLOW})
    monkeypatch.setenv("TMPDIR", str(copies))
    command = [sys.executable, "-m", "interlock", "evidence", "run", "tests", "--key", "../runner.pem"]
    started = subprocess.Popen(
        command, cwd=place / "shop", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (copies / "began").exists():
        assert started.poll() is None, started.communicate()
    (test,) = _processes(str(copies / "interlock-tests-"))
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "stopped  nothing is left" in said
    assert not [*copies.glob("interlock-tests-*")]
    assert test not in _processes(str(copies / "interlock-tests-"))
    assert judged.light("tests_bite")["state"] == "cancelled"


def _processes(folder):
    """Programs that run in a folder or below it, by their ids."""
    found = set()
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                where = str((each / "cwd").readlink())
            except OSError:
                continue
            if where.startswith(folder):
                found.add(int(each.name))
    return found


def test_without_a_plan_or_pytest_it_says_what_to_do(shop, terminal, tmp_path):
    python = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python], check=True, timeout=60)
    place = shop({}, plan=PLAN.replace(sys.executable, str(python / "bin" / "python")))
    done = bite(terminal, place)
    assert (done.code, done.err.startswith("error[test-runner-missing]: expected pytest for")) == (3, True), done
    assert "-m pip install pytest" in done.err
    assert "error[test-plan-none]" in terminal("evidence", "run", "tests", "--service", "cart").err
    near = terminal("evidence", "run", "tests", "--service", "order-servce")
    assert "got none (did you mean `order-service`?)" in near.err
