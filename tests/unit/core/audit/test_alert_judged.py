"""Whether an alert is one on the business: what is called so and is none, and what really is."""

from __future__ import annotations

import pytest

from interlock.core.audit.alert_judged import spellings, tells_of
from interlock.core.audit.decisive import Deciding, ways
from interlock.core.audit.file_look import look
from interlock.core.audit.senseless import sense
from interlock.core.audit.tree_alerts import AlertsFound, Known, alert_answer

RECORDED = """\
  - {record: 'shop:orders:rate5m', expr: 'sum(rate(orders_total[5m]))'}
  - {record: 'orders:traffic:rate5m', expr: 'sum(rate(http_requests_total{job="orders"}[5m]))'}
"""


def answer(expression, more="", *, name="OrdersDown", metrics=None, named=True, service=None):
    rule = f"  - alert: {name}\n    expr: {expression}\n{more}"
    found = look("a.yaml", f"groups:\n- name: g\n  rules:\n{rule}{RECORDED}".encode())
    given = AlertsFound(rules=found.rules, spare=0, hints=(), metrics=metrics or {}, service=service)
    return alert_answer(given, Known(), lambda metric: named)


BUSINESS = [
    "sum(rate(orders_total[5m])) < 10",
    "sum(rate(orders_total[5m])) < 0.5 * sum(rate(orders_total[5m] offset 1w))",
    "shop:orders:rate5m < 10",
    "sum(rate(orders_total[5m])) < 10 and on() hour() > 8",
    "sum(rate(orders_total[5m])) < 10 and on() up == 1",
    "sum(rate(orders_total[5m])) < 10 unless on() rate(http_requests_total[5m]) == 0",
    "(sum(rate(orders_total[5m])) or vector(0)) < 10",
    "absent(orders_total) or sum(rate(orders_total[5m])) < 10",
    "up == 0 or sum(rate(orders_total[5m])) < 10",
    "sum(rate(orders_total[5m])) / sum(rate(visits_total[5m])) < 0.01",
    "sum by (region) (increase(payments_failed_total[10m])) > 50",
    "time() - max(last_order_timestamp_seconds) > 600",
    'rate({__name__="orders_total"}[5m]) < 1',
    'sum(rate(orders_total{env="production"}[5m])) < 1',
    'sum(rate(orders_total{environment=~"prod-.*|staging"}[5m])) < 1',
    'sum(rate(orders_total{stage!="staging"}[5m])) < 1',
    'sum(rate(orders_total{env!~"dev|test"}[5m])) < 1',
    'sum(rate(orders_total{env="staging"}[5m])) < 1 or sum(rate(orders_total{env="prod-eu"}[5m])) < 2',
    "sum(rate(orders_total[5m])) <= 0",
    "sum(rate(orders_total[5m])) == 0",
    "1e6 < sum(rate(orders_total[5m]))",
    "avg_over_time(sum(rate(orders_total[5m]))[1h:5m]) < 10",
]


@pytest.mark.parametrize("expression", BUSINESS)
def test_an_alert_on_the_business_stays_one(expression):
    found = answer(expression, "    for: 5m\n    labels: {severity: page}\n", name="A")
    assert (found.said, found.places) == ("yes", ("a.yaml:4",)), found.why
    assert found.why.endswith(": a business metric by its name alone")


@pytest.mark.parametrize(
    "expression",
    [
        'sum(rate(http_requests_total{service="order_service"}[5m])) < 1',
        'sum(rate(http_requests_total{job="orders",code=~"5.."}[5m])) > 1',
        "sum(rate(orders_http_requests_total[5m])) < 1",
        "orders:traffic:rate5m < 1",
        'up{job="orders"} == 0',
        'container_memory_usage_bytes{pod=~"orders-.*"} > 1',
        'kube_deployment_status_replicas{deployment="checkout"} < 1',
        "histogram_quantile(0.99, sum by (le) (rate(checkout_duration_seconds_bucket[5m]))) > 1",
    ],
)
def test_what_is_only_named_after_orders_is_none(expression):
    found = answer(expression)
    assert (found.said, found.why) == ("no", "1 alert rule, none on a metric of the business")


