"""What a ready rule takes from the service's own alerts, and by which labels series are the service's."""

from __future__ import annotations

import pytest

from interlock.core.alerts.custom import custom, whose
from interlock.core.alerts.rule_files import read_rules
from interlock.core.alerts.scope import looked
from interlock.core.alerts.shape import Shape


def series(metric="orders_total", **labels):
    return Shape(metric=metric, labels=labels, counter=True, values=(1.0,))


def like(*rules):
    text = "".join(
        f"  - {{alert: A{place}, expr: {metric}, labels: {{{labels}}}}}\n"
        for place, (metric, labels) in enumerate(rules)
    )
    alerts = looked(read_rules("a.yaml", f"groups:\n- name: g\n  rules:\n{text}".encode()), interval=60.0)
    return dict(custom(alerts, [series()], service="shop").labels)


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        # nobody to go by
        ([], {"severity": "page", "service": "shop"}),
        # what they agree on, with the severity that most have
        (
            [
                ("orders_total", "severity: critical, team: shop, slo: a"),
                ("orders_total", "severity: critical, team: shop, slo: b"),
                ("orders_total", "severity: page, team: other"),
            ],
            {"severity": "critical", "team": "shop"},
        ),
        # another team's alerts in the same files look at other series
        (
            [("orders_total", "severity: page, team: shop"), ("rain_total", "severity: critical, team: rain")],
            {"severity": "page", "team": "shop"},
        ),
        ([("rain_total", "severity: critical, team: rain")], {"severity": "critical", "team": "rain"}),
        # nobody is woken: whose it is, and not how urgent
        ([("orders_total", "priority: p3, team: shop")], {"severity": "page", "service": "shop", "team": "shop"}),
        ([("orders_total", "priority: P1, team: shop")], {"priority": "P1", "team": "shop"}),
        ([("orders_total", "severity: info, team: shop")], {"severity": "page", "service": "shop"}),
        # what is filled in later is not copied
        ([("orders_total", "severity: page, pod: '{{ $labels.pod }}'")], {"severity": "page"}),
    ],
)
def test_a_ready_rule_is_labelled_like_the_services_own_alerts(rules, labels):
    assert like(*rules) == labels


def test_series_are_the_services_by_what_says_where_they_were_scraped():
    two = [
        series(job="api", code="200", shop="shop", pod="a"),
        series(job="api", code="500", shop="shop", pod="b"),
    ]
    assert [(one.label, one.op, one.value) for one in whose(two, "shop")] == [
        ("job", "=", "api"),
        ("shop", "=", "shop"),
    ]
    assert whose([*two, series(job="other", shop="s")], "shop") == ()
    assert whose([], "shop") == ()
