from __future__ import annotations

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.read_settings import read_settings
from interlock.core.judge.settings import DROPS, weights
from interlock.core.rollout.setting import InvalidSetting

ORDERS = {"kind": "good"}
SLOW = {"kind": "bad", "edges": [0.1, "0.25", 1]}
PHI = {"windows": [5.0, 60.0], "values": [1.0, 1.5]}


def test_a_short_file_is_enough():
    settings = read_settings({"metrics": {"orders": ORDERS}})
    assert settings.alpha == 0.01
    assert settings.drops == DROPS
    assert settings.phi == {}


def test_edges_are_kept_as_written_whether_numbers_or_words():
    settings = read_settings({"metrics": {"latency": SLOW}})
    assert settings.metrics["latency"].edges == ("0.1", "0.25", "1")


def test_half_of_the_weight_is_on_business_metrics():
    metrics = {
        "orders": ORDERS,
        "logins": ORDERS,
        "errors": {"kind": "bad"},
        "latency": SLOW,
        "queue": {"kind": "bad"},
    }
    found = weights(read_settings({"metrics": metrics}).metrics)
    assert found["orders"] == found["logins"] == 0.25
    assert found["errors"] == pytest.approx(1 / 6)
    assert sum(found.values()) == pytest.approx(1.0)


def test_where_there_is_one_group_it_has_all_of_the_weight():
    assert weights(read_settings({"metrics": {"errors": {"kind": "bad"}, "latency": SLOW}}).metrics) == {
        "errors": 0.5,
        "latency": 0.5,
    }


def test_a_bad_metric_can_be_business_and_a_good_one_not():
    metrics = {"refunds": {"kind": "bad", "business": True}, "hits": {"kind": "good", "business": False}}
    assert weights(read_settings({"metrics": metrics}).metrics) == {"refunds": 0.5, "hits": 0.5}


def test_written_weights_stand():
    metrics = {"orders": {**ORDERS, "weight": 0.9}, "errors": {"kind": "bad", "weight": 0.1}}
    assert weights(read_settings({"metrics": metrics}).metrics) == {"orders": 0.9, "errors": 0.1}


def test_the_digest_follows_every_key():
    base = {"metrics": {"orders": ORDERS}}
    others = [{**base, "alpha": 0.02}, {**base, "phi": {"orders": PHI}}, {"metrics": {"sales": ORDERS}}]
    digests = {read_settings(each).digest for each in (base, *others)}
    assert len(digests) == 4
    assert read_settings(dict(base)).digest in digests


def orders(**more):
    return {"metrics": {"orders": ORDERS}, **more}


def latency(**more):
    return {"metrics": {"latency": {**SLOW, **more}}}


