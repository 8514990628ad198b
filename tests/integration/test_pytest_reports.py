"""What a real pytest writes is known under the names that people put into change.md."""

from __future__ import annotations

import subprocess
import sys

import pytest

from interlock.core.evidence.junit import read_junit

PASSING = """
import pytest
@pytest.mark.parametrize("days", [2, 3])
def test_fits(days): assert days
class TestDays:
    def test_few(self): assert True
"""
MIXED = """
import pytest
def test_good(): assert True
def test_bad(): assert False
class TestRest:
    def test_rest(self): assert True
    @pytest.mark.skip
    def test_left_out(self): assert True
"""


@pytest.fixture(params=["xunit1", "xunit2"])
def passed(request, tmp_path):
    """The names that passed in a run over two files below ``tests``."""
    folder = tmp_path / "tests" / "shop"
    folder.mkdir(parents=True)
    (folder / "test_promise.py").write_text(PASSING)
    (folder / "test_mixed.py").write_text(MIXED)
    options = ["-q", "-p", "no:cacheprovider", "-o", f"junit_family={request.param}", "--junitxml=report.xml"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests"], cwd=tmp_path, check=False, capture_output=True
    )
    return set(read_junit((tmp_path / "report.xml").read_bytes()).summary()["passed_tests"])


def test_each_way_to_name_what_passed(passed):
    """`tests/test_promise.py`, the example of the page, could not be met by any report."""
    assert {
        "tests/shop/test_promise.py",
        "tests/shop/test_promise.py::test_fits",
        "tests/shop/test_promise.py::test_fits[2]",
        "tests/shop/test_promise.py::TestDays",
        "tests/shop/test_promise.py::TestDays::test_few",
        "tests.shop.test_promise.TestDays.test_few",
        "test_few",
        "tests/shop/test_mixed.py::test_good",
        "tests/shop/test_mixed.py::TestRest::test_rest",
    } <= passed


def test_a_file_or_class_in_which_something_failed_or_was_skipped_did_not_pass(passed):
    assert (
        not {
            "tests/shop/test_mixed.py",
            "tests/shop/test_mixed.py::test_bad",
            "tests/shop/test_mixed.py::TestRest",
            "tests.shop.test_mixed",
            "tests",
            "tests/shop",
        }
        & passed
    )
