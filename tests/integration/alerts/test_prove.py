"""Real promtool over real rule files: four ways in which nobody is told, and the rules that would tell them."""

from __future__ import annotations

import pytest

from interlock.core.alerts.declared import declared
from interlock.core.alerts.outcome import answered, predicate, verdict
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.ready import ready
from interlock.core.alerts.scope import looked
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.prove_alerts import groups_of, phases_of, prove

PLAN = b"""\
service: shop
rules: [monitoring/*.yaml]
tolerance: 10m
shapes:
  - {series: 'orders_total{service="shop"}', per_second: 100}
  - {series: 'checkouts_started_total{service="shop"}', per_second: 120}
  - {series: 'payments_total{service="shop"}', per_second: 90}
  - {series: 'http_requests_total{service="shop",code="200"}', per_second: 300}
  - {series: 'pool_used_ratio{service="shop"}', level: 0.4}
  - series: 'http_request_duration_seconds{service="shop"}'
    per_second: 300
    buckets: {"0.05": 50%, "0.1": 90%, "0.25": 99%, "0.5": 99.9%, "1": 100%}
modes:
  - {name: orders drop, kind: drop, series: 'orders_total{service="shop"}'}
  - {name: errors, kind: errors, by: 5%, series: 'http_requests_total{service="shop"}'}
  - {name: checkouts drop, kind: drop, series: checkouts_started_total}
  - {name: payments are answered and not made, kind: wrong, series: payments_total}
  - {name: slow, kind: slow, series: http_request_duration_seconds}
  - {name: pool is full, kind: saturation, series: pool_used_ratio}
  - {name: orders are not measured, kind: silent, series: orders_total}
"""
RULES = b"""\
groups:
  - name: orders
    rules:
      - record: service:orders:rate5m
        expr: sum by (service) (rate(orders_total[5m]))
      # the label's value is another service's
      - alert: OrdersDown
        expr: service:orders:rate5m{service="orders"} < 50
        for: 2m
        labels: {severity: page, team: "{{ $labels.service }}"}
      - alert: OrdersAbsent
        expr: absent(orders_total)
        for: 1m
      # the change renamed it to checkouts_started_total
      - alert: CheckoutsDown
        expr: sum(rate(checkouts_total[5m])) < 50
      - alert: Busy
        expr: sum(rate(orders_total[5m])) > 1
  - name: http
    interval: 30s
    rules:
      # longer than anybody may be left in the dark
      - alert: ErrorRate
        expr: |
          sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.02
        for: 30m
        labels: {severity: page}
      # the failure answers 200
      - alert: PaymentsFail
        expr: sum(rate(http_requests_total{code=~"5..",path="/pay"}[5m])) > 1
      - alert: Slow
        expr: histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 0.4
        for: 1m
      - {alert: PoolFull, expr: pool_used_ratio > 0.9, for: 1m}
      - {alert: Weekly, expr: 'rate(orders_total[30d]) < 1'}
"""
GAPS = {"orders drop", "errors", "checkouts drop", "payments are answered and not made"}


@pytest.fixture(scope="module")
def plan():
    return read_alert_plan("alert-plans/shop.yaml", PLAN)


@pytest.fixture(scope="module")
def shapes(plan):
    phases = phases_of(plan, looked(groups_of({"a": RULES}), interval=plan.interval))
    return declared(plan.shapes, steps=round(phases.healthy / plan.step), step=plan.step, seed=1)


@pytest.fixture(scope="module")
def proof(plan, shapes):
    return prove(plan, {"monitoring/shop.yaml": RULES}, shapes, Promtool(), told=lambda _: None)


def test_exactly_the_four_planted_faults_are_gaps(proof):
    assert {row.mode for row in proof.matrix.gaps} == GAPS
    late = {row.mode: [(cell.alert, cell.seconds) for cell in row.late] for row in proof.matrix.rows if row.late}
    assert [name for name, _ in late.pop("errors")] == ["ErrorRate"]
    assert late == {}
    answers = {row.mode: [(cell.alert, cell.seconds) for cell in row.answers] for row in proof.matrix.rows}
    assert [name for name, _ in answers["slow"]] == ["Slow"]
    assert answers["pool is full"] == [("PoolFull", 60.0)]
    assert [name for name, _ in answers["orders are not measured"]] == ["OrdersAbsent"]


def test_what_cries_wolf_what_is_silent_and_what_cannot_be_decided_is_told(proof):
    assert [one.name for one in proof.matrix.restless] == ["Busy"]
    silent = {name for name, one in proof.matrix.alerts.items() if one.never}
    assert silent == {"OrdersDown", "CheckoutsDown", "PaymentsFail"}
    assert set(proof.matrix.unread) == {"Weekly"}
    assert "looks back over 30.0 d" in proof.matrix.unread["Weekly"]
    assert proof.matrix.alerts["OrdersDown"].severity == "page"


def test_the_ready_rules_close_all_of_them(plan, shapes, proof):
    gaps = [failing for failing in proof.failures if failing.mode.name in GAPS]
    drafts = [ready(failing, service="shop", tolerance=plan.tolerance) for failing in gaps]
    files = {draft.alert: draft.content for draft in drafts}
    again = prove(plan, files, shapes, Promtool(), told=lambda _: None)
    closed = {row.mode for row in again.matrix.rows if row.proven}
    assert closed >= GAPS
    assert again.matrix.restless == ()


def test_the_changes_failure_modes_are_bound_by_name(plan, proof):
    said = ("Orders drop because the promise cannot be computed", "the pool is full at noon", "a comet")
    found = answered(plan, proof.matrix, said)
    assert [one.proven for one in found] == [False, True, False]
    assert verdict(found) == "failed"
    assert verdict(found[1:]) == "passed"
    told = predicate(plan, proof.matrix, found[1:])
    assert (told["proven"], told["unbound"]) == ([said[1]], ["a comet"])


def test_rules_that_promtool_does_not_read_leave_everything_undecided(plan, shapes):
    broken = b"groups: [{name: a, rules: [{alert: A, expr: 'sum(rate(orders_total))'}]}]"
    found = prove(plan, {"a.yaml": broken}, shapes, Promtool(), told=lambda _: None)
    assert set(found.matrix.unread) == {"A"}
    assert not any(row.proven for row in found.matrix.rows)
