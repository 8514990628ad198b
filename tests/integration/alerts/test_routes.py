"""Who hears of what: the real promtool fires alerts, the real amtool says where Alertmanager would send them."""

from __future__ import annotations

import pytest

from interlock.core.alerts.declared import declared
from interlock.core.alerts.outcome import answered, predicate
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.scope import looked
from interlock.core.alerts.shaken import SEED
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.plugins.alerts.amtool import Amtool
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.alert_remedies import proven_rules
from interlock.road.prove_alerts import carry_out, loadable, phases_of, prepare
from interlock.road.route_alerts import routes_by

PLAN = b"""\
service: shop
rules: [monitoring/*.yaml]
tolerance: 10m
shapes:
  - {series: 'orders_total{service="shop",region="eu"}', per_second: 100}
  - {series: 'orders_total{service="shop",region="us"}', per_second: 90}
  - {series: pool_used_ratio, level: 0.4}
modes:
  - {name: orders drop, kind: drop, series: orders_total}
  - {name: eu drops, kind: drop, series: 'orders_total{region="eu"}'}
  - {name: pool is full, kind: saturation, series: pool_used_ratio}
"""
ROUTING = b"""\
route:
  receiver: default
  routes:
    - {matchers: ['region="eu"'], receiver: europe, continue: true}
    - {matchers: ['severity="page"'], receiver: pager}
    - {matchers: ['severity="ticket"'], receiver: "null"}
receivers:
  - {name: default, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
  - {name: europe, slack_configs: [{api_url: 'http://127.0.0.1:1/', channel: '#eu'}]}
  - {name: pager, pagerduty_configs: [{service_key: x}]}
  - {name: "null"}
"""


def rules(*alerts):
    return "\n".join(["groups:", "- name: g", "  rules:", *(f"  - {{{each}}}" for each in alerts)]).encode()


DOWN = "alert: Down, expr: 'sum by (region) (rate(orders_total[5m])) < {least}', labels: {{severity: {severity}}}"


def proof(*alerts):
    plan = read_alert_plan("alert-plans/shop.yaml", PLAN)
    files = loadable({"monitoring/shop.yaml": rules(*alerts)}, Promtool())
    steps = round(phases_of(plan, looked(files.groups, interval=plan.interval)).healthy / plan.step)
    shapes = declared(plan.shapes, steps=steps, step=plan.step, seed=SEED)
    prepared = prepare(plan, files, shapes)
    return plan, carry_out(prepared, Promtool(), told=lambda _: None), prepared


def by_mode(found):
    return {row.mode: row for row in found.matrix.rows}


def applied(found, routing=ROUTING):
    return routes_by("monitoring/am.yml", routing, Amtool()).applied(found)


def test_an_alert_is_sent_by_the_labels_that_it_really_fires_with():
    _, found, _ = proof(
        DOWN.format(least=20, severity="page"),
        "alert: PoolFull, expr: 'pool_used_ratio > 0.9', labels: {hint: 'error could not sell'}",
    )
    rows = by_mode(found)
    assert [dict(each.labels) for each in rows["eu drops"].answers[0].fired] == [
        {"alertname": "Down", "region": "eu", "severity": "page"}
    ]
    assert rows["eu drops"].answers[0].receivers is None
    rows = by_mode(applied(found))
    assert rows["eu drops"].answers[0].receivers == ("europe", "pager")
    assert {*rows["orders drop"].answers[0].receivers} == {"europe", "pager"}
    assert rows["pool is full"].answers[0].receivers == ("default",)


