"""The one word of a piece of evidence: what passed and does not bite is told apart."""

from __future__ import annotations

import pytest

from interlock.core.evidence.word import bites, shows, toothless, word


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ({"verdict": "passed"}, ("passed", True, None)),
        ({"verdict": "passed", "bites": True}, ("passed", True, True)),
        ({"verdict": "passed", "bites": False}, ("does not bite", False, False)),
        ({"verdict": "passed", "bites": True, "idle_tests": ["a"]}, ("does not bite", False, False)),
        ({"verdict": "passed", "bites": "no"}, ("passed", True, None)),
        ({"verdict": "failed", "bites": False}, ("failed", False, False)),
        ({}, ("", False, None)),
        ({"verdict": 3}, ("", False, None)),
    ],
)
def test_the_word_is_the_verdict_but_for_tests_that_show_nothing_of_the_change(summary, expected):
    assert (word(summary), shows(summary), bites(summary)) == expected
    assert bool(toothless(summary)) is (expected[0] == "does not bite")


def test_why_they_do_not_bite_names_them_and_counts_the_rest():
    assert toothless({"verdict": "passed", "bites": False, "idle_tests": ["a", "b", "c"]}) == (
        "a, b and 1 more are new and show nothing of the change: make them fail without the change"
    )
    assert toothless({"verdict": "passed", "bites": False}) == (
        "every test passes, and none that was asked for fails without the change"
    )
