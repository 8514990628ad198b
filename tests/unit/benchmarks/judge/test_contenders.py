import numpy as np
import pytest
from benchmarks.judge import kayenta, oracle, thresholds
from benchmarks.judge.streams import Fault, Setting, draw

FIVE, NEXT_FIVE = np.arange(1.0, 6.0), np.arange(6.0, 11.0)


def shift_score(canary, baseline, shift=0.0):
    return kayenta.shift_score(canary, baseline, canary[:, None] - baseline[None, :], shift)


def test_the_rank_sum_is_standardised_with_its_half_step():
    assert shift_score(FIVE, NEXT_FIVE) == pytest.approx(-12 / (25 / 12 * 11) ** 0.5)
    assert shift_score(NEXT_FIVE, FIVE, 5.0) == 0


def test_ties_make_the_spread_smaller():
    tied = np.array([1.0, 1.0, 2.0, 2.0])
    assert shift_score(tied, tied + 0.0, 0.0) == 0
    assert shift_score(tied, np.array([2.0, 2.0, 2.0, 1.0])) == pytest.approx(
        (-2 + 0.5) / (16 / 12 * (9 - ((3**3 - 3) + (5**3 - 5)) / 56)) ** 0.5
    )


def test_kayenta_cannot_be_sure_of_four_points_and_is_of_five():
    assert kayenta.harmed(FIVE[:4] / 100, NEXT_FIVE[:4], -1) is False
    assert kayenta.harmed(FIVE / 100, NEXT_FIVE, -1) is True


def test_kayenta_looks_one_way_only_and_passes_what_is_equal():
    assert kayenta.harmed(NEXT_FIVE * 9, FIVE, -1) is False
    assert kayenta.harmed(FIVE, FIVE[::-1], -1) is False


def test_kayenta_stops_a_drop_at_the_first_look_that_can_tell():
    streams = draw(Setting(minutes=12), 5, [1], Fault(orders=0.01))
    assert [kayenta.stops(streams, rollout, 5) for rollout in range(5)] == [300.0] * 5
    assert [kayenta.stops(streams, rollout, 1) for rollout in range(5)] == [300.0] * 5


def test_argo_counts_four_failures_and_flagger_ten():
    streams = draw(Setting(minutes=12), 4, [2], Fault(orders=0.01))
    assert thresholds.stops(streams, thresholds.ARGO).tolist() == [240.0] * 4
    assert thresholds.stops(streams, thresholds.FLAGGER).tolist() == [600.0] * 4


def test_documented_thresholds_do_not_see_what_stays_below_them():
    streams = draw(Setting(minutes=12, orders=100), 4, [3], Fault(errors=5, latency=1.1))
    assert np.isinf(thresholds.stops(streams, thresholds.ARGO)).all()
    assert (thresholds.stops(streams, thresholds.ARGO_TUNED) <= 300).all()


def test_the_oracle_stops_no_more_good_rollouts_than_it_may():
    streams = draw(Setting(minutes=10), 60, [4])
    fitted = oracle.fit(oracle.extremes(streams), 0.10)
    stopped = oracle.stops(streams, fitted)
    assert max(np.isfinite(times).sum() for times in stopped.values()) == 2


def test_the_oracle_takes_the_quickest_rule_after_the_onset():
    stopped = {("orders", 5): np.array([5.0, 5.0, 90.0]), ("orders", 60): np.array([70.0, 70.0, 70.0])}
    assert oracle.best(stopped, 0)[0] == ("orders", 5)
    assert oracle.best(stopped, 60)[0] == ("orders", 60)