def test_an_alert_that_is_routed_to_nobody_is_a_gap_with_the_reason():
    plan, found, prepared = proof(DOWN.format(least=20, severity="ticket"))
    assert by_mode(found)["orders drop"].proven
    only_us = ROUTING.replace(b'region="eu"', b'region="none"')
    routes = routes_by("monitoring/am.yml", only_us, Amtool())
    again = routes.applied(found)
    row = by_mode(again)["orders drop"]
    assert (row.proven, row.answers) == (False, ())
    assert [(one.alert, one.why) for one in row.unheard] == [
        ("Down", "routed to null (monitoring/am.yml:11), which sends nothing")
    ]
    said = predicate(plan, again.matrix, answered(plan, again.matrix, ["orders drop at night"]))
    assert (said["verdict"], said["proven"]) == ("failed", [])
    assert said["modes"][0]["unheard"][0]["alert"] == "Down"
    # the rule that would close the gap must reach somebody itself
    found = proven_rules(again, prepared, Promtool(), told=lambda _: None, routes=routes)
    assert "orders drop" in [one.rule.mode for one in found if not one.why]
    dark = routes_by("monitoring/am.yml", only_us.replace(b"receiver: pager}", b'receiver: "null"}'), Amtool())
    found = proven_rules(again, prepared, Promtool(), told=lambda _: None, routes=dark)
    nowhere = "the one that would fire is routed to null (monitoring/am.yml:11), which sends nothing"
    assert {one.why for one in found} == {nowhere}


def test_of_several_series_one_that_reaches_somebody_is_enough():
    _, found, _ = proof(DOWN.format(least=20, severity="ticket"))
    rows = by_mode(applied(found))
    assert rows["orders drop"].answers[0].receivers == ("europe",)
    assert [each.labels["region"] for each in rows["orders drop"].answers[0].fired] == ["eu"]


@pytest.mark.parametrize("severity", ["none", "info", "Info", "debug"])
def test_an_alert_that_is_for_nobody_by_its_severity_answers_nothing(severity):
    _, found, _ = proof(DOWN.format(least=20, severity=severity))
    row = by_mode(found)["orders drop"]
    assert (row.proven, [one.why for one in row.unheard]) == (False, [f"severity {severity} is for nobody"])
    assert [cell.alert for cell in row.cells if cell.fired] == ["Down"]
    assert not found.matrix.alerts["Down"].silent


def test_a_severity_that_is_filled_in_when_it_fires_is_what_it_then_is():
    text = DOWN.format(least=20, severity="'{{ if eq $labels.region \"eu\" }}none{{ else }}page{{ end }}'")
    _, found, _ = proof(text)
    rows = by_mode(found)
    assert not rows["eu drops"].proven
    assert [each.labels["region"] for each in rows["orders drop"].answers[0].fired] == ["us"]


def test_two_alerts_of_one_name_are_told_apart_by_their_labels():
    _, found, _ = proof(
        DOWN.format(least=20, severity="none"),
        DOWN.format(least=0.0001, severity="page") + ", for: 5m",
        "alert: Down, expr: 'pool_used_ratio > 0.9', labels: {severity: ticket}",
    )
    none, page, ticket = (f'Down{{severity="{each}"}}' for each in ("none", "page", "ticket"))
    assert {*found.matrix.alerts} == {none, page, ticket}
    rows = by_mode(found)
    assert (rows["orders drop"].proven, [one.alert for one in rows["orders drop"].unheard]) == (False, [none])
    assert [cell.alert for cell in rows["pool is full"].answers] == [ticket]
    assert found.matrix.alerts[page].silent
    assert not found.matrix.alerts[none].silent


def test_two_alerts_that_nothing_tells_apart_count_as_one():
    _, found, _ = proof(
        DOWN.format(least=20, severity="page"),
        "alert: Down, expr: 'pool_used_ratio > 0.9', labels: {severity: page}",
    )
    rows = by_mode(found)
    assert {*found.matrix.alerts} == {"Down"}
    assert rows["orders drop"].proven
    assert rows["pool is full"].proven


