"""The seven rules, each against real git and real pytest."""

from __future__ import annotations

import pytest

OLD = "def days(km):\n    return 1 + km // 400\n"
NEW = "def days(km):\n    return 1 + km // 500\n"
WINDOW = NEW + "\n\ndef window(km):\n    return (days(km), days(km) + 2)\n"
BITES = "from promise import days\n\n\ndef test_days():\n    assert days(900) == 2\n"
BEFORE = {"src/promise.py": OLD}


def test_a_test_of_the_change_bites_and_one_of_nothing_does_not(held):
    idle = BITES + "\n\ndef test_zero():\n    assert days(0) == 1\n"
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_promise.py": idle}, required=("test_days",))
    assert found.states == {"test_days": "bites", "test_zero": "passes"}
    assert found.outcome.verdict == "passed"
    assert (found.refused, found.idle) == (True, ["test_zero"])


def test_what_was_there_before_may_be_pinned_down_if_somebody_says_so(held):
    idle = BITES + "\n\ndef test_zero():\n    assert days(0) == 1\n"
    found = held(
        BEFORE,
        {"src/promise.py": NEW, "tests/test_promise.py": idle},
        required=("test_days",),
        characterisation=("tests/test_promise.py::test_zero",),
    )
    assert not found.refused


HIDING = """\
from promise import days, window


def test_window():
    assert window(900) == (2, 4)


def test_nothing():
    assert True


def test_looks_away():
    window(900)
"""


def test_tests_that_hide_behind_a_symbol_that_is_missing_must_kill_a_mutant(held):
    found = held(BEFORE, {"src/promise.py": WINDOW, "tests/test_promise.py": HIDING}, required=("test_nothing",))
    assert found.states == {"test_window": "kills", "test_nothing": "survives", "test_looks_away": "survives"}
    assert found.refused
    assert "only for want of a symbol" in found.problems["test_nothing"]
    assert found.seen.looked.mutants == 2
    assert found.seen.looked.kills["tests/test_promise.py::test_looks_away"] == {"raises"}


@pytest.mark.parametrize("declared", [(), ("test_looks_away", "test_nothing")])
def test_new_tests_that_look_at_nothing_are_refused_beside_one_that_bites_unless_declared(held, declared):
    after = {"src/promise.py": WINDOW, "tests/test_promise.py": HIDING}
    found = held(BEFORE, after, required=("test_window",), characterisation=declared)
    assert found.problems == {"test_window": ""}
    assert found.states["test_window"] == "kills"
    assert (found.refused, sorted(found.unexplained)) == (
        not declared,
        [] if declared else ["test_looks_away", "test_nothing"],
    )
    assert found.idle == [] if declared else "test_looks_away" in found.idle


CAUGHT = """\
import pytest


def test_it():
    try:
        from promise import window
    except ImportError:
        pytest.fail("not there")
"""
SET_UP = """\
import pytest


@pytest.fixture
def it():
    from promise import window


def test_it(it):
    pass
"""


@pytest.mark.parametrize(
    "test",
    [
        "import promise\n\n\ndef test_it():\n    promise.window(900)\n",
        "from promise import days\n\n\ndef test_it():\n    days(900, fast=True)\n",
        CAUGHT,
        SET_UP,
    ],
    ids=["attribute", "argument", "caught", "fixture"],
)
def test_what_fails_for_want_of_a_symbol_is_weak_however_it_is_dressed(held, test):
    code = WINDOW.replace("def days(km)", "def days(km, fast=False)")
    found = held(BEFORE, {"src/promise.py": code, "tests/test_promise.py": test})
    assert found.states == {"test_it": "survives"}
    assert found.refused


def test_a_mutant_that_cannot_be_imported_is_made_of_one_thing_at_a_time(held):
    code = NEW + "\n\ndef table():\n    return [1, 2]\n\n\ndef width():\n    return 7\n\n\nSUM = sum(table())\n"
    tests = "from promise import width\n\n\ndef test_width():\n    assert width() == 7\n"
    found = held(BEFORE, {"src/promise.py": code, "tests/test_promise.py": tests})
    assert found.states == {"test_width": "kills"}


FLAKY = """\
import os
from pathlib import Path

from promise import days

COUNT = Path(os.environ["HOME"], "count")


def test_head():
    assert days(900) == 2
    COUNT.write_text(COUNT.read_text() + "x" if COUNT.exists() else "x")
    assert len(COUNT.read_text()) % 2
"""


def test_a_flaky_test_is_named_and_counts_for_nothing(held):
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_a.py": FLAKY}, required=("test_head",))
    assert found.states == {"test_head": "flaky"}
    assert found.outcome.verdict == "failed"
    assert found.problems["test_head"].startswith("flaky: tests/test_a.py::test_head")


