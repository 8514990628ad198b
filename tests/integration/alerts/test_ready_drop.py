"""Ready rules for a loss over hours of real promtool: the first minutes of a release, a long outage, its end."""

from __future__ import annotations

import random
import re
import subprocess

import pytest
import yaml

from interlock.core.alerts.declared import declared
from interlock.core.alerts.modes import failing
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.ready import ready
from interlock.core.alerts.scope import looked
from interlock.plugins.alerts.promtool import Promtool
from interlock.plugins.alerts.scrape import exposed
from interlock.road.alert_remedies import proven_rules
from interlock.road.prove_alerts import carry_out, groups_of, loadable, phases_of, prepare, prove

PLAN = """\
service: shop
rules: [monitoring/*.yaml]
tolerance: 10m
shapes:
  - {series: 'orders_total{service="shop"}', per_second: 40}
  - {series: 'paid_total{service="shop"}', per_second: 30}
modes:
  - {name: orders drop, kind: drop, series: orders_total}
"""
RISE = 2400
"""Orders a minute."""


def plan_and_shapes(text=PLAN, rules=b"groups: []"):
    plan = read_alert_plan("alert-plans/shop.yaml", text.encode())
    steps = round(phases_of(plan, looked(groups_of({"a": rules}), interval=plan.interval)).healthy / plan.step)
    return plan, declared(plan.shapes, steps=steps, step=plan.step, seed=1)


def rule(was=None, by="99%", rate="40"):
    text = PLAN.replace("kind: drop", f"kind: drop, by: {by}").replace("per_second: 40", f"per_second: {rate}")
    plan, shapes = plan_and_shapes(text)
    return ready(failing(shapes, plan.modes[0]), service="shop", tolerance=plan.tolerance, was=was)


