"""Rule files as they are found in repositories, and what is refused with its line."""

import pytest

from interlock.core.alerts.rule_files import duration, read_rules
from interlock.core.change.errors import InvalidInput

SHOP = b"""\
groups:
  - name: shop
    interval: 30s
    rules:
      - record: shop:orders:rate5m
        expr: sum(rate(shop_orders_total[5m]))
      - alert: OrdersDrop
        expr: shop:orders:rate5m < 1
        for: 1h30m
        keep_firing_for: 5m
        labels: {severity: page, empty: ""}
        annotations:
          summary: orders fell
  - name: later
    rules: null
"""
OBJECTS = b"""\
apiVersion: v1
kind: Service
metadata: {name: shop}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
spec:
  groups:
    - name: up
      rules:
        - {alert: Down, expr: up == 0}
---
"""


def test_groups_and_rules_are_read_with_their_lines():
    shop, later = read_rules("rules/shop.yml", SHOP)
    assert (shop.name, shop.interval, later.name, later.interval, later.rules) == ("shop", 30.0, "later", None, ())
    record, alert = shop.rules
    assert (record.name, record.alert, record.place.line) == ("shop:orders:rate5m", False, 5)
    assert (alert.name, alert.alert, alert.place.path, alert.place.line) == (
        "OrdersDrop",
        True,
        "rules/shop.yml",
        7,
    )
    assert (alert.pending, alert.keep_firing) == (5400.0, 300.0)
    assert (alert.labels, alert.annotations) == (
        {"severity": "page", "empty": ""},
        {"summary": "orders fell"},
    )


def test_objects_of_kubernetes_hold_groups_where_their_kind_does():
    (group,) = read_rules("k8s.yaml", OBJECTS)
    assert [(rule.name, rule.expression, rule.place.line) for rule in group.rules] == [("Down", "up == 0", 11)]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("0", 0.0), ("90s", 90.0), ("1h30m", 5400.0), ("250ms", 0.25), ("1w", 604800.0)],
)
def test_spans_are_those_of_prometheus(written, seconds):
    assert duration(written) == seconds


@pytest.mark.parametrize("written", ["", "5", "m", "30m1h", "1.5h", "-5m", "5m "])
def test_other_spans_are_none(written):
    assert duration(written) is None


@pytest.mark.parametrize(
    ("content", "said", "line"),
    [
        ("rules: []\n", "expected `groups`, got none", 1),
        ("groups:\n- name: a\n  rules: 7\n", "expected a list at `rules`, got `7`", 3),
        ("groups:\n- rules: []\n", "expected a text at `name`, got none", 2),
        ("groups:\n- name: a\n  rules:\n  - expr: up\n", "expected one of `alert` and `record`, got neither", 4),
        (
            "groups:\n- name: a\n  rules:\n  - {alert: A, record: B, expr: up}\n",
            "expected one of `alert` and `record`, got both",
            4,
        ),
        ("groups:\n- name: a\n  rules:\n  - alert: A\n", "expected a text at `expr`, got none", 4),
        (
            "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    for: 5\n",
            "expected a span of time at `for`, got `5`",
            6,
        ),
        ("groups:\n- name: a\n- name: a\n", "expected each group once, got `a`", 3),
        ("- a\n", "expected a rule file as a map, got a collection", 1),
    ],
)
def test_what_is_no_rule_file_is_refused_with_its_line(content, said, line):
    with pytest.raises(InvalidInput) as refusal:
        read_rules("r.yml", content.encode())
    assert refusal.value.message == f"{said} at `r.yml:{line}`"
    assert refusal.value.code == "alert-rules"