def test_one_that_fails_only_sometimes_without_the_change_is_flaky_too(held):
    test = """\
import os
from pathlib import Path

from promise import days


def test_base():
    count = Path(os.environ["HOME"], "count")
    if days(900) == 3:
        count.write_text(count.read_text() + "x" if count.exists() else "x")
        assert len(count.read_text()) % 2 == 0
"""
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_a.py": test}, required=("test_base",))
    assert found.states == {"test_base": "flaky"}
    assert "each time without the change" in found.problems["test_base"]


def test_each_parameter_is_a_test_of_its_own(held):
    test = """\
import pytest
from promise import days


@pytest.mark.parametrize(("km", "wanted"), [(0, 1), (900, 2)])
def test_days(km, wanted):
    assert days(km) == wanted
"""
    before = {**BEFORE, "tests/test_promise.py": test.replace(", (900, 2)", "")}
    found = held(before, {"src/promise.py": NEW, "tests/test_promise.py": test}, required=("test_days",))
    assert found.states == {"test_days[0-1]": "passes", "test_days[900-2]": "bites"}
    assert found.outcome.behaviours[0].biting == ("tests/test_promise.py::test_days[900-2]",)
    assert not found.refused


def test_a_new_test_may_have_parameters_on_both_sides_of_what_moved(held):
    """The side that stays was refused as a test that shows nothing."""
    test = "import pytest\nfrom promise import days\n\n\n"
    test += "@pytest.mark.parametrize(('km', 'wanted'), [(0, 1), (900, 2)])\n"
    test += "def test_days(km, wanted):\n    assert days(km) == wanted\n"
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_promise.py": test})
    assert found.states == {"test_days[0-1]": "passes", "test_days[900-2]": "bites"}
    assert (found.refused, found.idle) == (False, [])
    alone = held(BEFORE, {"src/promise.py": NEW, "tests/test_promise.py": test.replace(", (900, 2)", "")})
    assert alone.refused


FIXTURE = "import pytest\n\n\n@pytest.fixture{how}\ndef far():\n    return {km}\n"
USES = """\
from promise import days


def test_far(far):
    assert days(far) == 2


def test_near():
    assert days(0) == 1
"""


def test_a_test_is_changed_when_a_fixture_it_uses_is(held):
    before = {**BEFORE, "tests/conftest.py": FIXTURE.format(how="", km=500), "tests/test_promise.py": USES}
    found = held(before, {"src/promise.py": NEW, "tests/conftest.py": FIXTURE.format(how="", km=900)})
    assert found.states == {"test_far": "bites"}


def test_an_autouse_fixture_changes_all_that_it_is_used_by(held):
    how = "(autouse=True)"
    before = {**BEFORE, "tests/conftest.py": FIXTURE.format(how=how, km=500), "tests/test_promise.py": USES}
    found = held(before, {"src/promise.py": NEW, "tests/conftest.py": FIXTURE.format(how=how, km=900)})
    assert found.states == {"test_far": "bites", "test_near": "passes"}
    assert not found.refused, "what was only changed need not be declared"


def test_layout_and_comments_and_another_name_of_the_file_change_no_test(held):
    after = {"src/promise.py": NEW, "tests/test_promise.py": None, "tests/test_days.py": f"# days\n{BITES}"}
    found = held({**BEFORE, "tests/test_promise.py": BITES.replace("== 2", "in (2, 3)")}, {**after})
    assert found.states == {"test_days": "bites"}
    same = BITES.replace("== 2", "in (2, 3)")
    again = held(
        {**BEFORE, "tests/test_days.py": same}, {"src/promise.py": NEW, "tests/test_days.py": f"# x\n{same}"}
    )
    assert again.states == {}


@pytest.mark.parametrize(
    ("marked", "state"),
    [
        ("@pytest.mark.skip(reason='later')", "skipped"),
        ("@pytest.mark.xfail", "skipped"),
        ("@pytest.mark.xfail(promise.days(900) == 3, reason='old', strict=True)", "skipped"),
    ],
)
def test_what_is_skipped_or_expected_to_fail_never_counts(held, marked, state):
    body = "assert True" if "strict" in marked else "assert promise.days(900) == 2"
    test = f"import promise\nimport pytest\n\n\n{marked}\ndef test_days():\n    {body}\n"
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_promise.py": test}, required=("test_days",))
    assert found.states == {"test_days": state}
    assert found.refused
    if "strict" not in marked:
        assert found.outcome.verdict == "failed"
        assert found.problems["test_days"] == "was skipped: tests/test_promise.py::test_days"


