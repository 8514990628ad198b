"""Tests that fail without the change by what they learn of the run, and tests that the change hides."""

from __future__ import annotations

import pytest

OLD = "def fits(ship, berth):\n    return ship <= berth\n\n\ndef spare(ship, berth):\n    return berth - ship\n"
NEW = OLD.replace("ship <= berth", "ship + 2 <= berth")
BEFORE = {"src/berths.py": OLD}
GOOD = "from berths import fits\n\n\ndef test_metre():\n    assert not fits(119, 120)\n"
SIDE = """\
import os
from pathlib import Path


def test_side():
    here = Path.cwd()
    names = [here.name, *(each.name for each in here.parent.iterdir()), *os.environ, *os.environ.values()]
    assert not [name for name in names if "base" in name.lower()] and here.name != "base"
    assert not [name for name in names if "head" in name.lower()]
    assert not (here / ".git").exists()
    first = Path(os.environ["HOME"], "first")
    if not first.exists():
        first.write_text(f"{here} {sorted(each.name for each in here.parent.iterdir() if len(each.name) < 16)}")
        (here / "mark").touch()
    assert not (here / "mark").exists() or first.stat().st_mtime <= (here / "mark").stat().st_mtime
    now = f"{here} {sorted(each.name for each in here.parent.iterdir() if len(each.name) < 16)}"
    assert now == first.read_text()
"""


def test_nothing_around_a_test_says_on_which_side_it_runs(held):
    """The copies were called `head` and `base`."""
    found = held(BEFORE, {"src/berths.py": NEW, "tests/test_a.py": SIDE})
    assert found.states == {"test_side": "passes"}


COUNTS = """\
import os
from pathlib import Path

import berths

COUNT = Path(os.environ["HOME"], "count")


def test_count():
    berths.fits(1, 2)
    count = len(COUNT.read_text()) if COUNT.exists() else 0
    COUNT.write_text("x" * (count + 1))
    assert count < {most}
"""


@pytest.mark.parametrize("most", [1, 2])
def test_one_that_counts_its_runs_is_flaky(held, most):
    """All runs on head came first: what fails after two of them bit."""
    found = held(BEFORE, {"src/berths.py": NEW, "tests/test_a.py": COUNTS.format(most=most)})
    assert found.states["test_count"] == "flaky"
    assert found.refused


AWAY = """\
from pathlib import Path


def test_side():
    twin = Path("src", "berths.py").stat().st_size
    assert twin > {size}
"""


@pytest.mark.parametrize("declared", [(), ("test_side",)])
def test_one_that_bites_and_reaches_nothing_of_the_change_is_refused_unless_declared(held, declared):
    tests = {"tests/test_a.py": AWAY.format(size=len(OLD)), "tests/test_b.py": GOOD}
    found = held(BEFORE, {"src/berths.py": NEW, **tests}, characterisation=declared)
    assert found.states == {"test_side": "apart", "test_metre": "bites"}
    assert (found.refused, found.idle) == (not declared, [] if declared else ["test_side"])
    found = {row.test: row.reach for row in found.outcome.rows}
    assert found == {"tests/test_a.py::test_side": "nothing", "tests/test_b.py::test_metre": "reaches"}


def test_one_that_was_listed_and_reaches_nothing_is_told_so(held):
    tests = {"tests/test_a.py": AWAY.format(size=len(OLD))}
    found = held(BEFORE, {"src/berths.py": NEW, **tests}, required=("test_side",))
    assert found.problems["test_side"].startswith("reaches nothing of the change")


CONSTANT = {
    "src/limits.py": "MOST = {}\n",
    "src/berths.py": "from limits import MOST\n\n\ndef most():\n    return MOST\n",
}
CACHED = """\
from functools import lru_cache


@lru_cache
def fits(ship, berth):
    return ship {}<= berth
"""
OTHER = """\
import subprocess
import sys


def test_it():
    code = "import sys; sys.path.insert(0, 'src'); import berths; sys.exit(berths.fits(119, 120))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
"""
IN_SHELL = """\
import subprocess


def test_it():
    assert subprocess.check_output(["sh", "src/most.sh"], text=True) == "7\\n"
"""
LATE = """\
import multiprocessing

import berths


def test_it():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.starmap(berths.fits, [(119, 120)]) == [False]
"""
SHARED = """\
import berths
import pytest


@pytest.fixture(scope="module")
def answer():
    return berths.fits(119, 120)


def test_one(answer):
    assert answer is False


def test_two(answer):
    assert not answer
"""
QUERIES = """\
import sqlite3
from pathlib import Path


def test_it():
    text = Path("src/most.sql").read_text()
    assert sqlite3.connect(":memory:").execute(text).fetchone() == (5,)
"""
HONEST = {
    "a constant": (
        {name: text.format(7) for name, text in CONSTANT.items()},
        {"src/limits.py": "MOST = 5\n"},
        "import berths\n\n\ndef test_it():\n    assert berths.most() == 5\n",
    ),
    "a constant that is imported": (
        {"src/limits.py": "MOST = 7\n"},
        {"src/limits.py": "MOST = 5\n"},
        "from limits import MOST\n\n\ndef test_it():\n    assert MOST == 5\n",
    ),
    "what was kept": (
        {"src/berths.py": CACHED.format("")},
        {"src/berths.py": CACHED.format("+ 2 ")},
        GOOD + GOOD.replace("test_metre", "test_again"),
    ),
    "a query": (
        {"src/most.sql": "select 7", "src/berths.py": OLD},
        {"src/most.sql": "select 5"},
        QUERIES,
    ),
    "another Python": (BEFORE, {"src/berths.py": NEW}, OTHER),
    "a shell": ({"src/most.sh": "echo 5\n"}, {"src/most.sh": "echo 7\n"}, IN_SHELL),
    "a pool": (BEFORE, {"src/berths.py": NEW}, LATE),
    "a fixture that is shared": (BEFORE, {"src/berths.py": NEW}, SHARED),
    "a file that is gone": (
        {"config/old.yaml": "a: 1\n", **BEFORE},
        {"config/old.yaml": None},
        "from pathlib import Path\n\n\ndef test_it():\n    assert not Path('config/old.yaml').exists()\n",
    ),
}


