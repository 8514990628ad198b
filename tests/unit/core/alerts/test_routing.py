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


def leads(found, *receivers):
    """Where what is led to the routes of these receivers goes."""
    places = [str(place) for place, each in enumerate(found.routes) if each.receiver in receivers]
    return sent(found, places)


def heard(found, *receivers):
    return tuple(way.receiver for way in leads(found, *receivers).ways)


def routing(text=FILE, mute="always", interval="{}"):
    return read_routing("am.yml", text.format(mute=mute, interval=interval).encode())


def test_a_receiver_without_an_integration_sends_nothing():
    found = routing()
    assert found.receivers["pager"].integrations == ("pagerduty",)
    assert heard(found, "null", "pager") == ("pager",)
    nobody = leads(found, "null")
    assert (nobody.ways, nobody.why) == ((), "routed to null (am.yml:26), which sends nothing")


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
    assert leads(found, "orders").why == "routed to orders (am.yml:22), which is muted at all times"
    assert found.doubts == ()


@pytest.mark.parametrize(
    "interval",
    ["{years: ['2026']}", "{weekdays: ['monday:friday']}", "{times: [{start_time: '00:00', end_time: '23:59'}]}"],
)
def test_whoever_is_muted_at_times_is_told(interval):
    found = routing(interval=interval)
    assert heard(found, "orders") == ("orders",)
    assert found.doubts == ("orders is muted at times (always, am.yml:4): when that is, is not looked at",)
    assert routing(mute="nights").doubts[0].startswith("orders is muted at times (nights")


def test_a_receiver_that_is_muted_on_one_of_its_routes_hears_of_the_others():
    text = FILE.replace("receiver: team\n", "receiver: orders\n")
    found = read_routing("am.yml", text.format(mute="always", interval="{}").encode())
    assert [(each.receiver, each.muted) for each in found.routes] == [
        ("pager", False), ("orders", True), ("null", False), ("orders", False), ("orders", False)
    ]  # fmt: skip
    assert sent(found, ["1"]).why == "routed to orders (am.yml:22), which is muted at all times"
    assert [way.receiver for way in sent(found, ["1", "3"]).ways] == ["orders"]


WHOLE = [
    ["{weekdays: ['monday:saturday']}", "{weekdays: [sunday]}"],
    ["{weekdays: ['saturday', 'Sunday']}", "{weekdays: ['monday:friday']}"],
    ["{times: [{start_time: '08:00', end_time: '24:00'}]}", "{times: [{start_time: '00:00', end_time: '08:00'}]}"],
    ["{times: [{start_time: '08:00', end_time: '24:00'}, {start_time: '00:00', end_time: '09:00'}]}"],
    ["{months: ['january:june', 7]}", "{months: ['8:december']}"],
    ["{days_of_month: ['1:15']}", "{days_of_month: ['16:-1']}"],
    ["{days_of_month: ['-31:-1']}"],
    ["{years: ['2020:2030']}"],
    [
        "{weekdays: ['monday:friday'], times: [{start_time: '00:00', end_time: '12:00'}]}",
        "{weekdays: ['monday:friday'], times: [{start_time: '12:00', end_time: '24:00'}]}",
        "{weekdays: ['saturday', 'sunday'], location: UTC}",
    ],
    [
        "{weekdays: ['sunday:saturday'], location: Europe/Berlin, months: ['1:6']}",
        "{location: Europe/Berlin, months: ['7:12']}",
    ],
]
PARTLY = [
    ["{weekdays: ['monday:friday']}", "{weekdays: [sunday]}"],
    ["{days_of_month: ['1:-2']}"],
    ["{days_of_month: ['1:28']}"],
    ["{months: ['1:11']}"],
    ["{years: ['2020:2025']}"],
    ["{weekdays: ['monday:saturday']}", "{weekdays: [sunday], location: Asia/Tokyo}"],
    ["{times: [{start_time: '08:00', end_time: '24:00'}]}", "{times: [{start_time: '00:00', end_time: '07:59'}]}"],
]


@pytest.mark.parametrize(("parts", "muted"), [*((one, True) for one in WHOLE), *((one, False) for one in PARTLY)])
def test_intervals_that_are_all_of_the_time_together_mute_always(parts, muted):
    text = FILE.format(mute="always", interval=", ".join(parts)).encode()
    assert read_routing("am.yml", text, year=2026).routes[1].muted is muted
    apart = "".join(f"  - {{name: part{place}, time_intervals: [{each}]}}\n" for place, each in enumerate(parts))
    names = ", ".join(f"part{place}" for place in range(len(parts)))
    text = FILE.replace(
        "time_intervals:\n  - name: always",
        f"time_intervals:\n{apart.replace('{', '{{').replace('}', '}}')}  - name: always",
    )
    found = read_routing("am.yml", text.format(mute=names, interval="{years: ['2001']}").encode(), year=2026)
    assert found.routes[1].muted is muted


@pytest.mark.parametrize(
    ("interval", "muted"),
    [("{months: ['2'], days_of_month: [30]}", True), ("{weekdays: [sunday]}", False), ("{years: ['2001']}", True)],
)
def test_what_is_active_at_no_time_is_muted_always(interval, muted):
    text = FILE.replace("mute_time", "active_time", 1)
    found = read_routing("am.yml", text.format(mute="always", interval=interval).encode(), year=2026)
    assert found.routes[1].muted is muted


def test_a_route_sends_after_its_group_wait_which_it_has_from_above():
    text = FILE.replace("receiver: pager\n", "receiver: pager\n  group_wait: 2h\n", 1)
    text = text.replace("receiver: orders\n", "receiver: orders\n      group_wait: 0s\n", 1)
    assert [each.wait for each in routing(text).routes] == [7200, 0, 7200, 7200, 7200]
    assert [each.wait for each in routing().routes] == [30, 30, 30, 30, 30]


def test_inhibition_is_told():
    found = routing(FILE + "inhibit_rules: [{{source_matchers: [a=b]}}]\n")
    assert found.doubts == ("inhibit_rules (am.yml:27): alerts of other rule files may hold these back",)


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
