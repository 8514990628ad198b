"""A list written before the code, as far as a range can show it; tests/integration/readers asks real git."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interlock.core.change.settings import Settings
from interlock.core.facts.documentation import documentation_of
from interlock.core.facts.listed_first import tests_before as listed_before

LIST = "---\nrequired_tests: [a]\n---\n"


def listed(make: Any, *commits: Any, number: int | None = 1) -> tuple[str, ...]:
    files = (make.file("change.md", "added"), "a.py")
    parts = (make.range(*files, commits=commits, documents=(make.document(LIST, number=number),)),)
    return listed_before(parts, documentation_of(parts, Settings()), make.catalog())


def test_a_commit_of_its_own_before_the_code_counts(make: Any) -> None:
    assert listed(make, make.commit(number=1, documents_only=True), make.commit(number=2)) == ("a",)


def test_a_merge_that_has_the_list_among_its_parents_comes_after_it(make: Any) -> None:
    merge = replace(make.commit(number=3), parents=("9" * 40, f"{2:040x}"))
    first, code = make.commit(number=1, documents_only=True), make.commit(number=2)
    assert listed(make, first, code, merge) == ("a",)
    assert listed(make, first, replace(code, parents=("9" * 40,)), merge) == ()


@pytest.mark.parametrize("note", ["not a note", ""])
def test_a_note_that_cannot_be_read_may_hide_a_mark(make: Any, note: str) -> None:
    first = make.commit(number=1, documents_only=True, note=note)
    assert listed(make, first, make.commit(number=2)) == ()


def test_a_version_without_a_commit_proves_nothing(make: Any) -> None:
    assert listed(make, make.commit(number=1, documents_only=True), number=None) == ()


def test_without_documentation_nothing_is_listed(make: Any) -> None:
    parts = (make.range("a.py"),)
    assert listed_before(parts, documentation_of(parts, Settings()), make.catalog()) == ()
