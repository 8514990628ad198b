from __future__ import annotations

import pytest
from hypothesis import given, strategies

from interlock.core.change.pointers import at, covers, dotted, every, joined, leaves, one_line, shown, steps

keys = strategies.text(max_size=6)
values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=4),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_every_place_is_found_again_by_its_pointer(value):
    for pointer, item in every(value):
        assert at(value, pointer) == item


@given(strategies.lists(keys, max_size=4))
def test_steps_undo_joining(path):
    pointer = ""
    for step in path:
        pointer = joined(pointer, step)
    assert steps(pointer) == path
    assert covers("/**", pointer)


@given(values)
def test_leaves_are_the_places_that_hold_nothing_further(value):
    inner = {pointer for pointer, item in every(value) if not (isinstance(item, dict | list) and item)}
    stood_in = {p for p, item in leaves(value) if isinstance(item, dict) and item}
    assert {pointer for pointer, _ in leaves(value)} - stood_in <= inner


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        ("", "the document"),
        ("/delivery/max_days", "delivery.max_days"),
        ("/hosts/2/name", "hosts[2].name"),
        ("/apps~1v1~1Deployment~1~1frontend/spec/replicas", "Deployment frontend spec.replicas"),
        ("/apps~1v1~1Deployment~1~1frontend", "Deployment frontend"),
        ("/a~1b/c", "a/b.c"),
    ],
)
def test_a_pointer_as_people_write_it(pointer, text):
    assert dotted(pointer) == text


@pytest.mark.parametrize(
    ("pattern", "pointer", "covered"),
    [
        ("/a/*/c", "/a/b/c", True),
        ("/a/*/c", "/a/b/b/c", False),
        ("/a/**", "/a", True),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/ab", False),
        ("**/port", "/x/y/port", True),
        ("**/port", "/x/export", False),
        ("/a/x*", "/a/xyz", True),
        ("/a/x*", "/a/x/z", False),
        ("/a.b", "/axb", False),
        ("/a?", "/ab", True),
        ("/a?", "/a/", False),
        ("/(", "/(", True),
    ],
)
def test_a_glob_over_pointers(pattern, pointer, covered):
    assert covers(pattern, pointer) is covered


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        ("", '""'),
        (" a", '" a"'),
        ("a\nb", "a\\nb"),
        ({"redacted": "sha256:00"}, "redacted"),
        ({"number": "1e400"}, "1e400"),
        ({"a": 1, "b": 2}, "a map of 2"),
        ([1], "a list of 1"),
        ("x" * 70, "x" * 59 + "…"),
    ],
)
def test_a_value_in_a_message(value, text):
    assert shown(value) == text


def test_a_message_is_one_line_whatever_is_in_it():
    assert one_line("a\r\n\x1b[2J\u202e\ud800é") == "a\\r\\n\\x1b[2J\\u202e\\ud800é"
    assert len(one_line("x" * 9_000)) == 500


@pytest.mark.parametrize("pointer", ["/a/9", "/a/x", "/b", "/a/99999999999999999999", "/a/²"])
def test_a_pointer_to_nothing_gives_null(pointer):
    assert at({"a": [1]}, pointer) is None
