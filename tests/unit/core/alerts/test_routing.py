"""Alertmanager's file as far as it is looked at: who sends nothing, who is muted, and amtool's line."""

from __future__ import annotations

import pytest

from interlock.core.alerts.routing import named, read_routing, sent
from interlock.core.change.errors import InvalidInput

FILE = """\
route:
  receiver: pager
  routes:
    - receiver: orders
      matchers: [service="orders"]
      mute_time_intervals: [{mute}]
    - matchers: [severity="none"]
      receiver: "null"
    - receiver: team
      routes:
        - matchers: [a="b"]
time_intervals:
  - name: always
    time_intervals: [{interval}]
  - name: nights
    time_intervals:
      - times: [{{start_time: "20:00", end_time: "24:00"}}]
receivers:
  - name: pager
    pagerduty_configs: [{{service_key: x}}]
    slack_configs: []
  - name: orders
    slack_configs: [{{channel: "#a"}}]
  - name: team
    email_configs: [{{to: a@example.org}}]
  - name: "null"
"""


def routing(text=FILE, mute="always", interval="{}"):
    return read_routing("am.yml", text.format(mute=mute, interval=interval).encode())


def test_a_receiver_without_an_integration_sends_nothing():
    found = routing()
    assert found.receivers["pager"].integrations == ("pagerduty",)
    assert sent(found, ["null", "pager"]).heard == ("pager",)
    nobody = sent(found, ["null"])
    assert (nobody.heard, nobody.why) == ((), "routed to null (am.yml:26), which sends nothing")


@pytest.mark.parametrize(
    "interval",
    [
        "{}",
        "null",
        "{location: UTC}",
        "{weekdays: ['sunday:saturday']}",
        "{times: [{start_time: '00:00', end_time: '24:00'}], months: ['1:12'], days_of_month: ['1:31']}",
    ],
)
def test_whoever_is_always_muted_hears_nothing(interval):
    found = routing(interval=interval)
    assert sent(found, ["orders"]).why == "routed to orders (am.yml:22), which is muted at all times"
    assert found.doubts == ()


@pytest.mark.parametrize(
    "interval",
    ["{years: ['2026']}", "{weekdays: ['monday:friday']}", "{times: [{start_time: '00:00', end_time: '23:59'}]}"],
)
def test_whoever_is_muted_at_times_is_told(interval):
    found = routing(interval=interval)
    assert sent(found, ["orders"]).heard == ("orders",)
    assert found.doubts == ("orders is muted at times (always, am.yml:4): when that is, is not looked at",)
    assert routing(mute="nights").doubts[0].startswith("orders is muted at times (nights")


def test_a_receiver_that_is_muted_on_one_of_its_routes_still_hears():
    text = FILE.replace("receiver: team\n", "receiver: orders\n")
    found = read_routing("am.yml", text.format(mute="always", interval="{}").encode())
    assert sent(found, ["orders"]).heard == ("orders",)
    assert len(found.doubts) == 1


def test_inhibition_is_told():
    found = routing(FILE + "inhibit_rules: [{{source_matchers: [a=b]}}]\n")
    assert found.doubts == ("inhibit_rules (am.yml:27) are not looked at: one alert may hold back another",)


@pytest.mark.parametrize(
    ("said", "receivers", "found"),
    [
        ("a\n", ["a", "b"], ("a",)),
        ("a,b,a", ["a", "b"], ("a", "b", "a")),
        ("a, b,c", ["a, b", "a", "c"], ("a, b", "c")),
        ("a,b", ["a", "a,b", "b"], ("a,b",)),
        ("a,d", ["a", "b"], None),
        ("", ["a"], ()),
        ("a,", ["a"], None),
    ],
)
def test_amtools_line_is_read_by_the_receivers_that_there_are(said, receivers, found):
    assert named(said, receivers) == found


@pytest.mark.parametrize(
    "text", ["", "[]", "kind: Secret\n", "route: {receiver: a}\n", "receivers: [{name: a}]\n"]
)
def test_another_file_is_refused(text):
    with pytest.raises(InvalidInput, match="expected `route` and `receivers` in Alertmanager's file"):
        read_routing("am.yml", text.encode())
