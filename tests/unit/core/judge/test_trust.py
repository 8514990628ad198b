from __future__ import annotations

import math

import numpy as np
import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.settings import MetricSettings, TrustSettings
from interlock.core.judge.tick import Assigned, Counts, Observed, Tick
from interlock.core.judge.trust import OwnShare, ShareTest, misplaced
from interlock.core.judge.verdict import Stopped, Untrusted


def assigned(rng, share, requests=300):
    canary = int(rng.binomial(requests, share))
    return Assigned(canary=canary, control=requests - canary)


def test_a_share_that_is_kept_is_believed():
    broken = 0
    for seed in range(100):
        rng, test = np.random.default_rng(seed), ShareTest(TrustSettings())
        test.expect(0.05)
        for _ in range(300):
            test.add(assigned(rng, 0.05))
            broken += test.broken() is not None
    assert broken == 0


@pytest.mark.parametrize("real", [0.0, 0.02, 0.04, 0.065, 0.5])
def test_another_share_is_not(real):
    rng, test = np.random.default_rng(1), ShareTest(TrustSettings())
    test.expect(0.05)
    for _ in range(300):
        test.add(assigned(rng, real))
    broken = test.broken()
    assert broken is not None
    assert broken.code == "sample-ratio"


def test_a_new_share_is_judged_by_itself_and_the_same_one_is_not_new():
    rng, test = np.random.default_rng(1), ShareTest(TrustSettings())
    test.expect(0.05)
    for _ in range(100):
        test.add(assigned(rng, 0.2))
    test.expect(0.05)
    assert test.broken() is not None
    test.expect(0.2)
    assert test.broken() is None


@pytest.mark.parametrize(
    ("real", "told"), [(0.05, 0.01), (0.05, 0.5), (0.25, 0.05), (0.9, 0.5), (1.0, 0.5), (0.0, 0.3)]
)
def test_what_was_assigned_must_agree_with_the_share_that_is_judged_by(real, told):
    """Half the customers, written down as five percent, passed, also where the right share was declared."""
    rng, test = np.random.default_rng(1), OwnShare(TrustSettings())
    for tick in range(40):
        test.add(assigned(rng, real), told)
        assert (test.broken() is None) == (tick < 39)
    broken = test.broken()
    assert broken is not None
    assert broken.code == "sample-ratio"
    assert broken.why.startswith(f"the ticks say that {100 * told:.3g} % of the requests")
    for _ in range(20):
        test.add(assigned(rng, real), real)
    assert test.broken() is None


