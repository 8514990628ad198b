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
   at three effect sizes. Requests count for it once its warm-up is over, as its events do.
4. A latency is ruled out where it is at every edge; a rollout where it is for every metric.
5. The time until then is what is missing over what one second of no harm brings (log(1/α)/KL), at the rate
   seen.
6. A look costs more than a tick. There is one at every tick until a stage is 8 ticks old; after that a quarter as
   many ticks as the stage has pass without one, but no more than a quarter of those until a pass is expected, nor
   than 20. What was ruled out stays so meanwhile, because the test may be asked at any time; evidence of harm is
   weighed at every tick all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from interlock.core.judge.ages import Ages
from interlock.core.judge.arithmetic import exact_log
from interlock.core.judge.series import INCREASES, LOSSES, Layout
from interlock.core.judge.settings import JudgeSettings
from interlock.core.judge.tally import Mark, Tally

LEVELS = {"good": LOSSES, "bad": INCREASES}
_BETS = tuple((bet, exact_log(bet)) for bet in (0.1, 0.5, 0.8))
"""The canary's own rate as a part of the one that is to be ruled out, and its logarithm."""
_EACH_BET = exact_log(len(_BETS))
CLOSE = 1e-9
_RARELY, _PART = 20, 4
"""Ticks from one look to the next at most, and the part of a stage's ticks that they may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was ruled out at ``t``, by metric; whether that is enough, else in how many seconds it may be."""

    t: float
    ruled_out: Mapping[str, float | None]
    enough: bool
    eta: float | None


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
        self._tick = settings.tick_seconds
        self.begin(0.5, 0.0)

    def refit(self, ages: Ages) -> None:
        """Take another φ from here on, for this stage from its beginning."""
        self._ages = ages

    def begin(self, margin: float, t: float) -> None:
        """A stage begins: nothing is ruled out in it yet."""
        self._since = t
        self._allowed = [tolerated(row.kind, margin) for row in self._plan.series]
        self._fitting = [
            sum(level <= allowed + CLOSE for level in LEVELS[row.kind]) - 1
            for row, allowed in zip(self._plan.series, self._allowed, strict=True)
        ]
        self._before = self._tally.settle()
        self._warmed: list[tuple[int, float]] = [(0, 0.0)] * len(self._floors)
        self._assigned, self._seconds = 0, 0.0
        self._ticks = self._due = 0
        self._newest = self.look(t)

    def add(self, assigned: int, seconds: float, cold: Sequence[int] = ()) -> None:
        """One tick that counts: its length, the canary's requests, and the series that do not count in it yet."""
        if cold:
            for row, (before, spent) in enumerate(self._warmed):
                if row not in cold:
                    self._warmed[row] = before + assigned, spent + seconds
        else:
            self._assigned += assigned
            self._seconds += seconds
        self._ticks += 1

    def _exposed(self, row: int) -> tuple[int, float]:
        """The canary's requests while this series counted in this stage, and for how many seconds it did."""
        assigned, seconds = self._warmed[row]
        return assigned + self._assigned, seconds + self._seconds

    def newest(self, t: float) -> Look:
        """The newest look, which is taken now where one is due."""
        if self._ticks >= self._due:
            self._tally.settle()
            self._newest = look = self.look(t)
            ticks = min(_RARELY, self._ticks // _PART)
            if not look.enough and look.eta is not None:
                ticks = min(ticks, int(look.eta / self._tick / 4))
            self._due = self._ticks + max(1, ticks)
        return self._newest

    def look(self, t: float) -> Look:
        """What is ruled out now; changes nothing."""
        now, inverses = self._tally.now(), self._ages.at(t - self._since)
        each = self._ruled_out(now, inverses)
        missing = [row for row, value in enumerate(each) if value is None or value > self._allowed[row] + CLOSE]
        waits = [self._eta(row, now, inverses[row]) for row in missing]
        known = [wait for wait in waits if wait is not None]
        return Look(
            t=t,
            ruled_out=self._by_metric(each),
            enough=not missing,
            eta=max(known, default=0.0) if len(known) == len(waits) else None,
        )

    def _ruled_out(self, now: Mark, inverses: Sequence[float]) -> list[float | None]:
        """For each series the smallest regression ruled out, None where nothing is.

        The profile is concave in ln θ and 0 at no harm: beyond the first that is out, all are.
        """
        width = len(LOSSES)
        gained = now.profile[:, : width + 1] - self._before.profile[:, : width + 1]
        gained[:, width] = -np.inf  # where none before it is out
        first = (gained <= -self._needed / np.array(inverses)[:, None]).argmax(axis=1).tolist()
        return [self._one(row, place, now, inverses[row]) for row, place in enumerate(first)]

    def _one(self, row: int, place: int, now: Mark, inverse: float) -> float | None:
        if not self._known[row]:
            return None
        levels = self._levels[row]
        relative = levels[place] if place < len(levels) else None
        requests = self._exposed(row)[0] * self._floors[row]
        if not requests:
            return relative
        needed = (self._needed + _EACH_BET) / inverse
        events = now.canary[row] - self._before.canary[row]
        own = min([(needed - events * cost) / ((1.0 - bet) * requests) for bet, cost in _BETS])
        return own if relative is None or own < relative else relative

    def _eta(self, row: int, now: Mark, inverse: float) -> float | None:
        """Seconds until this series may pass, None where nobody can say."""
        assigned, seconds = self._exposed(row)
        if not self._known[row] or not seconds or self._fitting[row] < 0:
            return None
        waits = [self._relative_wait(row, now, inverse, seconds)]
        if self._floors[row] and assigned:
            waits.append(self._floor_wait(row, now, inverse, assigned, seconds))
        known = [wait for wait in waits if wait is not None]
        return max(0.0, min(known)) if known else None

    def _relative_wait(self, row: int, now: Mark, inverse: float, seconds: float) -> float | None:
        place, before = self._fitting[row], self._before
        gained = now.profile.item(row, place) - before.profile.item(row, place)
        surplus = (now.due[row] - before.due[row]) - (now.canary[row] - before.canary[row])
        harmless = gained + surplus * self._plan.logs.item(row, self._plan.harmful + place)
        per_second = -harmless * inverse / seconds
        return (self._needed + gained * inverse) / per_second if per_second > CLOSE else None

    def _floor_wait(self, row: int, now: Mark, inverse: float, assigned: int, seconds: float) -> float | None:
        needed = (self._needed + _EACH_BET) / inverse
        events = now.canary[row] - self._before.canary[row]
        most = assigned * self._floors[row] * self._allowed[row]
        gains = [(1.0 - bet) * most + events * cost for bet, cost in _BETS]
        best = max(gains)
        return (needed / best - 1.0) * seconds if best > CLOSE else None

    def _by_metric(self, each: Sequence[float | None]) -> dict[str, float | None]:
        """The largest over each metric's series, None where one is None."""
        found: dict[str, float | None] = {}
        for row, value in zip(self._plan.series, each, strict=True):
            before = found.get(row.name, 0.0)
            found[row.name] = None if value is None or before is None else max(value, before)
        return found