@pytest.mark.parametrize(
    "expression",
    [
        'sum(rate(http_requests_total{handler="/checkout"}[5m])) < 1',
        'sum(rate(messages_total{type="order_placed"}[5m])) < 1',
        "sum(rate(order_service_errors_total[5m])) > 1",
        "orders:elsewhere:rate5m < 1",
        "absent(orders_total)",
        "count(orders_total) < 3",
        "sum(rate(orders_total[5m])) / sum(rate(http_requests_total[5m])) < 0.01",
        "sum(rate(promises_total[5m])) < 1",
    ],
)
def test_what_may_be_one_is_left_open_with_its_place(expression):
    found = answer(expression)
    assert (found.said, found.places) == ("unknown", ("a.yaml:4",))
    assert "whether it counts business is not known" in found.why


@pytest.mark.parametrize(
    ("expression", "more", "why"),
    [
        ("rate(orders_total[5m]) < 1", "    labels: {severity: none}\n", "is for nobody: severity none"),
        ("rate(orders_total[5m]) < 1", "    labels: {severity: Info}\n", "is for nobody: severity Info"),
        ("rate(orders_total[5m]) < 1", "    labels: {priority: debug}\n", "is for nobody: severity debug"),
        ("rate(orders_total[5m]) < 1", "    for: 10y\n", "fires only after 3,650 days"),
        ("rate(orders_total[5m]) < 1 and on() vector(0) > 1", "", "can never fire: `vector(0)` is never both 0"),
        ("orders_total > 5 and orders_total < 3", "", "can never fire: `orders_total` is never both"),
        ("orders_total < 0", "", "can never fire: what it compares with `< 0` is never below 0"),
        ("sum(rate(orders_total[5m])) < -1", "", "can never fire: what it compares with `< -1`"),
        ("shop:orders:rate5m < -5", "", "can never fire: what it compares with `< -5`"),
        ("sum(rate(orders_total[5m])) >= 0", "", "fires always: what it compares with `>= 0` is never below 0"),
        ("0 <= sum(rate(orders_total[5m]))", "", "fires always"),
        ("sum(rate(orders_total[5m])) > -1", "", "fires always"),
        ("(sum(increase(orders_total[5m])) or vector(0)) >= 0", "", "fires always"),
        ("sum(rate(orders_total[5m])) < 1 or sum(rate(orders_total[5m])) >= 0", "", "fires always"),
        ("orders_total >= 0 and on() up == 0", "", "fires always"),
        ('sum(rate(orders_total{env="staging"}[5m])) < 1', "", 'is about env="staging" only, which is not prod'),
        ('rate(orders_total{environment=~"dev|qa.*"}[5m]) < 1', "", 'is about environment=~"dev|qa.*" only'),
        ('rate(orders_total{stage="pre-prod"}[5m]) < 1', "", 'is about stage="pre-prod" only'),
        ('rate(orders_total{env!="production"}[5m]) < 1', "", 'is about env!="production" only'),
        ('shop:orders:rate5m{env="staging"} < 1', "", 'is about env="staging" only'),
    ],
)
def test_what_is_for_nobody_or_cannot_fire_is_none(expression, more, why):
    found = answer(expression, more)
    assert (found.said, found.places) == ("no", ("a.yaml:4",)), found.why
    assert f"OrdersDown on orders_total {why}" in found.why


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("sum(rate(orders_total[5m])) > 1e12", "no rate comes to 1e+12 a second"),
        ("shop:orders:rate5m > 2e9", "no rate comes to 2e+09 a second"),
        ('rate(orders_total{env="blue"}[5m]) < 1', 'whether env="blue" is production is not known'),
        ("clamp_min(sum(rate(orders_total[5m])), 5) < 3", "that it can fire is not shown"),
        ("sum(rate(orders_total[5m])) > 1e18", "nothing is ever counted up to 1e18"),
    ],
)
def test_that_it_can_fire_and_nobody_could_show_it_is_unknown(expression, why):
    found = answer(expression)
    assert (found.said, found.places) == ("unknown", ("a.yaml:4",))
    assert f"OrdersDown on orders_total: {why}" in found.why


def test_one_that_counts_outweighs_those_that_do_not():
    more = "  - {alert: Idle, expr: 'rate(orders_total[5m]) < 1', labels: {severity: none}}\n"
    assert answer("rate(orders_total[5m]) < 2", more).said == "yes"
    quiet = "    labels: {severity: none}\n  - {alert: Loud, expr: 'rate(orders_total[5m]) < 1'}\n"
    found = answer("rate(orders_total[5m]) < 2", quiet)
    assert (found.said, found.places) == ("yes", ("a.yaml:7",))


