"""Burn-rate alerts in the form that Sloth writes them, from recorded ratios over several windows."""

from __future__ import annotations

import pytest

from interlock.core.alerts.declared import declared
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.scope import looked
from interlock.core.alerts.shaken import SEED
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.prove_alerts import carry_out, loadable, phases_of, prepare
from interlock.road.witness_alerts import witnessed

PLAN = b"""\
service: shop
rules: [slo/*.yaml]
tolerance: 30m
step: 2m
interval: 2m
shapes:
  - {series: 'http_requests_total{job="shop",code="200"}', per_second: 200}
modes:
  - {name: a twentieth fails, kind: errors, by: 5%, series: 'http_requests_total{job="shop"}'}
  - {name: one in 250 fails, kind: errors, by: 0.4%, series: 'http_requests_total{job="shop"}'}
"""
LABELS = "sloth_id: shop-requests, sloth_service: shop, sloth_slo: requests"
SELECTED = 'sloth_id="shop-requests", sloth_service="shop", sloth_slo="requests"'
PAGE = (("5m", "1h", "14.4"), ("30m", "6h", "6"))
TICKET = (("1h", "2h", "3"), ("2h", "6h", "1"))
"""Shorter than the usual 1 d and 3 d, whose samples take a test its time; one test has those."""
DAYS = (("2h", "1d", "3"), ("6h", "3d", "1"))


def ratio(window):
    return f"""\
  - record: slo:sli_error:ratio_rate{window}
    expr: |
      (sum(rate(http_requests_total{{job="shop",code=~"(5..|429)"}}[{window}])))
      /
      (sum(rate(http_requests_total{{job="shop"}}[{window}])))
    labels: {{{LABELS}, sloth_window: {window}}}
"""


def burning(name, pairs, severity):
    sides = [
        f"max(slo:sli_error:ratio_rate{window}{{{SELECTED}}} > ({factor} * 0.001)) without (sloth_window)"
        for short, long, factor in pairs
        for window in (short, long)
    ]
    return f"""\
  - alert: {name}
    expr: |
      (
          {sides[0]}
          and
          {sides[1]}
      )
      or
      (
          {sides[2]}
          and
          {sides[3]}
      )
    labels: {{severity: {severity}, team: "{{{{ $labels.sloth_service }}}}"}}
    annotations:
      title: (page) {{{{$labels.sloth_service}}}} {{{{$labels.sloth_slo}}}} SLO error budget burn rate is too fast.
"""


def rules(interval="2m", ticket=TICKET):
    windows = dict.fromkeys(window for short, long, _ in PAGE + ticket for window in (short, long))
    return f"""\
groups:
- name: sloth-slo-sli-recordings-shop-requests
  interval: {interval}
  rules:
{"".join(ratio(window) for window in windows)}\
- name: sloth-slo-meta-recordings-shop-requests
  interval: {interval}
  rules:
  - record: slo:error_budget:ratio
    expr: vector(1-0.999)
    labels: {{{LABELS}}}
  - record: slo:current_burn_rate:ratio
    expr: |
      slo:sli_error:ratio_rate5m{{{SELECTED}}}
      / on(sloth_id, sloth_slo, sloth_service) group_left
      slo:error_budget:ratio{{{SELECTED}}}
    labels: {{{LABELS}}}
- name: sloth-slo-alerts-shop-requests
  interval: {interval}
  rules:
{burning("ShopBudgetBurnsFast", PAGE, "page")}\
{burning("ShopBudgetBurns", ticket, "ticket")}\
  - {{alert: ShopBurnsNow, expr: 'slo:current_burn_rate:ratio > 40', for: 4m}}
  - {{alert: ShopIsSilent, expr: 'absent(slo:current_burn_rate:ratio)', for: 10m}}
""".encode()


def matrix(content, text=PLAN):
    plan = read_alert_plan("alert-plans/shop.yaml", text)
    files = loadable({"slo/shop.yaml": content}, Promtool())
    steps = round(phases_of(plan, looked(files.groups, interval=plan.interval)).healthy / plan.step)
    shapes = declared(plan.shapes, steps=steps, step=plan.step, seed=SEED)
    return carry_out(prepare(plan, files, shapes), Promtool(), told=lambda _: None).matrix


@pytest.fixture(scope="module")
def found():
    return matrix(rules())


def seconds(row):
    return {cell.alert: cell.seconds for cell in (*row.answers, *row.late)}


def test_a_fast_burn_pages_once_the_long_window_agrees(found):
    fast, slow = found.rows
    # a twentieth burns 50 times the budget; an hour has 14.4 times of it after 17.3 minutes
    assert 17.3 * 60 <= seconds(fast)["ShopBudgetBurnsFast"] <= 22 * 60
    assert seconds(fast)["ShopBurnsNow"] < 12 * 60
    assert fast.proven
    assert "ShopBudgetBurnsFast" not in seconds(slow)
    assert found.alerts["ShopBudgetBurnsFast"].severity == "page"
    # as long as nobody has seen an answer that failed, there is no ratio at all
    assert [one.name for one in found.restless] == ["ShopIsSilent"]
    assert found.unread == {}


def test_a_slow_burn_is_too_late_for_a_page(found):
    _, slow = found.rows
    assert not slow.proven
    assert found.alerts["ShopBudgetBurns"].severity == "ticket"


def test_it_fires_later_where_the_groups_are_looked_at_less_often(found):
    later = matrix(rules("10m"))
    fast, seldom = (seconds(one.rows[0])["ShopBurnsNow"] for one in (found, later))
    assert seldom > fast
    assert seldom % 600 == 0


def test_each_of_them_can_fire_and_be_silent():
    files = loadable({"slo/shop.yaml": rules()}, Promtool())
    every = [rule for group in files.groups for rule in group.rules]
    seen = witnessed(every, Promtool(), told=lambda _: None)
    assert {one.rule.name: one.reason for one in seen if not one.satisfiable} == {}


def test_windows_of_one_and_three_days_are_proven_within_their_tolerance():
    text = PLAN.replace(b"tolerance: 30m", b"tolerance: 19h").replace(b"step: 2m", b"step: 150s")
    found = matrix(rules("10m", DAYS), text.replace(b"interval: 2m", b"interval: 10m"))
    assert found.unread == {}
    fast, slow = (seconds(row) for row in found.rows)
    # a twentieth burns 50 times the budget: a day has three times of it after 86 minutes
    assert 86 * 60 <= fast["ShopBudgetBurns"] <= 96 * 60
    # one in 250 burns 4 times: a day has three times of it after 18 hours, three days once of it as late
    assert 18 * 3_600 - 600 <= slow["ShopBudgetBurns"] <= 18 * 3_600 + 1_200
    assert "ShopBudgetBurnsFast" not in slow
