"""An instance of the control crashes: no harm of the canary, and no cover for it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from interlock.core.judge.judge import Judge
from interlock.core.judge.phi import PhiTable
from interlock.core.judge.settings import JudgeSettings, MetricSettings
from interlock.core.judge.verdict import Passed, Stopped, Untrusted
from interlock.core.rollout.samples import GONE, Exposure, Reading, Sample
from interlock.core.rollout.share import AssignedShare
from interlock.core.rollout.windows import Tolerances, Watched, Window

SHARE, RATE = 0.05, 300
ORDERS, ERRORS = 0.5, 0.02
SEEDS = [1, 2, 3]
NEVER = 1_000_000


class Shop:
    """A canary at 5 % and a control of some instances, of which the first crashes.

    Requests to it are lost until the router has found out, ``until`` seconds later, and sends them to the others.
    From the crash on the canary sells ``sold`` times and fails ``failed`` times as often as it did.
    """

    def __init__(self, controls, *, crash, until=5, sold=1.0, failed=1.0, seed=1):
        self.controls, self.crash, self.until = controls, crash, crash + until
        self.sold, self.failed, self.dice = sold, failed, np.random.default_rng(seed)
        self.back = NEVER
        self.counts, self.sent = Counter(), [0, 0]
        phi = {"orders": PhiTable.flat(1.0), "errors": PhiTable.flat(1.0)}
        metrics = {"orders": MetricSettings(kind="good"), "errors": MetricSettings(kind="bad")}
        self.judge = Judge(JudgeSettings(metrics=metrics, phi=phi, tick_seconds=1.0))
        self.judge.expect_share(SHARE)
        self.judge.begin_stage(0.5, 0.0)
        share = AssignedShare(SHARE)
        share.begin(SHARE)
        watched = {"orders": Watched(kind="good"), "errors": Watched(kind="bad")}
        self.window = Window(watched, share, tolerances=Tolerances(tick=1.0))
        self.verdicts, self.codes = [], []

    def run(self, seconds):
        """Until harm is found, or the time is over; the last verdict."""
        for at in range(1, seconds):
            self._serve(at)
            tick = self.window.read(self._reading(at))
            if tick is not None:
                self.codes.append(tick.discard)
                self.verdicts.append(self.judge.step(tick))
                if isinstance(self.verdicts[-1], Stopped):
                    break
        return self.verdicts[-1]

    def dead(self, at):
        return self.crash < at <= self.back

    def _serve(self, at):
        requests = int(self.dice.poisson(RATE))
        canary = int(self.dice.binomial(requests, SHARE))
        self.sent[0] += canary
        self.sent[1] += requests - canary
        worse = at > self.crash
        self._count("new", canary, ORDERS * (self.sold if worse else 1), ERRORS * (self.failed if worse else 1))
        alive = list(range(self.controls))
        if self.dead(at) and at > self.until:
            alive.remove(0)
        parts = self.dice.multinomial(requests - canary, [1 / len(alive)] * len(alive))
        for place, served in zip(alive, parts, strict=True):
            if place or not self.dead(at):
                self._count(place, served, ORDERS, ERRORS)
        if at == self.crash:
            self.counts["orders", 0] = self.counts["errors", 0] = 0

    def _count(self, shard, requests, orders, errors):
        self.counts["orders", shard] += int(self.dice.binomial(requests, orders))
        self.counts["errors", shard] += int(self.dice.binomial(requests, errors))

    def _reading(self, at):
        samples = [
            Sample(
                metric=metric,
                arm="canary" if shard == "new" else "control",
                shard=str(shard),
                value=0.0 if shard == 0 and self.dead(at) else float(self.counts[metric, shard]),
                at=1_000.0 + at,
                since=GONE if shard == 0 and self.dead(at) else "a life" if at <= self.crash else "1",
            )
            for metric in ("orders", "errors")
            for shard in ("new", *range(self.controls))
        ]
        exposure = Exposure(canary=self.sent[0], control=self.sent[1], at=1_000.0 + at, since="r")
        return Reading(samples=samples, exposure=exposure, wall=1_000.0 + at, steady=float(at))


@pytest.mark.parametrize("controls", [2, 3, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_canary_goes_on_when_the_others_have_the_requests(controls, seed):
    shop = Shop(controls, crash=60, seed=seed)
    assert isinstance(shop.run(300), Passed)
    assert shop.codes.count("uncounted") < 15
    assert set(shop.codes[-200:]) == {""}


@pytest.mark.parametrize(("controls", "most"), [(2, 25), (3, 45), (4, 90)])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_canary_that_sells_less_is_found_when_the_others_have_the_requests(controls, most, seed):
    """It loses just the part that the control loses with its instance, and from the same moment on."""
    shop = Shop(controls, crash=60, sold=1.0 - 1.0 / controls, seed=seed)
    assert isinstance(shop.run(300), Stopped)
    assert shop.codes.count("") < 60 + most
    assert shop.codes.count("uncounted") < 15


@pytest.mark.parametrize("seed", SEEDS)
def test_a_canary_that_fails_more_is_found_when_the_others_have_the_requests(seed):
    shop = Shop(2, crash=60, failed=3.0, seed=seed)
    assert isinstance(shop.run(200), Stopped)
    assert len(shop.codes) < 120


@pytest.mark.parametrize("controls", [2, 3, 4, 10])
@pytest.mark.parametrize(("sold", "failed"), [(1.0, 1.0), (0.5, 1.0)])
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_said_of_a_canary_while_requests_of_the_control_are_lost(controls, sold, failed, seed):
    shop = Shop(controls, crash=30, until=NEVER, sold=sold, failed=failed, seed=seed)
    said = shop.run(150)
    assert isinstance(said, Untrusted)
    assert said.code == "nothing-counted"
    assert "`uncounted`" in said.why
    assert set(shop.codes[31:]) == {"uncounted"}


@pytest.mark.parametrize("seed", SEEDS)
def test_an_instance_that_is_back_is_compared_with_again(seed):
    """Its requests were lost for 40 s; then it serves them again, and another version of it counts from 0."""
    shop = Shop(2, crash=30, until=NEVER, seed=seed)
    shop.back = 70
    assert isinstance(shop.run(250), Passed)
    assert set(shop.codes[75:]) == {""}


@pytest.mark.parametrize("seed", SEEDS)
def test_harm_is_found_when_the_instance_is_back(seed):
    shop = Shop(2, crash=30, until=NEVER, sold=0.5, seed=seed)
    shop.back = 70
    assert isinstance(shop.run(150), Stopped)
    assert len(shop.codes) < 110


def test_a_control_that_is_gone_altogether_is_no_harm_and_no_pass():
    shop = Shop(1, crash=30, until=NEVER)
    said = shop.run(200)
    assert isinstance(said, Untrusted)
    assert "`control-gone`" in said.why
    assert not any(isinstance(verdict, Passed | Stopped) for verdict in shop.verdicts[31:])