def test_a_metric_that_nothing_else_names_may_be_nobodys():
    found = answer("rate(orders_total[5m]) < 1", named=False)
    assert (found.said, found.places) == ("unknown", ("a.yaml:4",))
    assert "nothing here but alert rules names it" in found.why
    assert answer("rate(orders_total[5m]) < 1", named=None).said == "unknown"
    declared = answer("rate(sold_total[5m]) < 1", metrics={"shop": "sold_total"}, named=False)
    assert (declared.said, declared.why) == ("yes", "OrdersDown on sold_total, the catalog's metric")


def test_a_catalog_that_calls_requests_its_business_is_not_taken_at_its_word():
    found = answer("rate(http_requests_total[5m]) < 1", metrics={"shop": "http_requests_total"})
    assert (found.said, found.places) == ("unknown", ("a.yaml:4",))


def test_a_paused_alert_of_grafana_tells_nobody():
    text = "- uid: a\n  title: Orders\n  isPaused: true\n  data: [{model: {expr: 'rate(orders_total[5m]) < 1'}}]\n"
    given = AlertsFound(
        rules=look("a.yaml", f"expr:\n{text}".encode()).rules, spare=0, hints=(), metrics={}, service=None
    )
    found = alert_answer(given, Known(), lambda _: True)
    assert (found.said, "is paused" in found.why) == ("no", True)


def test_each_way_of_firing_has_what_decides_it():
    recorded = {"a:b": ["x_total or y_total"], "c:d": ["c:d"]}
    assert ways("a:b > 1 and z", recorded) == (
        frozenset({Deciding("x_total")}),
        frozenset({Deciding("y_total")}),
    )
    assert ways("count(x) / y", {}) == (frozenset({Deciding("x", counted=True), Deciding("y")}),)
    assert ways("c:d > 1", recorded) == (frozenset({Deciding("c:d")}),)  # in a circle, and never for ever
    assert ways("vector(1)", {}) == ways("no PromQL (", {}) == ()
    assert len(ways(" + ".join(["(a or b)"] * 20), {})) <= 32


@pytest.mark.parametrize(
    ("metric", "spelt"),
    [
        ("orders_placed_total", {"orders_placed_total", "orders_placed", "orders.placed", "placed_total"}),
        ("shop_orders_total", {"shop_orders_total", "shop_orders", "shop.orders", "orders_total"}),
        ("shop_web_orders_total", {"web_orders", "web_orders_total", "orders_total"}),
        ("revenue", {"revenue"}),
    ],
)
def test_a_metric_may_be_spelt_in_several_ways(metric, spelt):
    assert spelt <= {*spellings(metric)}
    assert not {"total", "orders", "placed"} & {*spellings(metric)}


@pytest.mark.parametrize(
    ("path", "tells"),
    [
        ("src/orders.py", True),
        ("config/metrics.yaml", True),
        ("rules.yaml", False),
        ("README.md", False),
        ("dashboards/orders.json", False),
        ("alert-plans/shop.yaml", False),
        ("tests/test_orders.py", False),
    ],
)
def test_who_only_looks_at_a_metric_does_not_count_it(path, tells):
    assert tells_of(path, {"rules.yaml"}) is tells


@pytest.mark.parametrize("metric", ["sort_order_total", "git_checkout_total", "order_by_queries_total"])
def test_a_name_of_another_trade_is_left_open_and_said_to_be_a_name(metric):
    found = answer(f"sum(rate({metric}[5m])) < 1", name="A")
    assert (found.said, found.places) == ("unknown", ("a.yaml:4",))
    assert f"is about one by its name alone, {metric}" in found.why
    assert answer(f"sum(rate({metric}[5m])) < 1", metrics={"shop": metric}).said == "yes"


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("sum(rate(a_total[5m])) / sum(rate(b_total[5m])) < 0", "never"),
        ("a_total != -1", "always"),
        ("a_total < bool 0", "always"),
        ("(a_total < bool 5) == 1", ""),
        ("sum(vector(-1) or a_total) < -1", ""),
        ("rate(a_total[5m]) * 86400 > 2e9", ""),
        ("revenue >= 0", ""),
        ("a_total - b_total >= 0", ""),
        ("delta(a_total[5m]) < 0", ""),
        ("a_total >= b_total", ""),
        ("-a_total < 0", ""),
        ("ln(a_total) < 0", ""),
        ("no PromQL (", ""),
        ("c:d >= 0", ""),
    ],
)
def test_only_what_cannot_be_otherwise_is_senseless(expression, kind):
    assert sense(expression, {"c:d": ["c:d"]})[0] == kind
