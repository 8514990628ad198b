from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.keydiff import ABSENT, compare, pointer, same
from interlock.core.change.keyed import Single


def told(before, after):
    return [(pointer(one.path), one.op, one.before, one.after) for one in compare(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 7}, {"a": None}, [("/a", "changed", 7, None)]),
        ({"a": None}, {}, [("/a", "removed", None, None)]),
        ({}, {"a": None}, [("/a", "added", None, None)]),
        ({"a": 1}, {"a": True}, [("/a", "changed", 1, True)]),
        ({"a": 1}, {"a": 1.0}, [("/a", "changed", 1, 1.0)]),
        ({"a": 1}, {"a": "1"}, [("/a", "changed", 1, "1")]),
        ({"a": {"b": 1}}, {"a": [1]}, [("/a", "changed", {"b": 1}, [1])]),
        ({}, {"a": {"b": 1, "c": {}}}, [("/a/b", "added", None, 1), ("/a/c", "added", None, {})]),
        ({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}}, [("/a~1b/c~0d", "changed", 1, 2)]),
        ([1, 2, 3], [1, 3], [("/1", "removed", 2, None)]),
        ([1, 3], [1, 2, 3], [("/1", "added", None, 2)]),
        ([1], [], [("", "changed", [1], [])]),
        ([1, 2], [3, 2, 4], [("/0", "changed", 1, 3), ("/2", "added", None, 4)]),
        ([{"name": "a", "v": 1}, {"name": "b"}], [{"name": "c"}, {"name": "a", "v": 2}], [
            ("/0/name", "added", None, "c"), ("/1/v", "changed", 1, 2), ("/1/name", "removed", "b", None)]),
        ([{"id": "a", "v": 1}, {"id": "a", "v": 2}], [{"id": "a", "v": 1}, {"id": "a", "v": 3}], [
            ("/1/v", "changed", 2, 3)]),
        ({"n": Single(number="1e999")}, {"n": Single(number="1e998")}, [
            ("/n", "changed", {"number": "1e999"}, {"number": "1e998"})]),
        (ABSENT, {"a": 1}, [("/a", "added", None, 1)]),
        ({"a": 1}, ABSENT, [("/a", "removed", 1, None)]),
        (ABSENT, ABSENT, []),
        (1, 2, [("", "changed", 1, 2)]),
    ],
)  # fmt: skip
def test_differences_are_told_key_by_key(before, after, expected):
    assert told(before, after) == expected


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]) | st.just(0.5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc~/"), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_a_value_does_not_differ_from_itself(value):
    assert told(value, value) == []


@given(values, values)
def test_two_values_differ_exactly_when_something_is_told(one, other):
    assert bool(told(one, other)) == (not same(one, other))


@given(values, values)
def test_no_pointer_is_told_twice_for_one_side(one, other):
    new = [place for place, op, _, _ in told(one, other) if op != "removed"]
    old = [place for place, op, _, _ in told(one, other) if op == "removed"]
    assert len(new) == len(set(new))
    assert len(old) == len(set(old))
