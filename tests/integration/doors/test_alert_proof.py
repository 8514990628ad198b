"""``evidence run alerts`` whole: rule files of a checkout, the plan in force, promtool, and the gate."""

from __future__ import annotations

import subprocess

PLAN = b"""\
service: order-service
rules: [monitoring/*.yaml]
tolerance: 10m
shapes:
  - {series: 'orders_total{service="order-service"}', per_second: 100}
  - series: promise_seconds
    per_second: 100
    buckets: {"0.1": 50%, "0.3": 90%, "0.6": 99%, "1.2": 100%}
modes:
  - {name: orders drop, kind: drop, series: 'orders_total{service="order-service"}'}
  - {name: carts time out, kind: slow, series: promise_seconds}
"""
ORDERS = """\
groups:
  - name: orders
    rules:
      - alert: OrdersDown
        expr: sum(rate(orders_total{service="order-service"}[5m])) < 50
        for: 1m
        labels: {severity: page}
"""
SLOW = """\
      - alert: PromiseSlow
        expr: histogram_quantile(0.99, sum by (le) (rate(promise_seconds_bucket[5m]))) > 0.8
        for: 1m
"""
FAILURE_MODES = (
    "orders drop because the promise cannot be computed",
    "carts time out because the promise takes longer than 600 ms",
)


def shop(governed, rules):
    return governed({"alert-plans/order-service.yaml": PLAN, "monitoring/orders.yaml": rules.encode()})


def prove(terminal, place, *more):
    return terminal("evidence", "run", "alerts", "--key", place / "runner.pem", *more)


def test_alerts_for_each_failure_mode_meet_the_obligation(governed, terminal, judged):
    place = shop(governed, ORDERS + SLOW)
    assert judged.light("alert_proof")["state"] == "missing"
    done = prove(terminal, place, "--json")
    assert done.code == 0, done
    (found,) = done.json["items"]
    assert found["proven"] == list(FAILURE_MODES)
    assert found["evidence"]["kept"]["standing"] == "trusted"
    assert judged.met("alert-proven")
    assert judged.light("alert_proof")["state"] == "shown"


def test_a_gap_is_shown_with_a_rule_that_closes_it(governed, terminal, judged):
    place = shop(governed, ORDERS)
    done = prove(terminal, place)
    said = " ".join(done.out.replace("→", " ").split())  # a narrow terminal has an arrow there
    assert done.code == 1
    assert said.startswith("GAPS order-service: somebody is told of 1 of 2 failures within 10 min")
    assert "✓ orders drop OrdersDown after" in said
    assert "✗ carts time out nobody is told" in said
    assert "for carts time out, proven: fires after" in said
    assert not judged.met("alert-proven")
    assert judged.light("alert_proof")["state"] == "failed"
    rule = prove(terminal, place, "--json").json["items"][0]["ready"][0]["rule"]
    (place / "shop" / "monitoring" / "ready.yaml").write_text(rule)
    subprocess.run(["git", "add", "monitoring"], check=True, timeout=30)
    subprocess.run(["git", "commit", "--quiet", "--message", "Tell somebody"], check=True, timeout=30)
    terminal.ok("change", "push")
    assert judged.light("alert_proof")["state"] == "void"
    again = prove(terminal, place)
    assert again.code == 0, again
    assert judged.met("alert-proven")


def test_a_link_in_the_checkout_shows_nothing_of_this_machine(governed, terminal):
    place = shop(governed, ORDERS)
    (place / "shop" / "monitoring" / "k.yaml").symlink_to("../../runner.pem")
    subprocess.run(["git", "add", "monitoring"], check=True, timeout=30)
    subprocess.run(["git", "commit", "--quiet", "--message", "A link"], check=True, timeout=30)
    terminal.ok("change", "push")
    refused = prove(terminal, place)
    assert refused.err.startswith("error[alert-rules-outside]")
    assert "PRIVATE" not in refused.err + refused.out


def test_without_rules_or_promtool_it_says_what_to_do(governed, terminal, monkeypatch):
    place = governed({"alert-plans/order-service.yaml": PLAN})
    assert "error[alert-rules-none]" in prove(terminal, place).err
    assert "error[alert-plan-none]" in terminal("evidence", "run", "alerts", "--service", "cart").err
    monkeypatch.setattr("interlock.plugins.alerts.promtool.PROGRAM", "no-such-promtool")
    missing = prove(terminal, place)
    assert missing.code == 3
    assert missing.err.startswith("error[promtool-missing]: expected promtool, got none")
    assert "apt-get install prometheus" in missing.err
