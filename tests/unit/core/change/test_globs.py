"""Globs as in CODEOWNERS."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.globs import GlobIndex, matches


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*", "a/b.py", True),
        ("*.js", "src/x.js", True),
        ("*.js", "src/x.jsx", False),
        ("/build/logs/", "build/logs/x/y", True),
        ("/build/logs/", "build/logs", False),
        ("/build/logs/", "src/build/logs/x", False),
        ("docs/*", "docs/a.md", True),
        ("docs/*", "docs/b/a.md", False),
        ("docs/*", "src/docs/a.md", False),
        ("apps/", "z/apps/x", True),
        ("apps", "z/apps/x", True),
        ("**/logs", "a/b/logs/x", True),
        ("**/logs", "logs", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b/q", True),
        ("a/**/b", "a/xb", False),
        ("src/**", "src/a/b", True),
        ("src/**", "src", False),
        ("**", "q", True),
        ("src/x", "src/x/y", True),
        ("src/x", "src/xy", False),
        ("src/x", "a/src/x", False),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXbYcQ", False),
        ("a/**/x*y*z/**/b", "a/1/xyz/2/b", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        (r"a\ b", "a b", True),
        (r"\*", "*", True),
        (r"\*", "x", False),
        ("a[b]", "a[b]", True),
        ("a.c", "abc", False),
        ("", "x", False),
        ("/", "x", False),
        ("é*", "é.txt", True),
    ],
)
def test_what_a_glob_covers(pattern: str, path: str, *, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["*a" * 200 + "b", "**/a/" * 60 + "b", "**/*a*/" * 40 + "*b*c"])
def test_a_hostile_glob_costs_no_more_than_a_plain_one(pattern: str) -> None:
    started = time.process_time()
    matches(pattern, "a/" * 2_000 + "a" * 200)
    assert time.process_time() - started < 1


def test_a_pattern_longer_than_the_limit_covers_nothing() -> None:
    assert matches("a" * 1_000, "a" * 1_000)
    assert not matches("a" * 1_001, "a" * 1_001)


_WORDS = st.lists(st.sampled_from(["a", "b", "ab", "*", "**", "a*", "?"]), min_size=1, max_size=4)
_PATHS = st.lists(st.sampled_from(["a", "b", "ab", "ba"]), min_size=1, max_size=5).map("/".join)


@given(st.lists(st.tuples(_WORDS.map("/".join), st.booleans(), st.booleans()), max_size=6), _PATHS)
def test_the_index_finds_what_trying_every_glob_finds(globs: list[tuple[str, bool, bool]], path: str) -> None:
    patterns = [f"{'/' if start else ''}{body}{'/' if end else ''}" for body, start, end in globs]
    entries = list(enumerate(patterns))
    index = GlobIndex((pattern, number) for number, pattern in entries)
    expected = {number for number, pattern in entries if matches(pattern, path)}
    assert {number for _, number in index.of(path)} == expected