@pytest.mark.parametrize("how", HONEST)
def test_honest_tests_still_bite(held, how):
    before, after, test = HONEST[how]
    found = held(before, {**after, "tests/test_a.py": test})
    assert set(found.states.values()) == {"bites"}, found.outcome.rows
    assert not found.refused


TESTS = """\
from berths import spare


def test_spare():
    assert spare(100, 120) == 20


def test_zero():
    assert spare(120, 120) == 0
"""
BROKEN = NEW.replace("return berth - ship", "return 20")
CONFTEST = (
    "def pytest_collection_modifyitems(items):\n    items[:] = [one for one in items if 'zero' not in one.name]\n"
)
HIDING = {
    "deselected": {"pytest.ini": "[pytest]\naddopts = --deselect tests/test_old.py::test_zero\n"},
    "not collected": {"pytest.ini": "[pytest]\npython_files = test_n.py\n"},
    "taken out": {"tests/conftest.py": CONFTEST},
    "ignored": {"conftest.py": "collect_ignore = ['tests/test_old.py']\n"},
    "skipped": {
        "tests/test_old.py": "import pytest\n" + TESTS.replace("def test_zero", "@pytest.mark.skip\ndef test_zero")
    },
    "expected": {
        "tests/test_old.py": "import pytest\n"
        + TESTS.replace("def test_zero", "@pytest.mark.xfail\ndef test_zero")
    },
}


@pytest.mark.parametrize("how", HIDING)
def test_a_test_that_ran_before_and_is_hidden_by_the_change_is_named_and_refused(held, how):
    """Nothing said that a test that the old code runs did not run at all."""
    after = {"src/berths.py": BROKEN, "tests/test_n.py": GOOD, **HIDING[how]}
    found = held({**BEFORE, "tests/test_old.py": TESTS}, after)
    assert "tests/test_old.py::test_zero" in found.outcome.hidden
    assert found.outcome.verdict == "failed"
    assert found.refused


GONE = {
    "taken out of its file": {"tests/test_old.py": TESTS.partition("\n\ndef test_zero")[0]},
    "gone with its file": {"tests/test_old.py": None},
    "renamed": {"tests/test_old.py": TESTS.replace("test_zero", "test_nothing_is_spare")},
    "moved": {"tests/test_old.py": None, "tests/test_spare.py": TESTS},
}


@pytest.mark.parametrize("how", GONE)
def test_a_test_that_is_gone_or_elsewhere_is_not_hidden(held, how):
    after = {"src/berths.py": NEW, "tests/test_n.py": GOOD, **GONE[how]}
    found = held({**BEFORE, "tests/test_old.py": TESTS}, after)
    assert found.outcome.hidden == ()
    assert found.outcome.verdict == "passed"


def test_what_was_skipped_before_as_well_hides_nothing(held):
    skipped = "import pytest\n" + TESTS.replace("def test_zero", "@pytest.mark.skip\ndef test_zero")
    after = {"src/berths.py": NEW, "tests/test_n.py": GOOD}
    assert held({**BEFORE, "tests/test_old.py": skipped}, after).outcome.hidden == ()


def test_another_runners_test_that_is_skipped_now_is_hidden(held):
    command = ("{python}", "-m", "pytest", "-q", "--junit-xml={junit}", "-p", "no:cacheprovider")
    after = {"src/berths.py": NEW, "tests/test_n.py": GOOD, **HIDING["skipped"]}
    found = held({**BEFORE, "tests/test_old.py": TESTS}, after, command=command)
    assert [test.rpartition("::")[2].rpartition(".")[2] for test in found.outcome.hidden] == ["test_zero"]
    assert {row.reach for row in found.outcome.rows if row.state == "bites"} == {"unseen"}
