"""Real promtool over real rule files: four ways in which nobody is told, and the rules that would tell them."""

from __future__ import annotations

import pytest

from interlock.core.alerts.declared import declared
from interlock.core.alerts.outcome import answered, predicate, verdict
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.ready import ready
from interlock.core.alerts.scope import looked
from interlock.core.alerts.shaken import SEED, shaken
from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan_faults import faults_of
from interlock.plugins.alerts.promtool import Promtool
from interlock.plugins.alerts.scrape import exposed
from interlock.road.alert_edges import steadied
from interlock.road.prove_alerts import carry_out, groups_of, loadable, phases_of, prepare, prove

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
    assert answers["pool is full"] == [("PoolFull", 120.0)]
    assert [name for name, _ in answers["orders are not measured"]] == ["OrdersAbsent"]


KEPT = b"""\
groups:
  - name: orders
    rules:
      - {alert: OrdersDown, expr: 'sum(rate(orders_total[5m])) < 50', for: 1m, keep_firing_for: 10m}
"""


def test_an_alert_that_is_kept_firing_is_not_called_restless_for_the_beginning_of_the_world(plan):
    """What fired while the series began went on into the time in which all is well."""
    phases = phases_of(plan, looked(groups_of({"a": KEPT}), interval=plan.interval))
    well = declared(plan.shapes, steps=round(phases.healthy / plan.step), step=plan.step, seed=1)
    found = prove(plan, {"a.yaml": KEPT}, well, Promtool(), told=lambda _: None)
    assert found.matrix.restless == ()
    assert next(row for row in found.matrix.rows if row.mode == "orders drop").proven


def test_what_cries_wolf_what_is_silent_and_what_cannot_be_decided_is_told(proof):
    assert [one.name for one in proof.matrix.restless] == ["Busy"]
    silent = {name for name, one in proof.matrix.alerts.items() if one.silent}
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


BROKEN = b"""\
groups:
  - name: orders
    rules:
      - record: service:orders:rate5m
        expr: sum(rate(orders_total))
      - alert: OrdersDown
        expr: service:orders:rate5m < 50
      - alert: OrdersGone
        expr: sum(rate(orders_total[5m])) <
"""


def test_rules_that_prometheus_would_not_load_are_refused_once_with_their_place():
    with pytest.raises(InvalidInput) as refusal:
        loadable({"monitoring/a.yaml": RULES, "monitoring/shop.yaml": BROKEN}, Promtool())
    first, second = faults_of(refusal.value)
    assert first.code == "alert-rules-broken"
    assert first.message == (
        "expected recording rule `service:orders:rate5m` of group `orders` to be one that Prometheus loads, got "
        '`expected type range vector in call to function "rate", got instant vector` at `monitoring/shop.yaml:4`'
    )
    assert "alert `OrdersGone` of group `orders`" in second.message
    assert second.message.endswith("got `unexpected end of input` at `monitoring/shop.yaml:8`")


def test_a_file_that_prometheus_would_not_load_is_told_with_its_own_name():
    with pytest.raises(InvalidInput) as refusal:
        loadable({"monitoring/a.yaml": RULES, "odd [name].yaml": b"groups: []\nbogus: 1\n"}, Promtool())
    assert refusal.value.message.startswith("expected a rule file that Prometheus loads, got")
    assert refusal.value.message.endswith("at `odd [name].yaml:2`")


def test_an_object_of_kubernetes_is_proven_by_its_rules_with_their_own_lines(plan, shapes):
    kubernetes = b"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n" + b"".join(
        b"  " + line for line in RULES.splitlines(keepends=True)
    )
    found = prove(plan, {"a.yaml": RULES, "b.yaml": b""}, shapes, Promtool(), told=lambda _: None).matrix
    same = prove(plan, {"a.yaml": kubernetes}, shapes, Promtool(), told=lambda _: None).matrix
    assert same.rows == found.rows
    assert same.alerts["OrdersDown"].place == "a.yaml:10"


EXPOSITION = """\
# TYPE orders counter
orders_total{service="shop"} 7
# TYPE checkouts_started counter
# TYPE payments_total counter
payments_total 1
# HELP http_requests_total By code.
# TYPE http_requests_total counter
# TYPE http_request_duration_seconds histogram
# TYPE pool_used_ratio gauge
pool_used_ratio 0.4
"""


def test_a_metric_that_the_new_version_does_not_expose_is_named(plan, shapes):
    there = exposed(EXPOSITION, origin="the new version")
    files = {"monitoring/shop.yaml": RULES}
    found = prove(plan, files, shapes, Promtool(), told=lambda _: None, exposed=there).matrix
    (one,) = found.gone
    assert (one.metric, one.alerts) == ("checkouts_total", ("CheckoutsDown (monitoring/shop.yaml:15)",))
    assert one.near == " (did you mean `checkouts_started_total`?)"
    assert {row.mode for row in found.gaps} == GAPS