def test_what_was_listed_and_did_not_run_is_named(held):
    after = {"src/promise.py": NEW, "tests/test_promise.py": BITES}
    found = held(BEFORE, after, required=("test_days", "test_holidays"))
    assert found.problems == {"test_days": "", "test_holidays": "did not run: no test has this name"}
    assert found.outcome.verdict == "failed"


def test_modules_come_from_the_copy_in_a_src_layout_too(held):
    before = {"src/shop/__init__.py": "", "src/shop/promise.py": OLD}
    test = BITES.replace("from promise", "from shop.promise")
    found = held(before, {"src/shop/promise.py": NEW, "tests/test_promise.py": test})
    assert found.states == {"test_days": "bites"}
    origins = found.seen.looked.base[0].origins
    assert set(origins) == {"shop", "shop.promise"}
    assert all("/copy/src/shop/" in file for file in origins.values())


def test_an_installed_copy_says_nothing_of_the_change(held, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "promise.py").write_text(NEW)
    test = f"import sys\n\nsys.path.insert(0, {str(tmp_path / 'site')!r})\n{BITES}"
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_promise.py": test})
    assert found.seen.fault.startswith("the tests read an installed copy, not the change: `promise` came from")


def test_a_configuration_is_product_and_the_data_of_tests_goes_along(held):
    test = """\
from pathlib import Path


def test_days():
    wanted = Path("tests/wanted.txt").read_text()
    assert Path("config/days.txt").read_text() == wanted
"""
    before = {"config/days.txt": "7", "tests/wanted.txt": "7", "tests/test_days.py": test}
    found = held(before, {"config/days.txt": "5", "tests/wanted.txt": "5"}, required=("test_days",))
    assert found.states == {"test_days": "bites"}


def test_keys_and_secrets_are_not_in_the_environment_of_the_tests(held, monkeypatch):
    monkeypatch.setenv("INTERLOCK_RUNNER_KEY", "/keys/runner.pem")
    monkeypatch.setenv("CLOUD_TOKEN", "t0p")
    test = """\
import os


def test_nothing_to_steal():
    assert not [name for name in os.environ if name.startswith("INTERLOCK_") or "TOKEN" in name]
    assert os.listdir(os.environ["HOME"]) == []
"""
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_a.py": test})
    assert found.states == {"test_nothing_to_steal": "passes"}


def test_what_never_ends_is_ended_and_decides_nothing(held):
    found = held(
        BEFORE,
        {"src/promise.py": NEW, "tests/test_a.py": "import time\n\n\ndef test_a():\n    time.sleep(600)\n"},
        timeout=3.0,
    )
    assert found.seen.fault == "pytest did not end in time"


@pytest.mark.parametrize("line", ['{"kind": "test", "id": 7}', "no JSON", '{"kind": "origins"}\n[]'])
def test_what_the_tests_write_in_the_name_of_the_witness_is_not_believed(held, line):
    test = f"""\
import os
from pathlib import Path


def test_forged():
    Path(os.environ["TESTS_WITNESS_FOLDER"], "seen-0.jsonl").write_text({line!r})
"""
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_a.py": test})
    assert found.seen.fault.startswith("what the tests wrote cannot be read")


def test_a_link_in_the_place_of_a_report_is_not_followed(held, tmp_path):
    (tmp_path / "secret").write_text("s3cr3t")
    test = f"""\
import os
from pathlib import Path


def test_linked():
    Path(os.environ["TESTS_WITNESS_FOLDER"], "seen-0.jsonl").symlink_to({str(tmp_path / "secret")!r})
"""
    found = held(BEFORE, {"src/promise.py": NEW, "tests/test_a.py": test})
    assert found.seen.fault.startswith("what the tests wrote cannot be read")
    assert "s3cr3t" not in found.seen.fault


def test_another_runner_is_asked_by_its_command(held):
    """New are the tests that base does not have; what failed there is told by its report."""
    command = ("{python}", "-m", "pytest", "-q", "--junit-xml={junit}", "-p", "no:cacheprovider")
    tests = BITES + "\n\ndef test_zero():\n    assert days(0) == 1\n"
    before = {
        **BEFORE,
        "tests/test_promise.py": BITES.replace("test_days", "test_was_there")
        .replace("900", "0")
        .replace("2", "1"),
    }
    found = held(before, {"src/promise.py": NEW, "tests/test_more.py": tests}, command=command)
    assert found.states == {"test_days": "bites", "test_zero": "passes"}
    assert found.idle == ["test_zero"]
