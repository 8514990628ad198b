"""What a failure does to series: increments and levels, never the past, and nothing that it is not about."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.alerts.expression import LabelMatch, Selector
from interlock.core.alerts.modes import Mode, failing, quantile
from interlock.core.alerts.shape import Shape, captured, is_counter

COUNTS = st.lists(st.integers(0, 1_000).map(float), min_size=1, max_size=20)


def counter(metric, values, **labels):
    return Shape(metric=metric, labels=labels, counter=True, values=tuple(values))


def mode(kind, by=0.5, metric="orders_total", **more):
    return Mode(name="m", kind=kind, by=by, selectors=(Selector(metric=metric, **more),))


def test_a_loss_scales_the_increments_of_what_is_meant_and_of_nothing_else():
    mine, other = counter("orders_total", [4, 8], shop="a"), counter("orders_total", [4, 8], shop="b")
    found = failing([mine, other], mode("drop", 0.75, matchers=(LabelMatch("shop", "=", "a"),)))
    assert [shape.values for shape in found.failing] == [(1.0, 2.0), (4, 8)]
    assert found.touched == ('orders_total{shop="a"}',)
    assert found.healthy == (mine, other)


def test_what_no_series_is_meant_by_touches_nothing():
    found = failing([counter("orders_total", [1])], mode("drop", metric="order_total"))
    assert found.touched == ()
    assert found.failing == found.healthy


@given(good=COUNTS, bad=COUNTS, by=st.floats(0.01, 1.0))
def test_errors_take_the_place_of_good_answers_and_add_no_requests(good, bad, by):
    size = min(len(good), len(bad))
    shapes = [counter("http_total", good[:size], code="200"), counter("http_total", bad[:size], code="503")]
    found = failing(shapes, mode("errors", by, metric="http_total"))
    for step in range(size):
        before = good[step] + bad[step]
        after = [shape.values[step] for shape in found.failing]
        if good[step]:
            assert math.isclose(sum(after), before, rel_tol=1e-9)
        assert math.isclose(after[1], by * before, rel_tol=1e-9, abs_tol=1e-9)


def test_a_service_that_never_failed_has_a_series_of_errors_at_zero():
    found = failing(
        [counter("http_total", [10, 10], code="200", path="/")], mode("errors", 0.2, metric="http_total")
    )
    assert [shape.labels["code"] for shape in found.healthy] == ["200", "500"]
    assert found.healthy[1].values == (0.0, 0.0)
    assert [shape.values for shape in found.failing] == [(8.0, 8.0), (2.0, 2.0)]


def test_other_labels_tell_errors_where_the_plan_says_so():
    shapes = [counter("rpc_total", [9], result="ok"), counter("rpc_total", [1], result="lost")]
    wanted = Mode(
        name="m", kind="errors", by=0.5, selectors=(Selector(metric="rpc_total"),), bad={"result": "lost|late"}
    )
    assert [shape.values for shape in failing(shapes, wanted).failing] == [(5.0,), (5.0,)]


def histogram(edges, counts):
    return [counter("took_bucket", [count], le=edge) for edge, count in zip(edges, counts, strict=True)]


def test_twice_as_slow_is_half_the_edge():
    shapes = [*histogram(["0.1", "0.2", "0.4", "+Inf"], [50, 90, 99, 100]), counter("took_sum", [10])]
    found = failing(shapes, mode("slow", 2.0, metric="took"))
    assert [shape.values[0] for shape in found.failing] == [25.0, 50.0, 90.0, 100.0, 20.0]


@given(counts=st.lists(st.integers(0, 100), min_size=3, max_size=3), by=st.floats(1.01, 50.0))
def test_slower_buckets_stay_cumulative_and_nobody_is_lost(counts, by):
    cumulative = [sum(counts[: place + 1]) for place in range(3)]
    found = failing(histogram(["0.1", "0.5", "+Inf"], cumulative), mode("slow", by, metric="took"))
    after = [shape.values[0] for shape in found.failing]
    assert after == sorted(after)
    assert after[-1] == cumulative[-1]
    assert all(slow <= fast + 1e-9 for slow, fast in zip(after, cumulative, strict=True))


def test_quantiles_are_prometheus_estimates():
    shapes = histogram(["0.1", "0.2", "0.4", "+Inf"], [50, 90, 99, 100])
    assert quantile(0.5, shapes) == pytest.approx(0.1)
    assert quantile(0.95, shapes) == pytest.approx(0.2 + 0.2 * 5 / 9)
    assert quantile(0.999, shapes) == pytest.approx(0.4)
    assert quantile(0.5, []) is None


def test_a_gauge_goes_to_its_level_and_a_silent_series_is_not_there():
    gauge = Shape(metric="pool", labels={}, counter=False, values=(0.4, 0.5))
    full = failing([gauge, counter("pool_total", [1])], mode("saturation", 0.98, metric="pool"))
    assert full.failing[0].values == (0.98, 0.98)
    gone = failing([gauge], mode("silent", 1.0, metric="pool"))
    assert all(math.isnan(value) for value in gone.failing[0].values)


def test_what_was_scraped_becomes_increments_and_a_reset_is_no_loss():
    found = captured("a_total", {}, [10, 12, 3, 4], counter=True)
    assert (found.first, found.values) == (10, (2, 3, 1))
    holes = captured("a_total", {}, [10, math.nan, 12], counter=True)
    assert all(math.isnan(value) for value in holes.values)
    assert captured("a_total", {}, [10], counter=True) is None


@pytest.mark.parametrize(
    ("metric", "kind", "rises"),
    [
        ("a_total", "", True),
        ("a", "counter", True),
        ("a_total", "gauge", False),
        ("a_bucket", "histogram", True),
        ("a", "summary", False),
        ("a_count", "summary", True),
        ("a", "", False),
    ],
)
def test_what_only_rises_is_told_by_its_type_else_by_its_name(metric, kind, rises):
    assert is_counter(metric, kind) is rises