def test_nobody_is_told_by_a_metric_that_is_gone_once_the_change_is_out(plan, shapes):
    renamed = exposed(EXPOSITION.replace("pool_used_ratio", "pool_usage_ratio"), origin="the new version")
    files = {"monitoring/shop.yaml": RULES}
    found = prove(plan, files, shapes, Promtool(), told=lambda _: None, exposed=renamed).matrix
    assert [one.metric for one in found.gone] == ["checkouts_total", "pool_used_ratio"]
    full = next(row for row in found.rows if row.mode == "pool is full")
    assert (full.proven, full.touched) == (False, ())
    assert {row.mode for row in found.gaps} == {*GAPS, "pool is full"}


EDGE = b"""\
groups:
  - name: edge
    rules:
      - {alert: Halved, expr: 'sum(increase(orders_total[30m])) < 90100'}
      - {alert: Down, expr: 'sum(rate(orders_total[5m])) < 60'}
"""


def edges(rules):
    text = PLAN.replace(b"10m", b"40m").replace(b"kind: drop", b"kind: drop, by: 50%")
    plan = read_alert_plan("alert-plans/shop.yaml", text)
    files = loadable({"a.yaml": rules}, Promtool())
    steps = round(phases_of(plan, looked(files.groups, interval=plan.interval)).healthy / plan.step)
    shapes = declared(plan.shapes, steps=steps, step=plan.step, seed=SEED)
    prepared = prepare(plan, files, shapes)
    proof = carry_out(prepared, Promtool(), told=lambda _: None)
    (once,) = [row for row in proof.matrix.rows if row.mode == "orders drop"]
    others = shaken(plan, shapes, steps=steps)
    steady = steadied(proof, prepared, others, Promtool(), told=lambda _: None)
    (row,) = [row for row in steady.matrix.rows if row.mode == "orders drop"]
    return once, row


def test_an_alert_that_fires_with_some_of_the_noise_only_is_on_a_knife_edge():
    once, row = edges(EDGE)
    assert {cell.alert for cell in once.answers} == {"Halved", "Down"}
    assert ([cell.alert for cell in row.answers], row.edges) == (["Down"], ("Halved",))
    once, row = edges(EDGE.rsplit(b"      - ", 1)[0])
    assert once.proven
    assert (row.proven, row.edges) == (False, ("Halved",))


ASKING = b"""\
groups:
  - name: orders
    rules:
      - {alert: OrdersDown, expr: 'sum(rate(orders_total{service="shop"}[5m])) < 50'}
      - {alert: AnyDown, expr: 'sum(rate(orders_total{service=~".*o.*|"}[5m])) < 50'}
"""
SCRAPED = "payments_total 1\ncheckouts_started_total 1\norders_total 7\n"


@pytest.mark.parametrize(
    ("exposition", "change"),
    [
        ('orders_total{svc="shop"} 7\n', ("service", "", ("svc",))),
        ('orders_total 7\nother_total{service="shop"} 1\n', ("service", "", ())),
        ('orders_total{service="port"} 7\n', ("service", "shop", ("port",))),
        ('orders_total{service="shop",region="eu"} 7\n', None),
        (SCRAPED, None),
        ("# TYPE orders counter\n", None),
    ],
)
def test_a_label_that_the_new_version_does_not_have_is_named_and_nobody_is_told_by_it(shapes, exposition, change):
    there = exposed(f"{exposition}# TYPE http_requests counter\n", origin="the new version")
    text = PLAN.replace(
        b"kind: drop, series: 'orders_total{service=\"shop\"}'", b"kind: drop, series: orders_total"
    )
    plan = read_alert_plan("alert-plans/shop.yaml", text)
    found = prove(plan, {"a.yaml": ASKING}, shapes, Promtool(), told=lambda _: None, exposed=there).matrix
    one = [(each.label, each.value, each.now) for each in found.relabelled]
    assert one == ([] if change is None else [change])
    assert all(each.alerts == ("OrdersDown (a.yaml:4)",) for each in found.relabelled)
    row = next(row for row in found.rows if row.mode == "orders drop")
    assert ("OrdersDown" in [cell.alert for cell in row.answers]) is (change is None)
    assert "AnyDown" in [cell.alert for cell in row.answers]


MUTED = b"""\
groups:
  - name: orders
    rules:
      - record: releasing
        expr: changes(process_start_time_seconds{service="shop"}[30m]) > 0
      - {alert: OrdersDown, expr: 'sum(rate(orders_total[5m])) < 50 unless on() releasing'}
      - {alert: OrdersLow, expr: 'sum(rate(orders_total[5m])) < 50 unless on() pool_used_ratio > 0.99'}
"""


def test_an_alert_that_something_undeclared_keeps_silent_is_nobodys_word(plan, shapes):
    """It is silent for half an hour after each release, which is when it is needed."""
    found = prove(plan, {"a.yaml": MUTED}, shapes, Promtool(), told=lambda _: None).matrix
    drop = next(row for row in found.rows if row.mode == "orders drop")
    assert [cell.alert for cell in drop.answers] == ["OrdersLow"]
    assert "it is silent while process_start_time_seconds says so" in found.unread["OrdersDown"]
