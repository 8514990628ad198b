from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.errors import InvalidInput
from interlock.core.change.exact_json import read_exact


def digest(text):
    return read_exact(text.encode()).digest("test/v1")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"a": 1, "a": 1}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"[1" + b"0" * 5000 + b"]",
        b"[1." + b"0" * 5000 + b"]",
        b"[" * 101 + b"]" * 101,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'"\xff"',
        b"{} {}",
    ],
)
def test_what_is_no_exact_json_is_refused_in_one_line(content):
    with pytest.raises(InvalidInput) as caught:
        read_exact(content)
    assert caught.value.code == "json-malformed"
    assert "\n" not in caught.value.message


def test_half_a_surrogate_has_no_digest():
    with pytest.raises(InvalidInput):
        digest('["\\ud800"]')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1]", "[1.0]"),
        ("[1]", '["1"]'),
        ("[12345678901234567890]", "[12345678901234567891]"),
        ("[0.1000000000000000055]", "[0.1000000000000000056]"),
        ("[0.1000000000000000055]", '[{"number":"0.1000000000000000055"}]'),
        ("[1e999]", "[1e998]"),
        ('{"a":[1],"b":[]}', '{"a":[],"b":[1]}'),
        ('{"a":1}', '{"a":1,"b":null}'),
        ("[[1],[2]]", "[[1,2]]"),
        ('{"a":[1,2]}', '{"a":[12]}'),
    ],
)
def test_different_content_has_a_different_digest(one, other):
    assert digest(one) != digest(other)


def test_other_encodings_with_a_mark_are_read():
    text = '{"é": 1}'
    assert {
        read_exact(text.encode(coding)).digest("d") for coding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
    } == {read_exact(text.encode()).digest("d")}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


def shuffled(value, random):
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


@given(json_values, st.randoms(), st.booleans(), st.sampled_from([None, 1]))
def test_key_order_escapes_and_layout_do_not_move_the_digest(value, random, ascii_only, indent):
    other = json.dumps(shuffled(value, random), ensure_ascii=ascii_only, indent=indent)
    assert digest(json.dumps(value)) == digest(other)


@given(json_values, json_values)
def test_equal_digests_mean_equal_documents(one, other):
    first, second = json.dumps(one, sort_keys=True), json.dumps(other, sort_keys=True)
    assert (digest(first) == digest(second)) == (first == second)
