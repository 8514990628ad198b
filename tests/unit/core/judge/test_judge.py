from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.backstop import Forecast
from interlock.core.judge.judge import Judge
from interlock.core.judge.settings import BackstopSettings, MetricSettings, TrustSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick
from interlock.core.judge.verdict import NotEnough, Passed, Stopped, Untrusted


def course(judge, traffic, seconds, begin=0, **harm):
    verdict = None
    for second in range(begin, begin + seconds):
        verdict = judge.step(traffic.tick(second + 1.0, **harm))
        if isinstance(verdict, Stopped):
            break
    return verdict


def test_lost_orders_stop_within_seconds_and_it_stays_stopped(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    verdict = course(judge, shop, 60, orders=0.01)
    assert isinstance(verdict, Stopped)
    assert verdict.metric == "orders"
    assert verdict.log_e >= 4.605170186
    assert verdict.estimate < 0.3
    assert judge.step(shop.tick(600.0)) is verdict
    assert judge.standing().t == 600.0


def test_harm_that_begins_late_is_found_and_dated(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    assert not isinstance(course(judge, shop, 900), Stopped)
    verdict = course(judge, shop, 120, begin=900, errors=20.0)
    assert isinstance(verdict, Stopped)
    assert verdict.metric == "errors"
    assert verdict.estimate > 5
    assert verdict.at_least > 0


def test_a_healthy_canary_passes_and_says_what_is_ruled_out(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    judge.begin_stage(0.5, 0.0)
    verdict = course(judge, shop, 300)
    assert isinstance(verdict, Passed)
    assert verdict.ruled_out["orders"] <= 0.5
    assert verdict.ruled_out["errors"] <= 1.0


def test_a_stage_forgets_what_the_one_before_ruled_out(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    judge.begin_stage(0.5, 0.0)
    assert isinstance(course(judge, shop, 300), Passed)
    judge.begin_stage(0.5, 300.0)
    verdict = judge.step(shop.tick(301.0))
    assert isinstance(verdict, NotEnough)
    assert verdict.eta > 0


def test_what_is_missing_shrinks_towards_the_pass(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    judge.begin_stage(0.10, 0.0)
    early = course(judge, shop, 60)
    late = course(judge, shop, 200, begin=60)
    assert isinstance(early, NotEnough)
    assert isinstance(late, NotEnough)
    assert early.eta > late.eta > 0


def test_without_history_nothing_passes_and_a_catastrophe_still_stops(settings, traffic):
    plan = settings(phi={})
    verdict = course(Judge(plan), traffic(), 300)
    assert isinstance(verdict, NotEnough)
    assert verdict.eta is None
    assert set(verdict.ruled_out.values()) == {None}
    assert isinstance(course(Judge(plan), traffic(), 60, orders=0.0), Stopped)


def test_one_metric_without_history_holds_the_pass(settings, traffic):
    plan = settings()
    plan = replace(plan, phi={name: plan.phi[name] for name in ("orders", "errors")})
    judge = Judge(plan)
    judge.begin_stage(0.9, 0.0)
    assert isinstance(course(judge, traffic(), 300), NotEnough)


def test_a_metric_that_disappears_is_never_a_pass_and_soon_not_believed(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    judge.begin_stage(0.9, 0.0)
    assert isinstance(course(judge, shop, 200), Passed)
    said = []
    for second in range(200, 220):
        whole = shop.tick(second + 1.0)
        rest = {name: one for name, one in whole.metrics.items() if name != "errors"}
        said.append(judge.step(replace(whole, metrics=rest)))
    assert not any(isinstance(verdict, Passed | Stopped) for verdict in said)
    assert isinstance(said[-1], Untrusted)
    assert said[-1].code == "discards"
    assert "metric-missing" in said[-1].why


def test_discarded_ticks_bring_no_evidence(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    for second in range(40):
        verdict = judge.step(replace(shop.tick(second + 1.0, orders=0.0), discard="overrun"))
    assert judge.log_e == 0.0
    assert isinstance(verdict, Untrusted)
    assert judge.standing().discarded == 40


def test_half_of_the_ticks_may_be_lost_but_not_more(settings, traffic):
    for every, trusted in ((2, True), (3, False)):
        judge, shop = Judge(settings()), traffic()
        for second in range(60):
            lost = bool(second % every) if every == 3 else second % every == 1
            verdict = judge.step(replace(shop.tick(second + 1.0), discard="late" if lost else ""))
        assert isinstance(verdict, Untrusted) is not trusted


def test_silence_is_not_believed(settings, traffic):
    judge, shop = Judge(settings(trust=TrustSettings(silent=10.0))), traffic()
    course(judge, shop, 20)
    verdict = judge.step(replace(shop.tick(30.0), discard="missing"))
    assert isinstance(verdict, Untrusted)
    assert verdict.code == "nothing-counted"


@pytest.mark.parametrize(("t", "counts"), [(10.0, False), (9.0, False), (13.0, True), (14.0, False)])
def test_a_tick_out_of_place_does_not_count(settings, traffic, t, counts):
    judge, shop = Judge(settings()), traffic()
    course(judge, shop, 10)
    judge.step(shop.tick(t))
    assert (judge.standing().discarded == 0) is counts


def test_a_router_that_ignores_the_weight_is_not_believed(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    judge.expect_share(0.01)
    verdict = course(judge, shop, 30)
    assert isinstance(verdict, Untrusted)
    assert verdict.code == "sample-ratio"


def test_a_router_that_sends_nothing_is_not_believed(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    judge.expect_share(0.05)
    nothing = Assigned(canary=0, control=300)
    said = [judge.step(replace(shop.tick(n + 1.0, share=0.001), assigned=nothing)) for n in range(10)]
    assert isinstance(said[-1], Untrusted)


def test_harm_that_both_arms_share_is_found_by_the_backstop(settings, traffic):
    judge, shop = Judge(settings(backstop=BackstopSettings(metric="orders"))), traffic()
    judge.expect_total(Forecast(every=60.0, expected=(6000.0 * 2,) * 60, phi=5.0))
    verdict = course(judge, shop, 120)
    assert isinstance(verdict, Stopped)
    assert verdict.metric == "orders in total"
    assert verdict.estimate == pytest.approx(0.5, abs=0.1)


def test_the_backstop_lets_the_forecast_be_a_little_wrong(settings, traffic):
    judge, shop = Judge(settings(backstop=BackstopSettings(metric="orders"))), traffic()
    judge.expect_total(Forecast(every=60.0, expected=(6000.0 * 1.1,) * 60, phi=5.0))
    assert not isinstance(course(judge, shop, 900), Stopped)


def test_a_forecast_without_a_backstop_is_refused(settings):
    with pytest.raises(InvalidInput) as refused:
        Judge(settings()).expect_total(Forecast(every=60.0, expected=(1.0,), phi=1.0))
    assert refused.value.code == "backstop-unset"


@pytest.mark.parametrize("forecast", [{"every": 0.0}, {"phi": 0.5}, {"expected": ()}, {"expected": (-1.0,)}])
def test_an_impossible_forecast_is_refused(settings, forecast):
    given = {"every": 60.0, "expected": (1.0,), "phi": 1.0, **forecast}
    with pytest.raises(InvalidInput) as refused:
        Judge(settings(backstop=BackstopSettings(metric="orders"))).expect_total(Forecast(**given))
    assert refused.value.code == "backstop-forecast"


@pytest.mark.parametrize("margin", [0.0, 1.0, -1.0, float("nan")])
def test_a_margin_out_of_range_is_refused(settings, margin):
    with pytest.raises(InvalidInput) as refused:
        Judge(settings()).begin_stage(margin, 0.0)
    assert refused.value.code == "judge-margin"


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(settings, traffic, share):
    with pytest.raises(InvalidInput):
        Judge(settings()).expect_share(share)
    with pytest.raises(InvalidInput) as refused:
        Judge(settings()).step(traffic().tick(1.0, share=share))
    assert refused.value.code == "judge-share"


def test_a_metric_of_another_name_or_kind_is_refused(settings, traffic):
    tick = traffic().tick(1.0)
    renamed = {**tick.metrics, "refunds": tick.metrics["orders"]}
    turned = {**tick.metrics, "orders": replace(tick.metrics["orders"], kind="bad")}
    for metrics in (renamed, turned, {**tick.metrics, "latency": tick.metrics["errors"]}):
        with pytest.raises(InvalidInput) as refused:
            Judge(settings()).step(replace(tick, metrics=metrics))
        assert refused.value.code == "judge-metric"


def test_latency_waits_for_its_warm_up_and_errors_do_not(settings, traffic):
    cold, shop = Judge(settings()), traffic()
    assert not isinstance(course(cold, shop, 30, slow=3.0), Stopped)
    assert isinstance(course(cold, shop, 60, begin=30, slow=3.0), Stopped)
    assert isinstance(course(Judge(settings()), traffic(), 25, errors=30.0), Stopped)


def test_a_copy_goes_on_as_the_original_does(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    course(judge, shop, 700)
    copy = pickle.loads(pickle.dumps(judge))
    tick = shop.tick(701.0)
    assert judge.step(tick) == copy.step(tick)
    assert judge.standing() == copy.standing()


def test_state_does_not_grow_with_the_rollout(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    course(judge, shop, 700)
    early = len(pickle.dumps(judge))
    course(judge, shop, 1500, begin=700)
    assert len(pickle.dumps(judge)) < 1.1 * early


def test_there_is_no_pass_while_harm_is_likely(settings, traffic):
    judge, shop = Judge(settings(alpha=1e-12)), traffic()
    judge.begin_stage(0.9, 0.0)
    said = [judge.step(shop.tick(second + 1.0, orders=0.6)) for second in range(60)]
    assert judge.log_e > 2.4
    assert isinstance(said[-1], NotEnough)


def test_standing_tells_what_was_to_be_expected(settings, traffic):
    judge, shop = Judge(settings()), traffic()
    course(judge, shop, 200)
    orders = judge.standing().metrics["orders"]
    assert orders.expected == pytest.approx(1000, rel=0.05)
    assert orders.low < orders.estimate < orders.high
    assert orders.low > 0.7


def test_a_share_that_is_not_kept_hides_no_harm(settings, traffic):
    """The router sends 6 instead of 5 %, which is not believed; a canary that loses its orders goes back."""
    judge, shop = Judge(settings()), traffic(share=0.06)
    judge.expect_share(0.05)
    assert isinstance(course(judge, shop, 120), Untrusted)
    assert isinstance(course(judge, shop, 15, begin=120, orders=0.01), Stopped)


def test_ticks_that_pile_up_discarded_hide_no_harm(settings, traffic):
    """Two of three ticks do not count; those that do are evidence."""
    judge, shop = Judge(settings()), traffic()
    for second in range(1, 60):
        tick = shop.tick(float(second), orders=1.0 if second < 30 else 0.0)
        verdict = judge.step(tick if second % 3 == 0 else replace(tick, discard="slow-scrape"))
        if isinstance(verdict, Stopped):
            break
    assert isinstance(verdict, Stopped)
    assert second > 30


def test_requests_before_the_warm_up_is_over_rule_out_nothing(settings, traffic):
    """Every request is slow; until they count, no latency is said to be ruled out."""
    latency = MetricSettings(kind="bad", edges=("0.5",), warm_up=300.0)
    judge = Judge(settings(metrics={"orders": MetricSettings(kind="good"), "latency": latency}))
    for second in range(1, 299):
        metrics = {
            "orders": Observed(kind="good", counts=Counts(canary=10, control=(190,))),
            "latency": Observed(kind="bad", buckets={"0.5": Counts(canary=20, control=(0,))}),
        }
        assigned = Assigned(canary=20, control=380)
        verdict = judge.step(Tick(t=float(second), share=0.05, metrics=metrics, assigned=assigned))
        assert not isinstance(verdict, Passed), second
    assert judge.standing().metrics["latency"].ruled_out is None
    assert judge.standing().metrics["orders"].ruled_out is not None
