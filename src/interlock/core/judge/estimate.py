"""How large the harm is, for people: counts, what was to be expected, and bounds on the ratio of the rates.

Rules:
1. What the canary would have had is the control's events times ρ/(1 − ρ), tick by tick.
2. Bounds are those of an e-process as well, valid whenever somebody looks: a ratio is out where the mean
   likelihood over all ratios of the profile is 1/α times its own, divided by φ.
3. On a stop, harm is estimated from the moment on at which it most likely began, and what is proven of it is
   the largest harm on the profile of which "it is no more than that" is refuted by the same mixture that
   stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from interlock.core.judge.arithmetic import STEPS, Floats, exp_each, log
from interlock.core.judge.evidence import Ages, Evidence
from interlock.core.judge.series import INCREASES, LOSSES, Layout
from interlock.core.judge.verdict import MetricStanding, Stopped


class Tally:
    """Counts of every series since the rollout began."""

    def __init__(self, plan: Layout, ages: Ages) -> None:
        rows = len(plan.series)
        self._plan, self._ages = plan, ages
        self._canary, self._control, self._expected = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self._profile = np.zeros((rows, plan.thetas.shape[1] - plan.harmful))
        self._marks: dict[float, tuple[Floats, Floats, Floats]] = {}

    def add(self, canary: Floats, control: Floats, share: float, profile: Floats) -> None:
        """One tick that counts."""
        self._canary += canary
        self._control += control
        self._expected += control * (share / (1.0 - share))
        self._profile += profile

    def standing(
        self, each: Floats, ruled_out: Mapping[str, float | None], t: float, stops_at: float
    ) -> dict[str, MetricStanding]:
        """By metric; of a latency the edge with the most evidence."""
        shown: dict[str, int] = {}
        for row, series in enumerate(self._plan.series):
            if series.name not in shown or each[row] > each[shown[series.name]]:
                shown[series.name] = row
        return {name: self._one(row, each, ruled_out[name], t, stops_at) for name, row in shown.items()}

    def _one(self, row: int, each: Floats, ruled_out: float | None, t: float, stops_at: float) -> MetricStanding:
        canary, expected = float(self._canary[row]), float(self._expected[row])
        low, high = self._bounds(row, t, stops_at)
        short = expected - canary if self._plan.series[row].kind == "good" else canary - expected
        return MetricStanding(
            canary=int(canary),
            control=int(self._control[row]),
            expected=expected,
            log_e=round(log(float(each[row])), 9),
            ruled_out=ruled_out,
            estimate=canary / expected if expected else None,
            low=low,
            high=high,
            lost=max(0.0, short),
        )

    def _bounds(self, row: int, t: float, needed: float) -> tuple[float | None, float | None]:
        inverse = float(self._ages.at(t)[row])
        terms = self._profile[row] * inverse
        top = float(terms.max())
        mean = top + log(float(np.cumsum(exp_each((terms - top) * STEPS))[-1]) / len(terms))
        thetas = self._plan.thetas[row, self._plan.harmful :]
        order = thetas.argsort()
        kept = thetas[order][(mean - terms < needed)[order]]
        if not len(kept):
            return None, None
        return float(kept[0]), float(kept[-1])

    def mark(self, began: Sequence[float]) -> None:
        """Remember how things stood at a start that opens now, as long as it is among ``began``."""
        self._marks[began[-1]] = (self._canary.copy(), self._expected.copy(), self._profile.copy())
        for old in [start for start in self._marks if start not in began]:
            del self._marks[old]

    def stopped(
        self, row: int, evidence: Evidence, each: Floats, *, t: float, log_e: float, alpha: float
    ) -> Stopped:
        """The verdict on the row that brought most, estimated since its harm most likely began."""
        name = self._plan.series[row].name
        own = [float(each[place]) for place, series in enumerate(self._plan.series) if series.name == name]
        start = evidence.began[evidence.best_start(row, t)]
        canary, expected, _ = self._marks.get(start, (np.zeros_like(each), np.zeros_like(each), None))
        seen, due = float(self._canary[row] - canary[row]), float(self._expected[row] - expected[row])
        return Stopped(
            metric=name,
            log_e=log_e,
            log_e_metric=round(log(float(np.cumsum(own)[-1]) / len(own)), 9),
            estimate=seen / (due or 1.0),
            at_least=self._proven(row, evidence, t, alpha),
        )

    def _proven(self, row: int, evidence: Evidence, t: float, alpha: float) -> float:
        levels = LOSSES if self._plan.series[row].kind == "good" else INCREASES
        since = [
            self._profile[row] - (self._marks[start][2][row] if start in self._marks else 0.0)
            for start in evidence.began
        ]
        weight, proven = float(evidence.weights[row]), 0.0
        for place, level in enumerate(levels):
            profile = np.array([each[place] for each in since])
            if weight * evidence.against(row, profile, t) < 1.0 / alpha:
                break
            proven = level
        return proven
