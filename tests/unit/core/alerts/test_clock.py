"""Expressions that ask the clock, the same later, and when an alert is awake in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from interlock.core.alerts.clock import asking, asks, fixed, moved, of_alerts
from interlock.core.alerts.rule_files import read_rules
from interlock.core.alerts.starts import only, starts

TRIED = starts(datetime(2026, 11, 30, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("hour() < 6", "hour(vector(time() + 9)) < 6"),
        ("x and on() day_of_week ( ) == 4", "x and on() day_of_week(vector(time() + 9)) == 4"),
        ("- time( # now\n)", "- (time() + 9)"),
        ("time() - max(timestamp(max(x)))", "(time() + 9) - max((timestamp(max(x)) + 9))"),
        ("hour(timestamp(x))", "hour((timestamp(x) + 9))"),
        ("timestamp(timestamp(x) > 1)", "(timestamp((timestamp(x) + 9) > 1) + 9)"),
    ],
)
def test_what_asks_the_clock_is_the_same_later(text, later):
    assert asks(text)
    assert moved(text, 9) == later


@pytest.mark.parametrize(
    "text", ['sum by(time) (x{hour="hour()"})', "hour(x)", "a:hour(x)", "x # time()\n", "time_total", "`hour()`"]
)
def test_what_asks_no_clock_is_let_be(text):
    assert not asks(text)


RULES = b"""\
groups:
  - name: g
    rules:
      - {record: office, expr: 'hour() > 8'}
      - {record: open, expr: 'office * 1'}
      - {alert: Plain, expr: 'x < 1'}
      - {alert: Day, expr: 'x < 1 and on() open'}
      - {alert: Behind, expr: 'ALERTS{alertname="Day"}'}
      - {alert: Holds, expr: 'x < 1 or x < 2 and on() ALERTS{alertname="Holds"}'}
      - {alert: BehindPlain, expr: 'ALERTS{alertname="Plain"}'}
      - {alert: Every, expr: 'ALERTS{severity="page"}'}
"""


def test_an_alert_asks_the_clock_through_what_it_looks_at():
    assert asking(read_rules("a.yaml", RULES)) == {"Day", "Behind", "Every"}


def test_the_alerts_that_an_expression_looks_at_are_named():
    assert of_alerts('x < 1 and on() ALERTS{alertname="A",alertstate="firing"}') == {"A"}
    assert of_alerts('ALERTS{alertname=~"A|B"}') == {""}
    assert of_alerts("x < 1") == frozenset()


def test_what_stands_at_a_moment_of_its_own_is_named():
    assert fixed("x @ 1609746000 < time()") == "`@`"
    assert fixed('x{a="@"}') == ""
    assert fixed("time() - ALERTS_FOR_STATE > 60") == "`ALERTS_FOR_STATE`"


def test_every_hour_of_the_week_and_every_day_and_month_is_tried():
    assert len({(each.weekday(), each.hour) for each in TRIED}) == 168
    assert {each.day for each in TRIED} == {*range(1, 32)}
    assert {each.month for each in TRIED} == {*range(1, 13)}
    assert {each.year for each in TRIED} == {2026, 2027, 2028}
    assert len({each.minute for each in TRIED}) == 60


@pytest.mark.parametrize(
    ("awake", "words"),
    [
        (lambda at: at.hour < 6, "only before 06:00 UTC"),
        (lambda at: at.hour >= 8, "only from 08:00 UTC"),
        (lambda at: at.hour >= 22 or at.hour < 6, "only from 22:00 to 06:00 UTC"),
        (lambda at: at.weekday() == 3, "only on Thursdays"),
        (lambda at: at.weekday() < 5 and 8 <= at.hour < 18, "only on Mondays to Fridays from 08:00 to 18:00 UTC"),
        (lambda at: at.weekday() in {1, 5}, "only on Tuesdays, Saturdays"),
        (lambda at: at.month == 12, "only in December"),
        (lambda at: at.minute < 30, "at 86 of 168 hours only"),
        (lambda at: at.hour % 2, "only in 12 hours of the day"),
        (lambda _: False, "at none of 168 hours from 2026-11-30 to 2028-11-26"),
    ],
)
def test_when_it_is_awake_is_told_in_words(awake, words):
    assert only([each for each in TRIED if awake(each)], TRIED) == words
