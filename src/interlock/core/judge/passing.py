"""What has been ruled out: the smallest regression m of which "it is larger" is rejected at 99 %, at any time.

Rules:
1. For each m the likelihood of no harm over that of the regression m is an e-process under "at least m", since
   it only shrinks as the regression grows. m is ruled out where its logarithm, divided by φ of the time it was
   gathered in, reaches −log α.
2. Counts are those of the present stage: what a canary of 1 % showed says nothing about load that it did not
   have. Each stage has several times the traffic of the one before, so this costs little.
3. Of a bad metric a margin m is a factor: errors may be at most 1/(1 − m) times as many, as orders may be at
   least 1 − m times as many. A rise is told relative to the control's rate or to the metric's ``floor``,
   whichever is higher: errors that hardly ever happen would otherwise hold a rollout for days. Against the
   floor a regression is ruled out by the canary's own rate among the requests assigned to it, by a Poisson test
   at three effect sizes.
4. A latency is ruled out where it is at every edge; a rollout where it is for every metric.
5. The time until then is what is missing over what one second of no harm brings (log(1/α)/KL), at the rate
   seen.
"""

from __future__ import annotations

import numpy as np

from interlock.core.judge.arithmetic import Floats, exact_log
from interlock.core.judge.evidence import Ages
from interlock.core.judge.series import INCREASES, LOSSES, Layout
from interlock.core.judge.settings import JudgeSettings

_LEVELS = {"good": np.array(LOSSES), "bad": np.array(INCREASES)}
RULED = len(LOSSES)
_FLOOR_BETS = tuple((bet, exact_log(bet)) for bet in (0.1, 0.5, 0.8))
"""The canary's own rate as a part of the one that is to be ruled out, and its logarithm."""
_EACH_BET = exact_log(len(_FLOOR_BETS))
_CLOSE = 1e-9


def tolerated(kind: str, margin: float) -> float:
    """The regression that a stage's margin permits in a metric of this kind."""
    return margin if kind == "good" else margin / (1.0 - margin)


class Passing:
    """What the present stage has ruled out so far."""

    def __init__(self, settings: JudgeSettings, plan: Layout, ages: Ages) -> None:
        self._plan, self._ages = plan, ages
        self._needed = -exact_log(settings.pass_alpha)
        self._levels = np.stack([_LEVELS[row.kind] for row in plan.series])
        metrics = [settings.metrics[row.name] for row in plan.series]
        self._floors = [one.floor if one.kind == "bad" else 0.0 for one in metrics]
        self._known = [row.name in settings.phi for row in plan.series]
        self._warm = [one.warm_up for one in metrics]
        shape = (len(plan.series), RULED)
        self._sum, self._harmless = np.zeros(shape), np.zeros(shape)
        self._canary = np.zeros(len(plan.series))
        self._assigned = 0
        self._seconds = 0.0
        self.margin, self.since = 0.0, 0.0

    def begin(self, margin: float, t: float) -> None:
        """A stage begins: nothing is ruled out in it yet."""
        self.margin, self.since = margin, t
        self._sum[:], self._harmless[:], self._canary[:] = 0.0, 0.0, 0.0
        self._assigned, self._seconds = 0, 0.0

    def add(self, increments: Floats, canary: Floats, per_event: Floats, assigned: int, seconds: float) -> None:
        """One tick: every regression's log-likelihood; what no harm would have brought; the canary's requests."""
        self._sum += increments
        self._harmless += per_event
        self._canary += canary
        self._assigned += assigned
        self._seconds += seconds

    def ruled_out(self, t: float) -> list[float | None]:
        """For each series the smallest regression ruled out, None where nothing is."""
        inverse = self._ages.at(t - self.since)
        rejected = self._sum * inverse[:, None] <= -self._needed
        places = rejected.argmax(axis=1).tolist()
        found: list[float | None] = []
        for row, place in enumerate(places):
            relative = float(self._levels[row, place]) if rejected[row, place] else None
            found.append(self._with_floor(row, relative, float(inverse[row])) if self._known[row] else None)
        return found

    def _with_floor(self, row: int, relative: float | None, inverse: float) -> float | None:
        if not self._floors[row] or not self._assigned:
            return relative
        needed = (self._needed + _EACH_BET) / inverse
        events, requests = float(self._canary[row]), self._assigned * self._floors[row]
        own = min((needed - events * gain) / ((1.0 - bet) * requests) for bet, gain in _FLOOR_BETS)
        return own if relative is None else min(own, relative)

    def eta(self, row: int, t: float) -> float | None:
        """Seconds until this series may pass, None where nobody can say."""
        kind = self._plan.series[row].kind
        allowed = tolerated(kind, self.margin)
        fitting = np.flatnonzero(self._levels[row] <= allowed + _CLOSE)
        if not self._known[row] or not self._seconds or not len(fitting):
            return None
        place = int(fitting[-1])
        inverse = float(self._ages.at(t - self.since)[row])
        found = []
        per_second = -float(self._harmless[row, place]) / self._seconds * inverse
        if per_second > 0:
            found.append((self._needed + float(self._sum[row, place]) * inverse) / per_second)
        if self._floors[row] and self._assigned:
            found.append(self._floor_eta(row, allowed, inverse))
        return max(0.0, min(found)) if found else None

    def _floor_eta(self, row: int, allowed: float, inverse: float) -> float:
        needed = (self._needed + _EACH_BET) / inverse
        events = float(self._canary[row])
        most = self._assigned * self._floors[row] * allowed
        times = [needed / gain for bet, cost in _FLOOR_BETS if (gain := (1.0 - bet) * most + events * cost) > 0]
        return (min(times) - 1.0) * self._seconds if times else float("inf")

    def worst(self, each: list[float | None]) -> dict[str, float | None]:
        """By metric: the largest over its series, None where one is None."""
        found: dict[str, float | None] = {}
        for row, value in zip(self._plan.series, each, strict=True):
            if row.name in found:
                before = found[row.name]
                found[row.name] = None if value is None or before is None else max(value, before)
            else:
                found[row.name] = value
        return found