@pytest.mark.parametrize(
    ("written", "code", "path"),
    [
        (orders(alpha=0.0), "judge-alpha", ("alpha",)),
        (orders(alpha=0.21), "judge-alpha", ("alpha",)),
        (orders(pass_alpha=-1.0), "judge-alpha", ("pass_alpha",)),
        (orders(trust={"share_alpha": 1.0}), "judge-alpha", ("trust", "share_alpha")),
        ({"metrics": {}}, "judge-metrics", ("metrics",)),
        ({"metrics": {f"m{n}": ORDERS for n in range(33)}}, "judge-metrics", ("metrics",)),
        ({"metrics": {"": ORDERS}}, "judge-metrics", ("metrics", "")),
        ({"metrics": {"orders": {**ORDERS, "weight": 0.5}}}, "judge-weights", ("metrics",)),
        (
            {"metrics": {"orders": {**ORDERS, "weight": 1.0}, "errors": {"kind": "bad"}}},
            "judge-weights",
            ("metrics", "errors"),
        ),
        ({"metrics": {"orders": {**ORDERS, "weight": 0.0}}}, "judge-weights", ("metrics", "orders", "weight")),
        ({"metrics": {"orders": {**ORDERS, "edges": ["1"]}}}, "judge-edges", ("metrics", "orders", "edges")),
        ({"metrics": {"orders": {**ORDERS, "warm_up": 9.0}}}, "judge-edges", ("metrics", "orders", "warm_up")),
        (latency(edges=["0.5", "0.5"]), "judge-edges", ("metrics", "latency", "edges")),
        (latency(edges=["fast"]), "judge-edges", ("metrics", "latency", "edges")),
        (latency(edges=["-1"]), "judge-edges", ("metrics", "latency", "edges")),
        (latency(edges=["inf"]), "judge-edges", ("metrics", "latency", "edges")),
        (latency(warm_up=-1.0), "judge-range", ("metrics", "latency", "warm_up")),
        (latency(floor=2.0), "judge-range", ("metrics", "latency", "floor")),
        (orders(drops={"thetas": [1.0]}), "judge-grid", ("drops", "thetas", 0)),
        (orders(drops={"thetas": []}), "judge-grid", ("drops", "thetas")),
        (orders(rises={"thetas": [0.9]}), "judge-grid", ("rises", "thetas", 0)),
        (orders(drops={"thetas": [0.5, 0.5]}), "judge-grid", ("drops", "thetas")),
        (orders(drops={"thetas": [0.5], "weights": [0.5]}), "judge-grid", ("drops", "weights")),
        (orders(drops={"thetas": [0.5], "weights": [0.5, 0.5]}), "judge-grid", ("drops", "weights")),
        (orders(phi={"sales": PHI}), "judge-metrics", ("phi", "sales")),
        (orders(phi={"orders": {"windows": [5.0], "values": [1.0, 2.0]}}), "judge-phi", ("phi", "orders")),
        (orders(phi={"orders": {**PHI, "values": [0.9, 1.0]}}), "judge-phi", ("phi", "orders", "values")),
        (orders(phi={"orders": {**PHI, "values": [2.0, 1.0]}}), "judge-phi", ("phi", "orders", "values")),
        (orders(phi={"orders": {**PHI, "windows": [60.0, 5.0]}}), "judge-phi", ("phi", "orders", "windows")),
        (orders(phi={"orders": {**PHI, "beyond": 0.5}}), "judge-range", ("phi", "orders", "beyond")),
        (orders(planned_minutes=0.0), "judge-range", ("planned_minutes",)),
        (orders(starts_every=0.5), "judge-range", ("starts_every",)),
        (orders(tick_seconds=0.0), "judge-range", ("tick_seconds",)),
        (orders(trust={"window": 0}), "judge-range", ("trust", "window")),
        (orders(trust={"most_discarded": 21}), "judge-range", ("trust", "most_discarded")),
        (orders(trust={"silent": 0.0}), "judge-range", ("trust", "silent")),
        (orders(trust={"drift": 0.5}), "judge-range", ("trust", "drift")),
        (orders(backstop={"metric": "sales"}), "judge-metrics", ("backstop", "metric")),
        ({**latency(), "backstop": {"metric": "latency"}}, "judge-range", ("backstop", "metric")),
        (orders(backstop={"metric": "orders", "alpha": 0.5}), "judge-alpha", ("backstop", "alpha")),
        (orders(backstop={"metric": "orders", "tolerance": 1.0}), "judge-range", ("backstop", "tolerance")),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_key(written, code, path):
    with pytest.raises(InvalidSetting) as refused:
        read_settings(written)
    assert (refused.value.code, refused.value.path) == (code, path)
    assert refused.value.hint
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    "written", [None, [], {}, orders(aplha=0.1), orders(alpha="0.01"), {"metrics": {"orders": {"kind": "fine"}}}]
)
def test_what_has_no_such_shape_is_refused(written):
    with pytest.raises(InvalidInput) as refused:
        read_settings(written)
    assert refused.value.code == "input-shape"
