"""YAML files of our own, bounded before they are built."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import parse
from interlock.core.change.plain_yaml import MAX_BYTES, MAX_DEPTH, read_plain
from interlock.core.change.settings import SETTINGS_FILE, Settings
from interlock.core.policy.rules import load_rules, rules_digest_of, settings_of


def bomb(levels: int = 10, width: int = 10) -> bytes:
    """A few hundred bytes that stand for ``width`` to the power of ``levels`` values."""
    lines = ["version: 1", "validators:", "  json-schema:", f"    a0: &a0 [{','.join('x' * width)}]"]
    lines += [f"    a{level}: &a{level} [{','.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines).encode()


def refusal(content: bytes, *, aliases: bool = False) -> InvalidInput:
    """How ``content`` is refused; always one line that names the file."""
    with pytest.raises(InvalidInput) as caught:
        read_plain("some.yaml", content, aliases=aliases)
    assert "\n" not in caught.value.message
    assert "`some.yaml:" in caught.value.message
    return caught.value


@pytest.mark.parametrize("read", [settings_of, load_rules, rules_digest_of])
def test_a_bomb_in_the_settings_is_refused_at_once(read) -> None:  # type: ignore[no-untyped-def]  # three readers
    begun = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        read({SETTINGS_FILE: bomb()})
    assert time.process_time() - begun < 2
    assert caught.value.code == "yaml-unreadable"
    assert "interlock.yaml:5`" in caught.value.message


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"a: 1\nb: ]", "yaml-unreadable", 2),
        (b"a: &x 1\nb: *x\n", "yaml-unreadable", 2),
        (b"a: &x [1]\n<<: *x\n", "yaml-unreadable", 2),
        (b"a: \xff", "yaml-unreadable", 1),
        (b"a: !!python/object:os.system x", "yaml-unreadable", 1),
        (b"a: 2024-99-99", "yaml-unreadable", 1),
        (b"a: " + b"9" * 4000 + b"9" * 90, "", 0),
        (b"a: 1\n---\nb: 2\n", "yaml-unreadable", 2),
        (b"? [a]\n: b\n", "yaml-unreadable", 1),
        (b"#" * (MAX_BYTES + 1), "yaml-too-large", 1),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "yaml-too-large", 1),
        (b"- 1\n" * 200_001, "yaml-too-large", 200_000),
        (b"a: 1" + b":1" * 100_000, "yaml-too-large", 1),
    ],
)
def test_what_is_too_much_or_no_yaml_is_refused_with_its_line(content: bytes, code: str, line: int) -> None:
    if not code:
        assert read_plain("some.yaml", content)
        return
    error = refusal(content)
    assert (error.code, f"some.yaml:{line}`" in error.message) == (code, True), error.message


@pytest.mark.parametrize(
    "content",
    [
        bomb(),
        b"a: &a '" + b"x" * 900_000 + b"'\nb: [" + b",".join([b"*a"] * 100) + b"]",
        "\n".join(
            ["a0: &a0 [x]", *(f"a{n}: &a{n} [[[*a{n - 1}]]]" for n in range(1, 60))],
        ).encode(),
    ],
)
def test_where_aliases_are_permitted_what_they_write_out_is_counted(content: bytes) -> None:
    assert refusal(content, aliases=True).code == "yaml-too-large"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"one_person: false\none_person: true\n", 2),
        (b"a:\n  b: {c: 1}\n  d: 2\n  b: 3\n", 4),
        (b"- {a: [1, {x: 1}], 'a': 2}\n", 1),
        (b"a: 1\n!!str a: 2\n", 2),
        (b'a: 1\n"\\x61": 2\n', 2),
        (b"a: {<<: {b: 1}, c: 1}\n<<: {d: 1}\n<<: {e: 1}\n", 3),
    ],
)
def test_a_key_twice_is_refused_with_its_line(content: bytes, line: int) -> None:
    """The last one won silently: a reader of the file sees the first."""
    error = refusal(content, aliases=True)
    assert (error.code, f"some.yaml:{line}`" in error.message) == ("yaml-duplicate-key", True), error.message


@pytest.mark.parametrize("key", ["1", "on", "~", "2026-01-01", "[a]", "{a: 1}", "*x"])
def test_a_key_that_is_no_word_is_refused(key: str) -> None:
    """``1`` and ``"1"``, ``on`` and ``yes`` would fall together once the file is read."""
    error = refusal(f"w: &x word\n? {key}\n: 1\n".encode(), aliases=True)
    assert (error.code, "some.yaml:2`" in error.message) == ("yaml-unreadable", True), error.message


def test_the_same_key_in_other_mappings_and_a_merged_one_stand() -> None:
    content = b"x: &x {a: 1}\ny: {<<: *x, a: 2}\nz: [{a: 1}, {a: 2}]\na: x\n"
    expected = {"x": {"a": 1}, "y": {"a": 2}, "z": [{"a": 1}, {"a": 2}], "a": "x"}
    assert expected == read_plain("x", content, aliases=True)


def test_an_alias_of_itself_is_refused() -> None:
    assert refusal(b"a: &a [*a]", aliases=True).code == "yaml-unreadable"


def test_a_few_aliases_are_read_where_permitted() -> None:
    assert read_plain("x", b"a: &a {b: 1}\nc: {<<: *a, d: 2}", aliases=True) == {
        "a": {"b": 1},
        "c": {"b": 1, "d": 2},
    }


def test_times_and_an_empty_file() -> None:
    assert read_plain("x", b"") is None
    assert read_plain("x", b"2026-11-26T00:00:00Z") == dt.datetime(2026, 11, 26, tzinfo=dt.UTC)


def test_siblings_do_not_add_up_to_depth() -> None:
    assert read_plain("x", b"- [[1]]\n" * 300, aliases=True) == [[[1]]] * 300


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_VALUES)
def test_what_is_dumped_is_read_as_the_safe_loader_reads_it(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=False)
    try:
        read = read_plain("x", text.encode(), aliases=True)
    except InvalidInput:
        assert len(text) > 4000
        return
    assert read == yaml.safe_load(text)


def test_a_value_that_repeats_itself_is_bounded_before_it_is_written_out() -> None:
    value: object = ["x"] * 10
    for _ in range(12):
        value = [value] * 10
    begun = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        parse(Settings, {"validators": {"json-schema": {"a": value}}}, what="interlock.yaml")
    assert caught.value.code == "input-shape"
    assert time.process_time() - begun < 5


def test_a_value_of_repeated_long_words_is_bounded() -> None:
    word = "x" * 1_000_000
    with pytest.raises(InvalidInput, match="characters"):
        parse(Settings, {"validators": {"json-schema": {"a": [word] * 1000}}}, what="interlock.yaml")
