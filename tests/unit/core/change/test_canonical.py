"""Times at the ends of the calendar have one form or are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.canonical import canonical, timestamp
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
