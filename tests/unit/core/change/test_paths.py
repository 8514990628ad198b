from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.errors import InvalidInput
from interlock.core.change.paths import (
    glob_matcher,
    path_bytes,
    path_text,
    repository_address,
    split_patterns,
)


@given(st.binary())
def test_a_path_comes_back_from_its_text(raw):
    assert path_bytes(path_text(raw)) == raw


@given(st.binary(), st.binary())
def test_two_paths_never_read_the_same(one, other):
    assert (path_text(one) == path_text(other)) == (one == other)


def test_bytes_and_backslashes_are_written_out():
    assert path_text(b"a\xff\\xff/\xc3\xa9") == r"a\xff\\xff/é"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b"),
        ("https://user:pw@GitHub.com:443/a/b.git/", "https://github.com/a/b"),
        ("http://git.example.com:8080/a", "https://git.example.com:8080/a"),
        ("ssh://git@example.com:2222/a/b", "https://example.com/a/b"),
        ("git@github.com:a/b.git", "https://github.com/a/b"),
        ("github.com:a/b", "https://github.com/a/b"),
        ("git+https://github.com/a/b", "https://github.com/a/b"),
        ("https://host/a?token=x#y", "https://host/a"),
        ("https://[::1]:8443/a", "https://[::1]:8443/a"),
        ("https://host:99999/a", ""),
        ("https://host/", ""),
        ("file:///srv/git/a.git", ""),
        ("/srv/git/a.git", ""),
        ("../a", ""),
        ("", ""),
    ],
)
def test_an_origin_is_one_address_without_credentials(url, address):
    assert repository_address(url) == address


PATHS = (
    "config/a.yaml",
    "config/b/c.yaml",
    "x/y/p.env",
    "config/secret/d.yaml",
    "config/secret/kept.yaml",
    "a.yaml",
)


def test_the_last_pattern_that_matches_decides():
    wanted = glob_matcher(split_patterns("config/**/*.yaml, *.env\n!config/secret/**,config/secret/kept.yaml"))
    taken = [path for path in PATHS if wanted(path)]
    assert taken == ["config/a.yaml", "config/b/c.yaml", "x/y/p.env", "config/secret/kept.yaml"]


@pytest.mark.parametrize("patterns", [[], ["!"], ["/"], ["a" * 1001], ["a"] * 1001])
def test_patterns_that_name_nothing_or_too_much_are_refused(patterns):
    with pytest.raises(InvalidInput) as caught:
        glob_matcher(patterns)
    assert caught.value.code == "pattern-invalid"
