"""Whether alerts can fire and be silent, by the real promtool: rules of our own, and real ones that many copy."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from interlock.core.alerts.rule_files import read_rules
from interlock.core.alerts.witness import sought
from interlock.core.alerts.witness_never import never
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.witness_alerts import unfired, witnessed

REAL = Path(__file__).parents[2] / "data" / "awesome-prometheus-alerts"
SEED, SAMPLED = 4, 40
NEVER = {
    "TraefikBackendDown": "`count by (backend) (traefik_backend_server_up)` is never both at least 1 and 0",
    "MongodbTooManyConnections(dcu)": 'its two sides never match: one has state="current", the other has '
    'state="available"',
}


def rules(text):
    return [rule for group in read_rules("a.yaml", text.encode()) for rule in group.rules]


def alerts(*expressions, pending="0s"):
    lines = [f"  - {{alert: A{place}, for: {pending}, expr: '{each}'}}" for place, each in enumerate(expressions)]
    return rules("\n".join(["groups:", "- name: g", "  rules:", *lines]))


def quiet(_):
    return None


@pytest.fixture(scope="module")
def real():
    return [
        rule
        for file in sorted(REAL.glob("*.yml"))
        for group in read_rules(file.name, file.read_bytes())
        for rule in group.rules
    ]


def test_real_rules_are_shown_to_fire_and_to_be_silent(real):
    sample = random.Random(SEED).sample([rule for rule in real if rule.name not in NEVER], SAMPLED)
    found = witnessed(sample, Promtool(), told=quiet)
    lacking = {one.rule.expression: one.reason for one in found if not one.satisfiable}
    assert all(lacking.values())
    assert len(lacking) <= SAMPLED * 0.05, lacking


def test_real_rules_that_can_never_fire_are_proven_to(real):
    mine = [rule for rule in real if rule.name in NEVER]
    found = witnessed(mine, Promtool(), told=quiet)
    assert {one.rule.name: one.reason for one in found if one.unsatisfiable} == NEVER
    assert {rule.name for rule in real if never(rule.expression)} == {*NEVER}
    # what was proven is not contradicted by a search that knows nothing of the proof
    assert not any(sought(rule, {}).fires for rule in mine)


def test_every_kind_of_expression_has_its_witness():
    found = witnessed(
        alerts(
            "x > 5",
            'x{a=~"4..", b!="c"} == 3',
            'absent(up{job="shop"})',
            "rate(x[5m]) / rate(y[5m]) > 0.05 and rate(y[5m]) > 0",
            'sum by (job) (rate(x{code=~"5.."}[5m])) / sum by (job) (rate(x[5m])) * 100 > 5',
            "histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) > 0.8",
            "predict_linear(free[3h], 4 * 3600) < 0",
            "delta(x[10m]) < -3",
            "changes(x[15m]) > 4",
            "time() - last_run_seconds > 7200",
            "x > 2 * x offset 1h",
            "count(up == 0) > 2",
            "count by (version) (build) unless count by (version) (build offset 2h)",
            "max_over_time(rate(x[5m])[1h:5m]) > 3",
            "x * on(instance) group_left(name) y > 4",
            "quantile_over_time(0.9, x[30m]) > 7",
            pending="2m",
        ),
        Promtool(),
        told=quiet,
    )  # fmt: skip
    assert {one.rule.expression: one.reason for one in found if not one.satisfiable} == {}


def test_through_recording_rules_and_only_for_whom_is_asked():
    text = """\
groups:
- name: a
  rules:
  - {alert: Slow, expr: 'shop:errors:ratio{service="shop"} > 0.1', for: 5m}
  - {alert: Other, expr: up == 0}
- name: b
  rules:
  - {record: 'shop:errors:ratio', expr: 'shop:errors:rate / on(service) shop:all:rate', labels: {team: a}}
  - {record: 'shop:errors:rate', expr: 'sum by (service) (rate(http_total{code=~"5.."}[5m]))'}
  - {record: 'shop:all:rate', expr: 'sum by (service) (rate(http_total[5m]))'}
"""
    every = rules(text)
    (found,) = unfired(every, [rule for rule in every if rule.name == "Slow"], Promtool(), told=quiet)
    assert (found.rule.name, found.satisfiable, found.reason) == ("Slow", True, "")


def test_what_is_not_found_is_not_shown_with_the_reason():
    found = witnessed(alerts("vector(1)", "x / x == 7", "day_of_week() == 3"), Promtool(), told=quiet)
    assert [(one.fires, one.silent, one.unsatisfiable) for one in found] == [
        (True, False, False),
        (False, True, False),
        (False, False, False),
    ]
    assert [one.reason for one in found] == [
        "no series were found by which it is silent",
        "no series were found by which it fires",
        "no series were found by which it fires; day_of_week is not looked into",
    ]
