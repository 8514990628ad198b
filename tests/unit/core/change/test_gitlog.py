from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.errors import IntegrityError
from interlock.core.change.gitlog import (
    empty_tree,
    parents_first,
    read_commits,
    read_files,
    read_touches,
)
from interlock.core.change.parts import Commit, Identity


def commit(name, parents=(), minute=0):
    someone = Identity(name="a", email="a@example.com")
    moment = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    return Commit(id=name, parents=tuple(parents), author=someone, committer=someone, authored_at=moment,
                  committed_at=moment, message="")  # fmt: skip


def test_parents_come_first_then_time_then_id():
    commits = [
        commit("d", ["b", "c"]),
        commit("c", ["a"], 1),
        commit("b", ["a"], 2),
        commit("e", [], 1),
        commit("a"),
    ]
    assert [one.id for one in parents_first(commits)] == ["a", "c", "e", "b", "d"]


@given(st.permutations(range(9)))
def test_the_order_does_not_depend_on_gits(order):
    commits = [commit(str(n), [str(n // 2)] if n else [], n % 3) for n in range(9)]
    assert parents_first([commits[n] for n in order]) == parents_first(commits)


def test_a_time_no_calendar_has_counts_as_1970():
    fields = [b"a" * 40, b"", b"n", b"e", b"99999999999999999", b"n", b"e", b"", b"m", b"T"]
    (found,) = read_commits(b"\0".join(fields) + b"\0")
    assert found.authored_at == found.committed_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_long_message_is_cut_at_64_kib_without_splitting_a_letter():
    fields = [b"a" * 40, b"", b"n", b"e", b"0", b"n", b"e", b"0", "é".encode() * 40_000, b"T"]
    (found,) = read_commits(b"\0".join(fields) + b"\0")
    assert found.message == "é" * 32_768


@pytest.mark.parametrize("output", [b"a\0b\0", b"\0".join([b"x"] * 9) + b"\0"])
def test_output_that_breaks_the_format_is_an_integrity_error(output):
    with pytest.raises(IntegrityError):
        read_commits(output)


@pytest.mark.parametrize(
    "output",
    [
        b":100644 100644 " + b"1" * 40 + b" " + b"2" * 40 + b" M\0",
        b":100644 100644 " + b"1" * 40 + b" " + b"2" * 40 + b" X\0a\0",
        b"1\t1\tnobody\0",
    ],
)
def test_a_file_listing_that_breaks_the_format_is_an_integrity_error(output):
    with pytest.raises(IntegrityError):
        read_files(output)


def test_touches_need_a_commit():
    with pytest.raises(IntegrityError):
        list(read_touches(b":0 0 0 0 M\0a\0"))


def test_the_empty_tree_is_gits():
    assert empty_tree("sha1") == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert empty_tree("sha256") == "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
