"""Times at the ends of the calendar have one form or are refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.canonical import canonical, plain, timestamp
from interlock.core.change.errors import InvalidInput


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_whose_utc_is_no_year_is_refused(text: str) -> None:
    for form in (timestamp, canonical):
        with pytest.raises(InvalidInput) as caught:
            form(datetime.fromisoformat(text))
        assert caught.value.code == "not-canonical"


def test_a_year_has_four_digits() -> None:
    assert timestamp(datetime(999, 1, 1, tzinfo=UTC)) == "0999-01-01T00:00:00.000Z"


@given(st.datetimes(timezones=st.builds(lambda hours: timezone(timedelta(hours=hours)), st.integers(-23, 23))))
def test_every_time_has_one_form_or_is_refused(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    try:
        text = timestamp(moment)
    except InvalidInput:
        assert moment.year in {1, 9999}
        return
    assert datetime.fromisoformat(text) == moment
    assert text == timestamp(moment.astimezone(UTC))


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Held:
    colour: Colour
    inner: object


TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["\x00\x1f\x7f", '"\\/\b\f', "\u2028\ud7ff\uffff😀"]
)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.just(Colour.RED)
    | st.just(datetime(2026, 3, 5, 1, 2, 3, 4000, tzinfo=UTC))
)
VALUE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(TEXT | st.just(Colour.RED), inner)
        | st.builds(Held, st.just(Colour.RED), inner)
    ),
)


@given(VALUE)
def test_the_fast_way_writes_what_the_library_writes(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(plain(value))


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        [2**53],
        float("nan"),
        float("inf"),
        "\ud800",
        {"\udfff": 1},
        {"a": b"x"},
        {1: 2},
        object(),
        Held,
    ],
)
def test_what_has_no_canonical_form_is_refused_in_both_ways(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        canonical(value)
    assert caught.value.code == "not-canonical"


def test_nesting_beyond_the_stack_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput) as caught:
        canonical(deep)
    assert caught.value.code == "not-canonical"
