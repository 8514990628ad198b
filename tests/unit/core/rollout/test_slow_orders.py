"""Orders that are counted seconds after their requests were assigned are not lost orders."""

from __future__ import annotations

import random

import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.verdict import Stopped
from interlock.core.rollout.samples import Exposure, Reading, Sample
from interlock.core.rollout.share import AssignedShare
from interlock.core.rollout.windows import Tolerances, Watched, Window

SLOW = 3
RATE = 300
SHARE = 0.05


def rollout(*, in_flight, lost=0.0, seconds=40):
    """The last verdict of a rollout at 5 %, and when it came; each order is counted three seconds later."""
    dice = random.Random(11)
    share = AssignedShare(SHARE)
    window = Window({"orders": Watched(kind="good")}, share, tolerances=Tolerances(tick=1.0, in_flight=in_flight))
    settings = JudgeSettings(
        metrics={"orders": MetricSettings(kind="good", business=True)}, phi={"orders": PhiTable.flat(1.0)}
    )
    judge = Judge(settings)
    judge.begin_stage(0.9, 0.0)
    assigned = {"canary": [0] * (SLOW + 1), "control": [RATE] * (SLOW + 1)}
    sent, counted = {"canary": 0, "control": 0}, {"canary": 0, "control": 0}
    verdict = None
    for second in range(seconds):
        if second == 1:
            judge.expect_share(SHARE)
            window.weight_changed(float(second))
        canary = sum(dice.random() < SHARE for _ in range(RATE)) if second >= 1 else 0
        for arm, now in (("canary", canary), ("control", RATE - canary)):
            assigned[arm].append(now)
            sent[arm] += now
            done = assigned[arm][-1 - SLOW]
            counted[arm] += sum(dice.random() >= lost for _ in range(done)) if arm == "canary" else done
        at = float(second + 1)
        samples = [
            Sample(metric="orders", arm=arm, shard=arm, value=float(count), at=at, since="1")
            for arm, count in counted.items()
        ]
        exposure = Exposure(canary=sent["canary"], control=sent["control"], at=at)
        tick = window.read(Reading(samples=samples, exposure=exposure, wall=at, steady=at))
        verdict = judge.step(tick) if tick is not None else verdict
        if isinstance(verdict, Stopped):
            return verdict, second
    return verdict, seconds


def test_slow_orders_of_a_good_version_do_not_stop_it():
    verdict, _ = rollout(in_flight=float(SLOW))
    assert not isinstance(verdict, Stopped)


def test_without_knowing_how_slow_they_are_they_would():
    """The default used to be 0: any shop whose orders take seconds was stopped at its first stage."""
    verdict, second = rollout(in_flight=0.0)
    assert isinstance(verdict, Stopped)
    assert second <= SLOW


def test_a_loss_behind_slow_orders_is_found_all_the_same():
    verdict, second = rollout(in_flight=float(SLOW), lost=0.99)
    assert isinstance(verdict, Stopped)
    assert second <= 2 * SLOW + 2


@pytest.mark.parametrize("slower", [1.0, 2.0])
def test_a_part_of_the_time_is_not_enough(slower):
    assert isinstance(rollout(in_flight=slower)[0], Stopped)
