"""Bars, sparklines, gauges and odds: exact columns, honest at the edges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.doors.cli.screens.rollout_bars import (
    bar,
    change,
    clock,
    count,
    evidence,
    gauge,
    marked,
    odds,
    scaled,
    span,
    spark,
)
from interlock.doors.cli.text import columns

ANY = st.floats(min_value=-10, max_value=1000, allow_nan=False)


@given(fraction=ANY, room=st.integers(1, 100))
def test_a_bar_has_the_columns_it_was_given(fraction, room):
    assert columns(bar(fraction, room)) == room
    assert columns(marked(fraction, room, [0.01, 0.5, 1.0])) == room


@given(log_e=ANY, room=st.integers(5, 100))
def test_evidence_has_the_columns_it_was_given_and_shows_the_stop(log_e, room):
    drawn = evidence(log_e, 4.6, room)
    assert columns(drawn) == room
    assert drawn[room * 4 // 5] == "┃"


@pytest.mark.parametrize(("log_e", "full"), [(0.0, 0), (2.3, 20), (4.6, 40), (5.75, 49)])
def test_evidence_reaches_the_stop_exactly_when_the_judge_does(log_e, full):
    assert evidence(log_e, 4.6, 50).count("█") == full


def test_next_to_nothing_is_visible_and_nothing_is_empty():
    assert bar(1e-9, 10).strip() == "▏"
    assert bar(0, 10) == " " * 10


@pytest.mark.parametrize(
    ("log_e", "said"),
    [
        (math.log(1204), "1,204 : 1"),
        (math.log(100), "100 : 1"),
        (0.0, "1 : 1"),
        (-math.log(3), "1 : 3"),
        (50.0, "10²¹ : 1"),
        (1e6, "10⁴³⁴²⁹⁴ : 1"),
        (math.log(2.44), "2.4 : 1"),
    ],
)
def test_odds_as_people_say_them(log_e, said):
    assert odds(log_e) == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.0, "−100 %"),
        (0.19, "−81 %"),
        (1.001, "±0 %"),
        (1.06, "×1.06"),
        (1.5, "×1.5"),
        (3.4, "×3.4"),
        (480.0, "×480"),
    ],
)
def test_rates_as_people_say_them(ratio, said):
    assert change(ratio) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3.14, "3.1 s"), (42, "42 s"), (190, "3 min"), (7_800, "2 h 10 min"), (7_200, "2 h"), (300_000, "3 days")],
)
def test_spans_as_people_say_them(seconds, said):
    assert span(seconds) == said


def test_a_clock_and_counts():
    assert [clock(0), clock(253), clock(90_000)] == ["00:00:00", "00:04:13", "25:00:00"]
    assert [count(0), count(8.74), count(187.3), count(26_100.2)] == ["0", "8.7", "187", "26,100"]


def test_what_was_not_counted_is_a_gap_and_never_a_zero():
    assert spark([0.0, None, 4.0], 4.0) == "▁ █"
    assert scaled([1.0, 3.0, None, None, 5.0, 7.0], 3) == [2.0, None, 6.0]


@given(values=st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=200), room=st.integers(1, 40))
def test_a_sparkline_never_takes_more_columns_than_it_has(values, room):
    assert columns(spark(scaled(values, room), 1e6)) <= room


@pytest.mark.parametrize(
    ("bounds", "harm", "drawn"),
    [
        ((None, None, None), "left", "░░░░│····"),
        ((0.5, 1.0, 2.0), "left", "░░━━●━━··"),
        ((0.5, 1.5, 2.0), "right", "··━━┿●━░░"),
        ((None, 0.0, 0.19), "left", "●░░░│····"),
        ((5.0, 9.0, None), "right", "····│░░░●"),
    ],
)
def test_a_gauge_shows_band_estimate_and_the_harmful_side(bounds, harm, drawn):
    assert gauge(bounds, 9, harm=harm) == drawn
