"""Pushed counts over real HTTP, as two servers of one database see them."""

from __future__ import annotations

import time

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.push import PushMeter
from interlock.ports.meter import Counted

NOW = 1_772_704_800.0


def sample(arm="canary", shard="c", value=1.0, at=NOW, **more):
    return {"metric": "orders", "arm": arm, "shard": shard, "value": value, "at": at, **more}


def body(sequence, *samples, source="pod-1"):
    return {"source": source, "sequence": sequence, "samples": list(samples)}


def meter(counts, *metrics):
    return PushMeter({"service": "shop"}, metrics or (Counted(name="orders"),), counts=counts)


def test_a_push_is_idempotent_by_source_and_sequence(pushed_to):
    assert pushed_to.push(body(2, sample(value=7))).json() == {"kept": True}
    assert pushed_to.push(body(2, sample(value=9))).json() == {"kept": False}
    assert pushed_to.push(body(1, sample(value=3))).json() == {"kept": False}
    assert [s.value for s in meter(pushed_to.counts).read()] == [7.0]


def test_another_server_reads_what_was_pushed_to_this_one(pushed_to):
    pushed_to.push(body(1, sample(value=7)))
    other = pushed_to.another_server()
    assert [(s.value, s.at) for s in meter(other.counts).read()] == [(7.0, NOW)]
    other.close()


def test_a_late_push_keeps_its_old_moment(pushed_to):
    pushed_to.push(body(1, sample(at=NOW)))
    pushed_to.push(body(2, sample(value=5, at=NOW - 600)))
    assert [s.at for s in meter(pushed_to.counts).read()] == [NOW - 600]


def test_two_sources_of_one_shard_the_newer_sample_counts(pushed_to):
    pushed_to.push(body(1, sample(value=5, at=NOW + 1), source="a"))
    pushed_to.push(body(9, sample(value=4, at=NOW), source="b"))
    assert [s.value for s in meter(pushed_to.counts).read()] == [5.0]


def test_one_service_does_not_see_another(pushed_to):
    pushed_to.push(body(1, sample()), service="carts")
    assert meter(pushed_to.counts).read() == []


def test_a_source_that_is_silent_for_a_day_is_forgotten(pushed_to):
    pushed_to.push(body(1, sample(at=NOW - 90_000), source="old"))
    pushed_to.push(body(1, sample(at=NOW), source="new"))
    assert [each.source for each in pushed_to.counts.newest("shop")] == ["new"]


def test_pushes_leave_no_entry_in_the_ledger(pushed_to):
    before = len(pushed_to.store.read(lambda tx: tx.log.newest(100)))
    for number in range(5):
        pushed_to.push(body(number, sample()))
    assert len(pushed_to.store.read(lambda tx: tx.log.newest(100))) == before


@pytest.mark.parametrize(
    ("pushed", "message"),
    [
        (body(1), "1 to 1000 samples"),
        (body(-1, sample()), "`sequence` from 0"),
        (body(1, sample(), source=""), "as `source`"),
        (body(1, sample(value=-1)), "counts of 0 or more"),
        (body(1, sample(at=time.time() + 3600)), "samples of the past"),
        (body(1, sample(shard="x" * 300)), "names of at most"),
    ],
)
def test_what_can_be_no_count_is_refused_in_one_line(pushed_to, pushed, message):
    answer = pushed_to.push(pushed)
    assert answer.status_code == 422
    assert message in answer.json()["detail"]


def test_nobody_pushes_without_a_token(pushed_to):
    assert pushed_to.push(body(1, sample()), secret="none").status_code == 401


def test_what_was_not_pushed_is_refused_before_traffic_moves(pushed_to):
    with pytest.raises(InvalidSetting, match="counts of `orders` of the control") as refused:
        meter(pushed_to.counts).check()
    assert (refused.value.code, refused.value.path) == ("series-missing", ("metrics", "orders"))
    pushed_to.push(body(0, sample(arm="control", shard="a")))
    with pytest.raises(Unavailable, match=r"of the canary .*got none yet"):
        meter(pushed_to.counts).check()
    pushed_to.push(body(1, sample(above={"0.5": 0}), sample(arm="control", shard="a", above={"0.5": 0})))
    meter(pushed_to.counts, Counted(name="orders", edges=("0.5",))).check()
    with pytest.raises(InvalidSetting, match=r"above 0.25 s .*got 0.5"):
        meter(pushed_to.counts, Counted(name="orders", edges=("0.25",))).check()


def test_a_metric_may_have_another_name_in_pushes(pushed_to):
    pushed_to.push(body(1, sample(value=3)))
    found = meter(pushed_to.counts, Counted(name="sold", query={"name": "orders"})).read()
    assert [(s.metric, s.value) for s in found] == [("sold", 3.0)]