@pytest.mark.parametrize("requests", [2, 30, 300, 3_000])
@pytest.mark.parametrize("lag", [0, 3, 10])
@pytest.mark.parametrize("smoothed", [True, False])
def test_a_share_that_lags_behind_a_wider_stage_agrees_with_what_was_assigned(requests, lag, smoothed):
    """Stages of 1 to 50 %, the share told late or smoothed, as people record them."""
    for seed in range(10):
        rng, test, seen = np.random.default_rng(seed), OwnShare(TrustSettings()), []
        for tick in range(300):
            seen.append(assigned(rng, (0.01, 0.05, 0.5)[tick // 100], requests=requests))
            last = seen[-lag - 1 :] if smoothed else seen[max(0, tick - lag) : max(0, tick - lag) + 1]
            share = sum(one.canary for one in last) / sum(one.canary + one.control for one in last)
            test.add(seen[-1], share)
            assert test.broken() is None, (seed, tick)


def test_requests_that_come_a_few_at_a_time_agree_with_their_share():
    for seed in range(50):
        rng, test = np.random.default_rng(seed), OwnShare(TrustSettings())
        for _ in range(200):
            few = assigned(rng, 0.05, requests=75)
            test.add(Assigned(canary=4 * few.canary, control=4 * few.control), 0.05)
            assert test.broken() is None


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_at_the_ends_there_is_nothing_to_test(share):
    test = ShareTest(TrustSettings())
    test.expect(share)
    test.add(Assigned(canary=50, control=50))
    assert test.broken() is None


@pytest.mark.parametrize(
    ("t", "code"),
    [(11.0, ""), (13.0, ""), (13.1, "tick-overrun"), (10.0, "time-went-back"), (3.0, "time-went-back")],
)
def test_a_tick_follows_the_one_before(t, code):
    assert misplaced(Tick(t=t, share=0.05, metrics={}), 10.0, 1.0) == code


def drifting(settings, noise, seconds=300):
    rng = np.random.default_rng(3)
    judge = Judge(settings(metrics={"orders": MetricSettings(kind="good")}))
    rates = 20 * np.exp(noise * rng.normal(size=20))
    verdict = None
    for second in range(seconds):
        canary, *control = rng.poisson(rates).tolist()
        counts = Counts(canary=canary, control=tuple(control))
        verdict = judge.step(
            Tick(t=second + 1.0, share=0.05, metrics={"orders": Observed(kind="good", counts=counts)})
        )
        if isinstance(verdict, Stopped | Untrusted):
            break
    return verdict


def test_shards_that_scatter_wider_than_phi_says_are_not_believed(settings):
    verdict = drifting(settings, 0.3)
    assert isinstance(verdict, Stopped | Untrusted)
    if isinstance(verdict, Untrusted):
        assert verdict.code == "phi-drift"


def test_drift_is_told_from_the_control_alone(settings):
    judge = Judge(settings(metrics={"orders": MetricSettings(kind="good")}))
    for second in range(200):
        counts = Counts(canary=20, control=(10, 30) * 9 + (20,))
        verdict = judge.step(
            Tick(t=second + 1.0, share=0.05, metrics={"orders": Observed(kind="good", counts=counts)})
        )
    assert isinstance(verdict, Untrusted)
    assert verdict.code == "phi-drift"


def test_shards_that_scatter_as_phi_says_are_believed(settings):
    assert not isinstance(drifting(settings, 0.0, 600), Stopped | Untrusted)


def test_while_shards_scatter_wider_than_phi_says_more_evidence_is_asked_for(settings):
    """A loss of a fifth is what such shards do by themselves; a loss of all orders is not."""
    found = []
    for canary in (16, 0):
        judge = Judge(settings(metrics={"orders": MetricSettings(kind="good")}))
        for second in range(400):
            counts = Counts(canary=20 if second < 200 else canary, control=(4, 36) * 9 + (20,))
            verdict = judge.step(
                Tick(t=second + 1.0, share=0.05, metrics={"orders": Observed(kind="good", counts=counts)})
            )
            if second in {199, 220} or isinstance(verdict, Stopped):
                found.append(type(verdict).__name__)
            if isinstance(verdict, Stopped):
                break
    assert found[0] == found[1] == found[-2] == "Untrusted", found
    assert found[-1] == "Stopped"


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.9])
@pytest.mark.parametrize("ratio", [0.3, 0.7, 1.25, 2.0])
def test_the_first_tick_that_proves_another_share_says_so(share, ratio):
    """χ² is a shortcut that may never say less than the likelihood does."""
    rng, test, canary, all_of_them, proven = np.random.default_rng(3), ShareTest(TrustSettings()), 0, 0, 0
    ratios = (0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0, 3.0, 10.0)
    needed = math.log(len(ratios) / TrustSettings().share_alpha)
    test.expect(share)
    for _ in range(400):
        one = assigned(rng, min(0.99, share * ratio), requests=40)
        test.add(one)
        canary, all_of_them = canary + one.canary, all_of_them + one.canary + one.control
        within = [each for each in ratios if 1 + share * (each - 1) > 0]
        most = max(canary * math.log(each) - all_of_them * math.log1p(share * (each - 1)) for each in within)
        if abs(most - needed) > 1e-6:
            assert (test.broken() is not None) == (most >= needed)
            proven += most >= needed
    assert proven or share * ratio > 0.99 or ratio in {0.7, 1.25}
