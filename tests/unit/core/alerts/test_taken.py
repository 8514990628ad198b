"""Which failures lose their series by the change, and what these may be called then."""

from __future__ import annotations

import pytest

from interlock.core.alerts.declared import declared
from interlock.core.alerts.exposition import Exposed
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.taken import taken

PLAN = """\
service: shop
rules: [a.yaml]
shapes:
  - {series: 'carts_total{job="shop"}', per_second: 20}
  - {series: 'took_seconds{job="shop"}', per_second: 9, buckets: {"1": 90%, "2": 100%}}
  - {series: 'pool_used{job="shop"}', level: 0.4}
modes:
  - {name: carts drop, kind: drop, series: carts_total}
  - {name: slow, kind: slow, series: took_seconds}
  - {name: full, kind: saturation, series: pool_used}
"""
NOW = {"carts_total", "took_seconds", "pool_used"}


def found(*names, plan=PLAN):
    read = read_alert_plan("alert-plans/shop.yaml", plan.encode())
    return taken(read, declared(read.shapes, steps=5, step=60.0, seed=1), Exposed(frozenset(names)))


def test_nothing_is_taken_away_where_all_is_exposed():
    assert found(*NOW, "basket_total") == {}


def test_another_kind_of_metric_is_no_new_name():
    (one,) = found("took_seconds", "pool_used", "carts_totals", "pool_total").values()
    assert one.taken.names == (("carts_total", ""),)
    assert found("took_seconds", "carts_total", "pool_use_total", "pool_use")["full"].taken.names == (
        ("pool_used", ""),
    )


def test_what_there_was_already_is_no_new_name():
    plan = PLAN.replace("modes:", "  - {series: cart_total, per_second: 1}\nmodes:")
    one = found("took_seconds", "pool_used", "cart_total", plan=plan)["carts drop"]
    assert (one.taken.names, one.failing, one.taken.renamed) == ((("carts_total", ""),), None, False)


def test_a_histogram_is_renamed_with_all_of_its_parts():
    one = found("carts_total", "pool_used", "took_secs", "took_secs_bucket", "took_secs_count")["slow"]
    assert one.taken.names == (("took_seconds", "took_secs"),)
    assert one.taken.places == ("alert-plans/shop.yaml:5", "alert-plans/shop.yaml:9")
    assert {name.partition("{")[0] for name in one.failing.touched} == {"took_secs_bucket", "took_secs_sum"}
    assert [each.metric for each in one.failing.mode.selectors] == ["took_secs"]
    assert not any(shape.metric.startswith("took_seconds") for shape in one.failing.healthy)


@pytest.mark.parametrize(("series", "lines"), [("basket_total", (4,)), ("carts_total", (4, 8))])
def test_every_place_of_the_plan_that_names_the_old_one_is_told(series, lines):
    plan = PLAN.replace("series: carts_total", f"series: {series}")
    one = found("took_seconds", "pool_used", "basket_total", plan=plan)["carts drop"]
    assert one.taken.names == (("carts_total", "basket_total"),)
    assert one.taken.places == tuple(f"alert-plans/shop.yaml:{line}" for line in lines)
    assert one.failing.touched == ('basket_total{job="shop"}',)


def test_of_captured_series_it_is_said_that_nobody_declared_them():
    read = read_alert_plan("alert-plans/shop.yaml", PLAN.encode())
    shapes = declared(read.shapes, steps=5, step=60.0, seed=1)
    text = PLAN[: PLAN.index("shapes:")] + "prometheus: http://127.0.0.1:9\n" + PLAN[PLAN.index("modes:") :]
    plan = read_alert_plan("alert-plans/shop.yaml", text.encode())
    one = taken(plan, shapes, Exposed(frozenset({"took_seconds", "pool_used", "basket_total"})))["carts drop"]
    assert (one.taken.captured, one.taken.places) == (True, ("alert-plans/shop.yaml:5",))
    assert one.failing is not None
