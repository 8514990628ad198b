"""How large the harm is, for people: what was to be expected, and bounds on the canary's rate over the control's.

Rules:
1. Bounds are those of an e-process as well, valid whenever somebody looks: a ratio is out where the mean
   likelihood over all ratios of the profile is 1/α times its own, divided by φ. What is not on the profile is out
   only where the next one towards the middle is: a bound is the innermost ratio that is out.
2. On a stop, harm is estimated from the moment on at which it most likely began. What is proven of it is the
   largest harm on the profile of which "it is no more than that" is refuted by the same mixture that stopped, or
   the bound of rule 1, whichever is more. At the moment of a stop the mixture has just proven that there is harm
   at all; the bound, which does not ask when it began, mostly says more.
3. Where nothing was expected there is no ratio, and none is told; nor one that contradicts its own bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from interlock.core.judge.ages import Ages
from interlock.core.judge.arithmetic import ORIGIN, STEPS, log, powers
from interlock.core.judge.evidence import Evidence
from interlock.core.judge.passing import LEVELS
from interlock.core.judge.series import Layout
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tally import Mark, Tally
from interlock.core.judge.verdict import MetricStanding, Stopped, ratio_of

DIGITS = 9
"""Decimals of nats to which evidence is told, compared and recorded."""


class Estimate:
    """Reads tally and evidence of one rollout."""

    def __init__(
        self, settings: JudgeSettings, plan: Layout, ages: Ages, tally: Tally, evidence: Evidence
    ) -> None:
        self._plan, self._ages, self._tally, self._evidence = plan, ages, tally, evidence
        self._alpha = settings.alpha

    def refit(self, ages: Ages) -> None:
        """Take another φ from here on."""
        self._ages = ages

    def standing(self, ruled_out: Mapping[str, float | None], t: float) -> dict[str, MetricStanding]:
        """By metric; of a latency the edge with the most evidence."""
        shown: dict[str, int] = {}
        now, each = self._tally.now(), self._evidence.weigh(t).each
        for column, series in enumerate(self._plan.series):
            if each[column] > each[shown.setdefault(series.name, column)]:
                shown[series.name] = column
        return {name: self._one(column, now, ruled_out[name], t, each[column]) for name, column in shown.items()}

    def _one(self, column: int, now: Mark, ruled_out: float | None, t: float, own: float) -> MetricStanding:
        canary, expected = now.canary[column], now.expected[column]
        low, high = self._bounds(column, now, t)
        short = expected - canary if self._plan.series[column].kind == "good" else canary - expected
        return MetricStanding(
            canary=canary,
            control=now.control[column],
            expected=expected,
            log_e=round(log(own), DIGITS),
            ruled_out=ruled_out,
            estimate=ratio_of(canary, expected, low=low, high=high),
            low=low,
            high=high,
            lost=max(0.0, short),
        )

    def _bounds(self, column: int, now: Mark, t: float) -> tuple[float | None, float | None]:
        """The innermost ratios that are out, on either side of what is possible; None where none is."""
        terms = now.profile[column] * self._ages.at(t)[column]
        top = float(terms.max())
        mean = top + log(float(np.cumsum(powers((terms - top) * STEPS + ORIGIN))[-1]) / len(terms))
        thetas = self._plan.thetas[column, self._plan.harmful :]
        possible = mean - terms < -log(self._alpha)
        out, kept = thetas[~possible].tolist(), thetas[possible].tolist()
        least, most = min(kept), max(kept)
        low = max((ratio for ratio in out if ratio < least), default=None)
        high = min((ratio for ratio in out if ratio > most), default=None)
        return low, high

    def stopped(self, t: float, log_e: float, each: Sequence[float]) -> Stopped:
        """The verdict on the series that brought most, estimated since its harm most likely began."""
        evidence, now = self._evidence, self._tally.settle()
        parts = [weight * one for weight, one in zip(self._plan.weights, each, strict=True)]
        column = parts.index(max(parts))
        name = self._plan.series[column].name
        own = [one for one, series in zip(each, self._plan.series, strict=True) if series.name == name]
        mark = self._tally.at(evidence.best_start(column, t))
        seen, due = now.canary[column] - mark.canary[column], now.expected[column] - mark.expected[column]
        at_least = self._at_least(column, now, t)
        good = self._plan.series[column].kind == "good"
        low, high = (None, 1.0 - at_least) if good else (at_least, None)
        return Stopped(
            metric=name,
            log_e=log_e,
            log_e_metric=round(log(float(np.cumsum(own)[-1]) / len(own)), DIGITS),
            estimate=ratio_of(seen, due, low=low, high=high),
            at_least=at_least,
            canary=seen,
            expected=due,
        )

    def _at_least(self, column: int, now: Mark, t: float) -> float:
        proven, (low, high) = self._proven(column, now, t), self._bounds(column, now, t)
        if self._plan.series[column].kind == "good":
            return max(proven, 0.0 if high is None else 1.0 - high)
        return max(1.0 + proven, 1.0 if low is None else low)

    def _proven(self, column: int, now: Mark, t: float) -> float:
        evidence, proven = self._evidence, 0.0
        marks = [self._tally.at(start) for start in evidence.apart]
        for place, level in enumerate(LEVELS[self._plan.series[column].kind]):
            profile = np.array([now.profile[column, place] - mark.profile[column, place] for mark in marks])
            if self._plan.weights[column] * evidence.over(column, profile, t) < 1.0 / self._alpha:
                break
            proven = level
        return proven
