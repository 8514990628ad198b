"""Selectors of real PromQL, closed over recording rules."""

import pytest

from interlock.core.alerts.expression import LabelMatch, Selector, Unparsed, closed, selectors
from interlock.core.alerts.rule_files import read_rules
from interlock.core.change.errors import InvalidInput


def recording(**rules):
    lines = "".join(f"  - record: {name}\n    expr: {text}\n" for name, text in rules.items())
    return read_rules("r.yml", f"groups:\n- name: g\n  rules:\n{lines}".encode())[0].rules


def test_a_selector_has_metric_matchers_range_and_offset():
    found = selectors('sum by (le) (rate(http_total{code=~"5..",job!="x",a="b",c!~"d"}[5m] offset 1h)) / foo > 1')
    matchers = (
        LabelMatch("code", "=~", "5.."),
        LabelMatch("job", "!=", "x"),
        LabelMatch("a", "=", "b"),
        LabelMatch("c", "!~", "d"),
    )
    assert found == (
        Selector(metric="http_total", matchers=matchers, range=300.0, offset=3600.0),
        Selector(metric="foo"),
    )


def test_an_offset_into_the_future_is_negative():
    assert selectors("foo offset -5m") == (Selector(metric="foo", offset=-300.0),)


def test_the_ranges_of_subqueries_are_added_to_what_they_hold_and_to_nothing_else():
    found = selectors("max_over_time((rate(a[5m]) + b)[1h:1m]) + a + a")
    assert found == (
        Selector(metric="a", range=3900.0),
        Selector(metric="b", range=3600.0),
        Selector(metric="a"),
    )


def test_a_metric_named_by_a_matcher_is_named():
    assert selectors('{__name__="up",job="x"}') == (
        Selector(metric="up", matchers=(LabelMatch("job", "=", "x"),)),
    )
    pattern = LabelMatch("__name__", "=~", "a.*")
    assert selectors('{__name__=~"a.*"}') == (Selector(metric="", matchers=(pattern,)),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rate(", "unclosed left parenthesis"),
        ("holt_winters(a[5m], 0.1, 0.2)", "unknown function with name 'holt_winters'"),
        ("rate(a[$__rate_interval])", "unexpected character inside brackets: '$'"),
        ('a{x="1" or y="2"}', "matchers joined by `or` are no PromQL that Prometheus reads"),
    ],
)
def test_what_does_not_parse_is_a_value_with_the_reason(text, reason):
    assert selectors(text) == Unparsed(reason)


def test_recording_rules_are_looked_through():
    rules = recording(top="mid / scraped", mid="sum(rate(base[5m]))")
    assert set(closed("top > 1 or other", rules)) == {
        Selector(metric="scraped"),
        Selector(metric="base", range=300.0),
        Selector(metric="other"),
    }
    assert closed("other", recording(other="rate(")) == Unparsed("unclosed left parenthesis")


def test_what_is_written_around_a_recorded_name_holds_for_what_it_looks_at():
    rules = recording(rate="rate(base[5m])")
    assert closed("avg_over_time(rate[1h] offset 1d) + rate", rules) == (
        Selector(metric="base", range=300.0),
        Selector(metric="base", range=3900.0, offset=86_400.0),
    )


def test_recording_rules_in_a_circle_are_refused():
    with pytest.raises(InvalidInput) as refusal:
        closed("up", recording(one="two + 1", two="one"))
    assert "got a circle `one → two → one`" in refusal.value.message
