from __future__ import annotations

import time

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.setting import InvalidSetting
from interlock.plugins.meters.prometheus import PrometheusMeter
from interlock.ports.meter import GONE, Counted, Remembering
from interlock.testing.prometheus import Prometheus, Targets

ORDERS = Counted(name="orders", query={"query": 'orders_total{job="shop",status="ok"}'})
TOOK = Counted(name="took", edges=("0.1", "1"), query={"query": "took_seconds_bucket"})
PATIENT, SHORT, FAR = 30.0, 1.0, 20.0
"""Seconds. Where no deadline is tested none may pass because the machine stood still."""
ARMS = {"canary": {"version": "2"}, "control": {"version": "1"}}


@pytest.fixture
def server(shops):
    canary, *control = shops
    targets = [
        Targets(addresses=[canary.address], labels={"version": "2"}),
        Targets(addresses=[shop.address for shop in control], labels={"version": "1"}),
    ]
    with Prometheus(targets) as made:
        made.scraped("orders_total", 3)
        yield made


def test_a_real_prometheus_from_start_to_end(server, shops):
    """One story, since a server takes five seconds to begin."""
    meter = _meter(server, ARMS, ORDERS, TOOK)
    try:
        meter.check()
        _counts_are_those_of_each_shard(meter, shops)
        _time_is_that_of_the_scrape(meter)
        _history_is_there(meter)
        _wrong_queries_are_refused(server)
        _a_shard_that_is_down_is_gone(meter, shops)
        _a_paused_server_is_unavailable_in_time(meter, server)
    finally:
        meter.close()


def _meter(server, arms, *metrics):
    made = PrometheusMeter({"url": server.url, "interval": 1, **arms}, metrics)
    made._timeout = PATIENT
    return made


def _counts_are_those_of_each_shard(meter, shops):
    shops[0].sell(4, seconds=0.5)
    shops[1].sell(2, seconds=3.0)
    _until(lambda: [s.value for s in _of(meter, "orders")] in ([7.0, 5.0, 3.0], [7.0, 3.0, 5.0]))
    took = {s.shard: (s.arm, s.value, dict(s.above)) for s in _of(meter, "took")}
    assert took[shops[0].address] == ("canary", 7.0, {"0.1": 4.0, "1": 0.0})
    assert took[shops[1].address] == ("control", 5.0, {"0.1": 2.0, "1": 2.0})


def _time_is_that_of_the_scrape(meter):
    """There is a scrape each second, and of ten readings right after one another several are of the same."""
    begun = time.time()
    readings = [{s.shard: s.at for s in _of(meter, "orders")} for _ in range(10)]
    for shard in readings[0]:
        moments = [each[shard] for each in readings]
        assert moments == sorted(moments)
        assert len(set(moments)) < 10
        assert begun - FAR < moments[0] < time.time()


def _history_is_there(meter):
    assert isinstance(meter, Remembering)
    past = meter.history(4, 1)
    assert {(each.metric, each.edge) for each in past} == {("orders", ""), ("took", "0.1"), ("took", "1")}
    assert all(len(each.counts) == 4 for each in past)
    assert sum(count or 0 for each in past if each.metric == "orders" for count in each.counts) <= 2
    with pytest.raises(InvalidSetting, match="at most 10000 steps"):
        meter.history(1e9, 1)


def _wrong_queries_are_refused(server):
    for query, arms, code, path, message in (
        ({"query": "orders_total["}, ARMS, "query-refused", "query", "parse error"),
        ({"query": "sum(rate(orders_total[1m]))"}, ARMS, "query-refused", "query", "parse error"),
        ({"query": "order_total"}, ARMS, "series-missing", "query", "got nothing"),
        ({"query": "load"}, ARMS, "series-type", "query", "got a gauge"),
        (
            {"query": "orders_total"},
            {**ARMS, "canary": {"version": "3"}},
            "label-mismatch",
            "canary",
            'version="2"',
        ),
        ({"query": "orders_total"}, {**ARMS, "canary": {"vers": "2"}}, "label-mismatch", "canary", 'vers=""'),
        ({"query": "orders_total", "shard": "pod"}, ARMS, "label-unknown", "shard", "instance"),
    ):
        meter = _meter(server, arms, Counted(name="m", query=query))
        with pytest.raises(InvalidSetting, match=message) as refused:
            meter.check()
        meter.close()
        assert (refused.value.code, refused.value.path) == (code, ("metrics", "m", path))
    edge = Counted(name="m", edges=("0.3",), query={"query": "took_seconds_bucket"})
    meter = _meter(server, ARMS, edge)
    with pytest.raises(InvalidSetting, match=r"up to 0.3 s .*got 0.1, 0.25, 1, inf"):
        meter.check()
    meter.close()


def _a_shard_that_is_down_is_gone(meter, shops):
    assert (list(meter.refused("canary")), list(meter.refused("control"))) == ([], [])
    shops[0].close()
    _until(lambda: [s.since for s in _of(meter, "orders") if s.arm == "canary"] == [GONE])
    url = f"http://{shops[0].address}/metrics"
    assert (list(meter.refused("canary")), list(meter.refused("control"))) == ([url], [])
    with pytest.raises(Unavailable, match=rf"canary .*does not reach its targets: {url}: connection refused"):
        _until(meter.check)
    first = next(s.at for s in _of(meter, "orders") if s.arm == "canary")
    sample = next(s for s in _of(meter, "orders") if s.arm == "canary")
    assert (sample.value, sample.shard) == (0.0, shops[0].address)
    _until(lambda: next(s.at for s in _of(meter, "orders") if s.arm == "canary") > first + 0.9)
    shops[0].open()
    _until(lambda: [s.value for s in _of(meter, "orders") if s.arm == "canary"] == [7.0])


def _a_paused_server_is_unavailable_in_time(meter, server):
    server.pause()
    meter._timeout = SHORT
    before = time.monotonic()
    with pytest.raises(Unavailable) as silent:
        meter.read()
    assert time.monotonic() - before < FAR
    assert silent.value.code == "meter-unreachable"
    meter._timeout = PATIENT
    server.resume()
    _until(lambda: len(_of(meter, "orders")) == 3)


def _of(meter, metric):
    return [sample for sample in meter.read() if sample.metric == metric]


def _until(done, seconds=PATIENT):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)
