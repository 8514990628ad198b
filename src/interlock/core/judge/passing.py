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

from collections.abc import Callable, Sequence

from interlock.core.judge.ages import Ages
from interlock.core.judge.arithmetic import exact_log
from interlock.core.judge.series import INCREASES, LOSSES, Layout
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tally import Tally

LEVELS = {"good": LOSSES, "bad": INCREASES}
_BETS = tuple((bet, exact_log(bet)) for bet in (0.1, 0.5, 0.8))
"""The canary's own rate as a part of the one that is to be ruled out, and its logarithm."""
_EACH_BET = exact_log(len(_BETS))
CLOSE = 1e-9


def tolerated(kind: str, margin: float) -> float:
    """The regression that a stage's margin permits in a metric of this kind."""
    return margin if kind == "good" else margin / (1.0 - margin)


class Passing:
    """What the present stage has ruled out so far."""

    def __init__(self, settings: JudgeSettings, plan: Layout, ages: Ages, tally: Tally) -> None:
        self._plan, self._ages, self._tally = plan, ages, tally
        self._needed = -exact_log(settings.pass_alpha)
        metrics = [settings.metrics[row.name] for row in plan.series]
        self._floors = [one.floor if one.kind == "bad" else 0.0 for one in metrics]
        self._known = [row.name in settings.phi for row in plan.series]
        self._levels = [LEVELS[row.kind] for row in plan.series]
        self._places = [0] * len(metrics)
        self._fitting: list[int] = []
        self.begin(0.5, 0.0)

    def begin(self, margin: float, t: float) -> None:
        """A stage begins: nothing is ruled out in it yet."""
        self.since = t
        self.allowed = [tolerated(row.kind, margin) for row in self._plan.series]
        self._fitting = [
            sum(level <= allowed + CLOSE for level in LEVELS[row.kind]) - 1
            for row, allowed in zip(self._plan.series, self.allowed, strict=True)
        ]
        self._before = self._tally.now()
        self._before_rows: list[list[float]] = self._before.profile.tolist()
        self._assigned, self._seconds = 0, 0.0

    def add(self, assigned: int, seconds: float) -> None:
        """One tick that counts: its length, and the requests assigned to the canary."""
        self._assigned += assigned
        self._seconds += seconds

    def ruled_out(self, t: float) -> list[float | None]:
        """For each series the smallest regression ruled out, None where nothing is."""
        inverse = self._ages.at(t - self.since)
        gained = self._tally.profile.item
        return [
            self._one(row, inverse[row], gained, before) if known else None
            for row, (known, before) in enumerate(zip(self._known, self._before_rows, strict=True))
        ]

    def _one(
        self, row: int, inverse: float, now: Callable[[int, int], float], before: list[float]
    ) -> float | None:
        """The profile falls towards larger regressions, so the place moves a little from tick to tick."""
        levels, place, enough = self._levels[row], self._places[row], -self._needed / inverse
        while place < len(levels) and now(row, place) - before[place] > enough:
            place += 1
        while place > 0 and now(row, place - 1) - before[place - 1] <= enough:
            place -= 1
        self._places[row] = place
        relative = levels[place] if place < len(levels) else None
        if not self._floors[row] or not self._assigned:
            return relative
        needed = (self._needed + _EACH_BET) / inverse
        events = self._tally.canary[row] - self._before.canary[row]
        requests = self._assigned * self._floors[row]
        own = min([(needed - events * cost) / ((1.0 - bet) * requests) for bet, cost in _BETS])
        return own if relative is None or own < relative else relative

    def _gained(self, place: int, row: int) -> float:
        return self._tally.profile.item(row, place) - self._before_rows[row][place]

    def eta(self, row: int, t: float) -> float | None:
        """Seconds until this series may pass, None where nobody can say."""
        place = self._fitting[row]
        if not self._known[row] or not self._seconds or place < 0:
            return None
        inverse = self._ages.at(t - self.since)[row]
        waits = [self._relative_wait(row, place, inverse)]
        if self._floors[row] and self._assigned:
            waits.append(self._floor_wait(row, inverse))
        known = [wait for wait in waits if wait is not None]
        return max(0.0, min(known)) if known else None

    def _relative_wait(self, row: int, place: int, inverse: float) -> float | None:
        tally, before = self._tally, self._before
        gained = self._gained(place, row)
        surplus = (tally.due[row] - before.due[row]) - (tally.canary[row] - before.canary[row])
        harmless = gained + surplus * self._plan.logs.item(row, self._plan.harmful + place)
        per_second = -harmless * inverse / self._seconds
        return (self._needed + gained * inverse) / per_second if per_second > CLOSE else None

    def _floor_wait(self, row: int, inverse: float) -> float | None:
        needed = (self._needed + _EACH_BET) / inverse
        events = self._tally.canary[row] - self._before.canary[row]
        most = self._assigned * self._floors[row] * self.allowed[row]
        gains = [(1.0 - bet) * most + events * cost for bet, cost in _BETS]
        best = max(gains)
        return (needed / best - 1.0) * self._seconds if best > CLOSE else None

    def by_metric(self, each: Sequence[float | None]) -> dict[str, float | None]:
        """The largest over each metric's series, None where one is None."""
        found: dict[str, float | None] = {}
        for row, value in zip(self._plan.series, each, strict=True):
            before = found.get(row.name, 0.0)
            found[row.name] = None if value is None or before is None else max(value, before)
        return found