def test_labels_with_anything_in_them_are_asked_about_as_they_are():
    odd = (("alertname", 'a "b" \\c'), ("region", "eu\nwest,é=~{}"), ("severity", "page"))
    found = Amtool().receivers(ROUTING, ["default", "europe", "pager", "null"], [odd, odd])
    assert found == {odd: ("pager",)}
    commas = ROUTING.replace(b"name: pager", b"name: 'pager, default'").replace(
        b"receiver: pager", b"receiver: 'pager, default'"
    )
    labels = (("region", "eu"), ("severity", "page"))
    found = Amtool().receivers(commas, ["default", "europe", "pager, default", "null"], [labels])
    assert found == {labels: ("europe", "pager, default")}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (ROUTING.replace(b"receiver: pager", b"receiver: nobody"), 'undefined receiver "nobody" used in route'),
        (b"a: [", "did not find expected node content"),
        (ROUTING + b"bogus: 1\n", "field bogus not found"),
    ],
)
def test_a_file_that_alertmanager_would_not_load_is_refused_in_its_words(content, why):
    with pytest.raises(InvalidInput) as refusal:
        routes_by("monitoring/am.yml", content, Amtool())
    assert refusal.value.code == "alertmanager-file"
    assert "`monitoring/am.yml`" in refusal.value.message
    assert why in refusal.value.message


def test_without_amtool_nothing_is_said_of_routes(monkeypatch):
    monkeypatch.setattr("interlock.plugins.alerts.amtool.PROGRAM", "no-such-amtool")
    assert "apt-get install prometheus-alertmanager" in Amtool().missing()
    with pytest.raises(Unavailable, match="no-such-amtool could not be started"):
        routes_by("am.yml", ROUTING, Amtool())


INHIBIT = (
    ROUTING
    + b"""\
inhibit_rules:
  - {source_matchers: ['alertname="Watchdog"'], target_matchers: ['severity=~"page|x"'], equal: [cluster]}
"""
)
WATCHDOG = "alert: Watchdog, expr: 'vector(1)', labels: {severity: none}"


def test_what_an_alert_holds_back_that_fires_while_all_is_well_tells_nobody():
    _, found, _ = proof(DOWN.format(least=20, severity="page"), WATCHDOG)
    assert by_mode(applied(found))["orders drop"].proven
    row = by_mode(applied(found, INHIBIT))["orders drop"]
    assert (row.proven, [one.why for one in row.unheard]) == (
        False,
        ["held back by Watchdog (monitoring/am.yml:13)"],
    )
    other = INHIBIT.replace(b"equal: [cluster]", b"equal: [region]")  # the watchdog has none
    assert by_mode(applied(found, other))["orders drop"].proven


def test_what_holds_back_in_the_same_failure_answers_only_where_it_is_heard():
    silent = DOWN.format(least=20, severity="none").replace("Down", "Watchdog")
    _, found, _ = proof(DOWN.format(least=20, severity="page"), silent)
    assert not by_mode(applied(found, INHIBIT))["orders drop"].proven
    loud = DOWN.format(least=20, severity="ticket").replace("Down", "Watchdog")
    _, found, _ = proof(DOWN.format(least=20, severity="page"), loud)
    (cell,) = by_mode(applied(found, INHIBIT))["orders drop"].answers
    assert (cell.alert, cell.receivers) == ("Watchdog", ("europe",))


def test_how_long_a_route_waits_is_part_of_the_time_until_somebody_is_told():
    _, found, _ = proof(DOWN.format(least=20, severity="page"))
    fires = by_mode(found)["orders drop"].answers[0].seconds
    assert by_mode(applied(found))["orders drop"].answers[0].seconds == fires + 30
    slow = ROUTING.replace(b"receiver: default\n", b"receiver: default\n  group_wait: 2h\n", 1)
    row = by_mode(applied(found, slow))["orders drop"]
    assert (row.proven, [cell.seconds for cell in row.late]) == (False, [fires + 7200])
    # one of its two routes is quick
    quick = slow.replace(b"receiver: pager}", b"receiver: pager, group_wait: 10s}")
    (cell,) = by_mode(applied(found, quick))["orders drop"].answers
    assert (cell.seconds, cell.receivers) == (fires + 10, ("pager",))
