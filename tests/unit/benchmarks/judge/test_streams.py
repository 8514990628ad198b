import numpy as np
import pytest
from benchmarks.judge import real_orders
from benchmarks.judge.streams import EDGES, KINDS, Fault, Setting, above, draw

HALVES = (slice(0, 120), slice(120, 240))


def scatter(counts):
    """Variance over mean of the shards' counts in ten-minute windows."""
    windows = counts.reshape(len(counts), -1, 120, counts.shape[2]).sum(axis=2)
    return windows.var(axis=2, ddof=1).mean() / windows.mean()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_streams(kind):
    setting = Setting(kind=kind, minutes=2)
    first, second, other = draw(setting, 2, [1, 2]), draw(setting, 2, [1, 2]), draw(setting, 2, [1, 3])
    assert all(np.array_equal(first.series[name], second.series[name]) for name in first.series)
    assert np.array_equal(first.assigned, second.assigned)
    assert not np.array_equal(first.series["orders"], other.series["orders"])


def test_each_kind_has_the_noise_that_it_is_named_for():
    noise = {kind: scatter(draw(Setting(kind=kind), 20, [7]).series["orders"]) for kind in KINDS}
    assert noise["poisson"] == pytest.approx(1, abs=0.1)
    assert noise["diurnal"] == pytest.approx(1, abs=0.1)
    assert noise["bursty"] == pytest.approx(1 / 0.7**2, abs=0.3)
    assert noise["batched"] == pytest.approx(7, abs=0.8)
    assert 2.5 < noise["noisy"] < 5


def test_a_fault_begins_at_its_onset_and_spares_the_control():
    setting = Setting(minutes=20)
    streams = draw(setting, 20, [3], Fault(orders=0.1, errors=10, latency=2, onset=600))
    before, after = ({name: each[:, half] for name, each in streams.series.items()} for half in HALVES)
    for name, factor in (("orders", 0.1), ("errors", 10.0), ("q99", above(EDGES["q99"], 2) / 0.01)):
        assert before[name][:, :, 0].mean() == pytest.approx(before[name][:, :, 1:].mean(), rel=0.15)
        assert after[name][:, :, 0].mean() == pytest.approx(factor * after[name][:, :, 1:].mean(), rel=0.15)


def test_requests_above_a_later_edge_are_among_those_above_an_earlier_one():
    series = draw(Setting(minutes=5), 3, [4], Fault(latency=1.1)).series
    for wider, narrower in (("requests", "q50"), ("q50", "q90"), ("q90", "q99"), ("q99", "slo")):
        assert (series[wider] >= series[narrower]).all()


def test_a_shop_is_counted_by_invoices_without_cancellations():
    assert [len(day) for day in real_orders.days()] == [47, 48, 58, 92, 79, 53, 56, 75, 96, 68]
    assert all(day.min() > 0 and day.max() == 3600 for day in real_orders.days())


def test_a_shops_history_is_a_day_that_its_rollouts_do_not_have():
    setting = Setting(kind="real", share=0.25)
    sizes = [len(day) for day in real_orders.days()]
    past = real_orders.draw(setting, 1, [1, 3, 1])
    rollouts = real_orders.draw(setting, 200, [1, 3, 0])
    assert past.series["orders"].sum() == sizes[3]
    assert set(rollouts.series["orders"].sum(axis=(1, 2)).tolist()) == set(sizes) - {sizes[3]}