def firing(folder, found, *series, minutes):
    """The minutes at which the rule fires over these series."""
    (folder / "rule.yaml").write_bytes(found.content)
    firing = f'ALERTS{{alertname="{found.alert}",alertstate="firing"}}'
    at = [
        {"expr": f"{firing} * 0 + {minute}", "eval_time": f"{minute}m", "exp_samples": []}
        for minute in range(minutes)
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": at,
    }
    whole = {"rule_files": ["rule.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(whole, width=10_000))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yaml"], cwd=folder, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert "error" not in said.lower(), said[:2000]
    return [round(float(each)) for each in re.findall(r"got: \{.*\} ([0-9.E+]+)$", said, re.MULTILINE)]


ORDERS = 'orders_total{service="shop"}'


def counted(*pieces):
    """Samples of a counter: so many minutes with so many a minute."""
    total, samples = 0, [0]
    for minutes, each in pieces:
        for _ in range(minutes):
            total += each
            samples.append(total)
    return " ".join(map(str, samples))


def test_an_outage_of_hours_is_one_alert_that_ends_with_it(tmp_path):
    """An hour of orders, ten hours of almost none, an hour of orders."""
    values = counted((60, RISE), (600, 24), (60, RISE))
    at = firing(tmp_path, rule(), (ORDERS, values), minutes=720)
    assert at == [*range(at[0], at[-1] + 1)]
    assert 60 < at[0] <= 70
    assert 660 <= at[-1] <= 666


@pytest.mark.parametrize("minutes", [30, 80])
def test_a_sale_that_ends_is_no_loss(tmp_path, minutes):
    """Four times the orders, then as many as before."""
    values = counted((120, RISE), (minutes, 4 * RISE), (180, RISE))
    assert firing(tmp_path, rule(), (ORDERS, values), minutes=300 + minutes) == []


def test_series_that_are_gone_altogether_are_a_loss(tmp_path):
    values = f"{counted((60, RISE))} stale _x60 {counted((60, RISE))}"
    at = firing(tmp_path, rule(), (ORDERS, values), minutes=160)
    assert (60 < at[0] <= 70, at[-1] <= 130, at) == (True, True, [*range(at[0], at[-1] + 1)])


def test_few_orders_are_no_loss(tmp_path):
    """A Poisson count of six a minute for a day, and then none: it is counted in ten minutes."""
    draw = random.Random(5)
    minutes = [sum(draw.random() < 0.01 for _ in range(600)) for _ in range(1440)]
    values = counted(*((1, each) for each in minutes), (60, 0))
    found = rule(rate="0.1")
    assert b"[10m]" in found.content
    at = firing(tmp_path, found, (ORDERS, values), minutes=1500)
    assert (1440 < at[0] <= 1450, at) == (True, [*range(at[0], 1500)])


def test_fewer_than_can_be_told_from_chance_in_time_get_no_rule_and_the_reason():
    plan, shapes = plan_and_shapes(PLAN.replace("per_second: 40", "per_second: 0.02"))
    prepared = prepare(plan, loadable({"a.yaml": b"groups: []"}, Promtool()), shapes)
    proof = carry_out(prepared, Promtool(), told=lambda _: None)
    (one,) = proven_rules(proof, prepared, Promtool(), told=lambda _: None)
    assert one.why == "the one that was tried does not fire in time, or fires while all is well"


@pytest.mark.parametrize("by", ["50%", "20%"])
def test_a_part_of_the_orders_missing_for_hours_is_one_alert_too(tmp_path, by):
    left = RISE * (100 - int(by[:-1])) // 100
    values = counted((60, RISE), (200, left), (60, RISE))
    at = firing(tmp_path, rule(by=by), (ORDERS, values), minutes=320)
    assert at == [*range(at[0], at[-1] + 1)]
    assert (60 < at[0] <= 70, 260 <= at[-1] <= 266) == (True, True)


def test_series_that_are_ten_minutes_old_are_enough(tmp_path):
    values = counted((10, RISE), (60, 24))
    at = firing(tmp_path, rule(), (ORDERS, f"_x30 {values}"), minutes=90)
    assert 41 < at[0] <= 51
    assert at == [*range(at[0], 90)]


def test_a_day_that_ends_is_no_loss(tmp_path):
    """A tenth of the orders is left after six hours; nothing was lost."""
    evening = [(1, round(RISE * 0.1 ** (minute / 360))) for minute in range(360)]
    assert firing(tmp_path, rule(), (ORDERS, counted((60, RISE), *evening)), minutes=420) == []


def test_a_release_that_renames_the_orders_is_seen_from_its_first_minute(tmp_path):
    """The new name has no past, and the old one ends: the rule counts both."""
    both = rule(was={"orders_total": "bought_total"})
    old = ('bought_total{service="shop"}', f"{counted((90, RISE))} stale _x120")
    well = firing(tmp_path, both, old, (ORDERS, f"_x91 {counted((120, RISE))}"), minutes=200)
    assert well == []
    ill = firing(tmp_path, both, old, (ORDERS, f"_x91 {counted((120, 24))}"), minutes=200)
    assert (90 < ill[0] <= 100, ill) == (True, [*range(ill[0], 200)])
    never = firing(tmp_path, both, old, minutes=200)
    assert (90 < never[0] <= 100, never) == (True, [*range(never[0], 200)])
    blind = firing(tmp_path, rule(), old, (ORDERS, f"_x91 {counted((120, 24))}"), minutes=200)
    assert blind == []


def test_old_and_new_instances_beside_each_other_are_one_service(tmp_path):
    """Twenty minutes of a canary with a hundredth of the traffic, then the whole."""
    both = rule(was={"orders_total": "bought_total"})
    old = ('bought_total{service="shop",pod="a"}', f"{counted((90, RISE), (20, RISE - 24))} stale _x120")
    new = ('orders_total{service="shop",pod="b"}', f"_x91 {counted((20, 24), (80, RISE))}")
    assert firing(tmp_path, both, old, new, minutes=190) == []


COMPARED = b"""\
groups:
  - name: orders
    rules:
      - alert: OrdersDown
        expr: sum(rate(orders_total[5m])) < 0.5 * sum(rate(orders_total[5m] offset 1h))
        for: 1m
      - {alert: OrdersLow, expr: 'sum(rate(orders_total[5m])) < 4', for: 1m}
"""


def test_an_alert_that_ends_while_the_failure_goes_on_says_when():
    plan, shapes = plan_and_shapes(rules=COMPARED)
    found = prove(plan, {"a.yaml": COMPARED}, shapes, Promtool(), told=lambda _: None)
    cells = {cell.alert: cell for cell in found.matrix.rows[0].answers}
    assert cells["OrdersLow"].ends is None
    assert 3600 <= cells["OrdersDown"].ends <= 3900


def remedies(exposition):
    plan, shapes = plan_and_shapes()
    there = exposed(exposition, origin="the new version")
    files = loadable({"monitoring/shop.yaml": b"groups: []"}, Promtool())
    prepared = prepare(plan, files, shapes, there)
    proof = carry_out(prepared, Promtool(), told=lambda _: None)
    return proven_rules(proof, prepared, Promtool(), told=lambda _: None)


def test_the_rule_for_a_metric_that_the_change_renames_is_proven_over_the_release():
    (one,) = remedies("# TYPE orders_sold counter\n# TYPE paid counter\n")
    assert one.rule.was == ("orders_total",)
    assert b"orders_sold_total" in one.rule.content
    assert 0 < one.seconds <= 600
    (same,) = remedies("# TYPE orders counter\n# TYPE paid counter\n")
    assert (same.rule.was, one.seconds >= same.seconds) == ((), True)


ASKING = b"""\
groups:
  - name: orders
    rules:
      - {alert: OrdersDown, expr: 'sum(rate(orders_total[5m])) < 5', for: 1m}
"""
NEWLY = "# TYPE orders_accepted counter\n# TYPE paid counter\n"


@pytest.mark.parametrize("also", ["", "  - {series: 'orders_total{service=\"shop\"}', per_second: 40}\n"])
@pytest.mark.parametrize("named", ["orders_accepted_total", "[orders_total, orders_accepted_total]"])
def test_a_plan_that_names_the_new_metric_gets_the_rule_that_sees_the_release(tmp_path, also, named):
    """The plan is in force first, and the alerts of the change still look at the old name."""
    text = PLAN.replace("series: orders_total", f"series: {named}").replace(
        "orders_total{", "orders_accepted_total{"
    )
    plan, shapes = plan_and_shapes(text.replace("modes:", f"{also}modes:"), ASKING)
    prepared = prepare(
        plan, loadable({"a.yaml": ASKING}, Promtool()), shapes, exposed(NEWLY, origin="the new version")
    )
    proof = carry_out(prepared, Promtool(), told=lambda _: None)
    (one,) = proven_rules(proof, prepared, Promtool(), told=lambda _: None)
    assert (one.rule.was, one.why) == (("orders_total",), "")
    assert [each.near for each in prepared.gone] == [" (did you mean `orders_accepted_total`?)"]
    old = ('orders_total{service="shop"}', f"{counted((90, RISE))} stale _x120")
    new = 'orders_accepted_total{service="shop"}'
    ill = firing(tmp_path, one.rule, old, (new, f"_x91 {counted((120, 24))}"), minutes=160)
    assert (90 < ill[0] <= 100, ill) == (True, [*range(ill[0], 160)])
    assert firing(tmp_path, one.rule, old, (new, f"_x91 {counted((120, RISE))}"), minutes=160) == []
