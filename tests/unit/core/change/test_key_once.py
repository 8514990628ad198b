"""A key stands once, whoever reads the text."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import pytest

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.exact_json import read_exact
from interlock.core.change.key_once import check_once, once, twice
from interlock.core.change.parse import parse_foreign


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a stranger may send."""

    days: int = 0
    more: dict[str, Json]


@pytest.mark.parametrize(
    "text",
    [
        '{"days": 1, "days": 2, "more": {}}',
        '{"days": 1, "d\\u0061ys": 2, "more": {}}',
        '{"more": {"a": [{"b": 1, "b": 1}]}}',
        '{"more": {"": 1, "": 2}}',
    ],
)
def test_a_key_twice_is_refused_wherever_it_stands(text: str) -> None:
    for given in (text, text.encode()):
        with pytest.raises(InvalidInput) as caught:
            parse_foreign(Order, given, what="an order")
        assert caught.value.code == "json-key-twice"


@pytest.mark.parametrize(
    "text",
    ['{"days": 1, "more": {"days": 1, "a": [{"b": 1}, {"b": 1}]}}', '{"more": {"a": 1e400}}', '{"more": {}}'],
)
def test_the_same_key_elsewhere_is_none_twice(text: str) -> None:
    assert isinstance(parse_foreign(Order, text, what="an order"), Order)


def test_a_long_number_is_left_to_the_first_reader() -> None:
    check_once('{"a": ' + "9" * 10_000 + "}")


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": "\x01"}', b"\xff"])
def test_what_the_second_reader_cannot_read_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_once(text)
    assert caught.value.code == "json-unreadable"


def test_the_first_that_stood_before_is_named() -> None:
    assert (twice("abcba"), twice("abc")) == ("b", "")
    with pytest.raises(InvalidInput, match="`b` twice"):
        once([("a", 1), ("b", 2), ("b", 3), ("a", 4)])


def test_one_key_twice_among_many_is_found_in_one_pass() -> None:
    """Comparing each key with all before it took minutes on a plan of this size."""
    text = "{" + ",".join(f'"k{n}":0' for n in range(100_000)) + ',"k99999":1}'
    begun = time.process_time()
    with pytest.raises(InvalidInput, match="`k99999` twice"):
        read_exact(text.encode())
    assert time.process_time() - begun < 5


def test_a_body_of_many_objects_is_checked_quickly() -> None:
    text = json.dumps({"more": {str(n): {"a": {"b": n}} for n in range(100_000)}})
    begun = time.process_time()
    check_once(text)
    assert time.process_time() - begun < 2
