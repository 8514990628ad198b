"""Healthy series from a real Prometheus that was filled with the past, and alerts proven over them."""

from __future__ import annotations

import random
import subprocess
import time

import pytest

from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.scope import looked
from interlock.core.alerts.shaken import shaken
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.plugins.alerts import prometheus as capturing
from interlock.plugins.alerts.prometheus import PrometheusCapture
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.alert_edges import steadied
from interlock.road.prove_alerts import carry_out, loadable, prepare
from interlock.testing.prometheus import Prometheus

PLAN = """\
service: shop
rules: [monitoring/*.yaml]
prometheus: {url}
tolerance: 10m
modes:
  - {{name: orders drop, kind: drop, series: 'orders_total{{service="shop"}}'}}
  - {{name: pool is full, kind: saturation, series: pool_used_ratio}}
  - {{name: carts are lost, kind: drop, series: carts_total}}
"""
RULES = b"""\
groups:
  - name: shop
    rules:
      - {alert: OrdersDown, expr: 'sum(rate(orders_total[5m])) < 50', for: 2m}
      - {alert: PoolFull, expr: 'max(pool_used_ratio) > 0.9'}
      - {alert: OthersDown, expr: 'sum(rate(orders_total{service="other"}[5m])) < 1'}
      - {alert: Busy, expr: 'sum(rate(orders_total[5m])) > 1'}
"""
MINUTES, PER_SECOND = 100, 100.0


def past():
    """A counter in two services and a gauge, one sample a minute until now."""
    noise, now = random.Random(7), int(time.time()) // 60 * 60
    lines = {"orders": ["# TYPE orders counter"], "pool": ["# TYPE pool_used_ratio gauge"]}
    for service, rate in (("shop", PER_SECOND), ("other", 5.0)):
        total = 1_000.0
        for minute in range(MINUTES, -1, -1):
            total += round(noise.gauss(rate * 60, (rate * 60) ** 0.5))
            lines["orders"].append(f'orders_total{{service="{service}"}} {total} {now - 60 * minute}')
    lines["pool"] += [
        f"pool_used_ratio {0.3 + noise.random() / 10} {now - 60 * each}" for each in range(MINUTES, -1, -1)
    ]
    return "\n".join([*lines["orders"], *lines["pool"], "# EOF"]) + "\n"


@pytest.fixture(scope="module")
def filled():
    server = Prometheus([])
    (server.folder / "past.txt").write_text(past())
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "past.txt", "tsdb"]
    subprocess.run(command, cwd=server.folder, check=True, capture_output=True, timeout=60)
    with server:
        yield server


@pytest.fixture(scope="module")
def plan(filled):
    return read_alert_plan("alert-plans/shop.yaml", PLAN.format(url=filled.url).encode())


@pytest.fixture(scope="module")
def files():
    return loadable({"monitoring/shop.yaml": RULES}, Promtool())


def captured(plan, files):
    wanted = [each for alert in looked(files.groups, interval=plan.interval) for each in alert.selectors]
    wanted += [each for mode in plan.modes for each in mode.selectors]
    return PrometheusCapture(plan.prometheus).capture(wanted, seconds=plan.healthy, step=plan.step)


def test_what_is_captured_is_what_was_scraped(plan, files):
    shapes = {shape.name: shape for shape in captured(plan, files)}
    assert set(shapes) == {'orders_total{service="shop"}', 'orders_total{service="other"}', "pool_used_ratio"}
    orders, pool = shapes['orders_total{service="shop"}'], shapes["pool_used_ratio"]
    assert (orders.counter, pool.counter) == (True, False)
    assert len(orders.values) == 60
    assert sum(orders.values) / 3_600 == pytest.approx(PER_SECOND, rel=0.02)
    assert all(0.3 <= level <= 0.4 for level in pool.values)


def test_alerts_are_proven_over_captured_series(plan, files):
    shapes = captured(plan, files)
    prepared = prepare(plan, files, shapes)
    proof = carry_out(prepared, Promtool(), told=lambda _: None)
    others = shaken(plan, shapes, steps=60)
    assert len(others) == 2
    assert all(
        sum(one.values) == pytest.approx(sum(was.values)) for one, was in zip(others[0], shapes, strict=True)
    )
    found = steadied(proof, prepared, others, Promtool(), told=lambda _: None).matrix
    assert not found.synthetic
    assert {row.mode: [cell.alert for cell in row.answers] for row in found.rows} == {
        "orders drop": ["OrdersDown"],
        "pool is full": ["PoolFull"],
        "carts are lost": [],
    }
    assert [one.name for one in found.restless] == ["Busy"]
    assert {name for name, one in found.alerts.items() if one.silent} == {"OthersDown"}


def test_what_cannot_be_captured_is_said(plan, files, monkeypatch):
    monkeypatch.setattr(capturing, "MOST_SERIES", 1)
    with pytest.raises(InvalidInput, match="expected at most 1 series, got more"):
        captured(plan, files)
    with pytest.raises(Unavailable, match="got no answer"):
        PrometheusCapture("http://127.0.0.1:1").capture([], seconds=60, step=60)
