"""The judge of one rollout: fed tick by tick, it says stop, pass, not enough data, or untrusted.

Rules:
1. The same settings and the same ticks, declared shares and stages give the same verdicts and the same
   evidence, to the last digit and on every machine. The judge knows no clock: ``t`` comes with the ticks.
2. Stopped stays stopped. Harm is looked for first, then a broken measurement, then a pass: distrust hides no
   harm. Evidence is gathered with the share that was seen, and in ticks that count, so neither another share than
   was declared nor ticks that are lost make any. Only a φ that is too small does: while shards scatter k times
   wider than it says, k times the evidence is asked for.
3. A tick counts unless it was discarded or is out of place. At a share of 0 or 1 there is nothing to compare:
   events of requests assigned before are no evidence, and nothing is ruled out. Nor is anything of a metric by
   requests from before its warm-up.
4. There is no pass while evidence of harm is above 10 : 1, whatever has been ruled out.
5. Evidence is weighed whenever it may have come near 10 : 1, else now and then: ``log_e`` is that of the last
   weighing; what came since is certainly below 10 : 1. When it is weighed depends on ticks and declarations alone.
6. Memory does not grow with the rollout.
"""

from __future__ import annotations

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.ages import Ages, ages
from interlock.core.judge.arithmetic import exact_log
from interlock.core.judge.backstop import Backstop, Forecast
from interlock.core.judge.estimate import DIGITS, Estimate
from interlock.core.judge.evidence import Evidence
from interlock.core.judge.passing import Look, Passing
from interlock.core.judge.reach import Reach
from interlock.core.judge.series import counted, layout, normalisers
from interlock.core.judge.settings import MARGINS, JudgeSettings
from interlock.core.judge.sizes import Sizes
from interlock.core.judge.tally import Tally
from interlock.core.judge.tick import Tick
from interlock.core.judge.trust import Drift, Gaps, OwnShare, ShareTest, misplaced
from interlock.core.judge.verdict import NotEnough, Passed, Standing, Stopped, Verdict

MOST_SECONDS = 1e9
MOST_NATS = 50.0
"""Evidence that is enough however far φ is off: what is told ends at e^60."""
_DOUBT = exact_log(10.0)
LONGEST = 16
"""Ticks from one weighing to the next at most."""


class Judge:
    """One rollout's judge. Deterministic, picklable, not for several threads at once."""

    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self._plan = plan = layout(settings)
        shared, norms = ages(settings, plan), normalisers(plan)
        self._tally = Tally(plan, norms)
        self._evidence = Evidence(settings, plan, shared, norms)
        self._weighed = self._evidence.weigh(0.0)
        self._stops_at = round(-exact_log(settings.alpha), DIGITS)
        self._reach = Reach(plan, min(_DOUBT, self._stops_at))
        self._sizes = Sizes(settings, plan)
        self._passing = Passing(settings, plan, shared, self._tally)
        self._estimate = Estimate(settings, plan, shared, self._tally, self._evidence)
        self._share_test = ShareTest(settings.trust)
        self._own_share = OwnShare(settings.trust)
        self._gaps = Gaps(settings.trust)
        self._drift = Drift(settings)
        self._backstop: Backstop | None = None
        self._warm = [settings.metrics[row.name].warm_up for row in plan.series]
        self._warming = max(self._warm)
        self._t, self._ticks, self._discarded = 0.0, 0, 0
        self._log_e, self._unweighed, self._share = 0.0, 0, 0.0
        self._stopped: Stopped | None = None
        self._pass: tuple[Look, Passed] | None = None
        self.begin_stage(MARGINS[0], 0.0)

    @property
    def log_e(self) -> float:
        """The combined evidence of harm in nats, as it is recorded."""
        return self._log_e

    @property
    def backed(self) -> bool:
        """Whether a forecast is there that the total is held to."""
        return self._backstop is not None

    def expect_share(self, share: float) -> None:
        """From now on the router is to assign this share (0…1) of the requests to the canary.

        Raises:
            InvalidInput: ``judge-share``.
        """
        self._share = _within("share", share, least=0.0, most=1.0)
        self._share_test.expect(share)

    def begin_stage(self, margin: float, t: float) -> None:
        """A stage begins at ``t``, and must rule out ``margin`` (a fraction of the good events) before it passes.

        Raises:
            InvalidInput: ``judge-margin``, ``judge-time``.
        """
        _within("time", t, least=0.0, most=MOST_SECONDS)
        self._passing.begin(_within("margin", margin, least=0.01, most=0.99), t)

    def expect_total(self, forecast: Forecast) -> None:
        """Hold the backstop's metric, both arms together, against this from now on.

        Raises:
            InvalidInput: ``backstop-forecast``, or ``backstop-unset`` where the settings have none.
        """
        if self.settings.backstop is None:
            raise InvalidInput(
                "expected `backstop` in the settings, got none",
                code="backstop-unset",
                hint="name the metric under `backstop` in the judge's settings",
            )
        self._backstop = Backstop(self.settings.backstop, forecast, starts_every=self.settings.starts_every)

    def step(self, tick: Tick) -> Verdict:
        """Judge one tick.

        Raises:
            InvalidInput: ``judge-metric``, ``judge-share``, ``judge-time``: a tick that does not fit the settings.
        """
        events = None
        if not 0.0 <= tick.t <= MOST_SECONDS:
            raise _beyond("time", tick.t, least=0.0, most=MOST_SECONDS)
        discard = tick.discard or misplaced(tick, self._t, self.settings.tick_seconds)
        if not discard:
            events = counted(self._plan, tick)
            discard = "" if events else "metric-missing"
        self._ticks += 1
        self._gaps.see(tick.t, discard)
        if events is None:
            self._discarded += 1
        elif self._stopped is None:
            self._count(tick, *events)
        self._t = max(tick.t, self._t)
        return self._verdict(counts=not discard)

    def standing(self) -> Standing:
        """How the rollout stands after the last tick, its evidence weighed now."""
        ruled_out = self._passing.look(self._t).ruled_out
        stopped = self._stopped is not None
        return Standing(
            t=self._t,
            log_e=self._log_e if stopped else round(self._evidence.weigh(self._t).log_e, DIGITS),
            stops_at=self._stops_at,
            metrics=self._estimate.standing(ruled_out, self._t),
            ticks=self._ticks,
            discarded=self._discarded,
        )

    def _count(self, tick: Tick, canary: list[int], total: list[int]) -> None:
        share = tick.share
        if not 0.0 <= share <= 1.0:
            raise _beyond("share", share, least=0.0, most=1.0)
        if tick.assigned is not None:
            self._share_test.add(tick.assigned)
            self._own_share.add(tick.assigned, share)
        self._drift.add(tick)
        if self._backstop is not None:
            self._backstop.step(self._t, tick)
        if (ages := self._sizes.see(self._share, tick.instances)) is not None:
            self._refit(ages)
        if self._evidence.due(self._t):
            self._weigh(self._t)
            self._evidence.advance(self._t)
            self._tally.keep(self._evidence.apart)
        if 0.0 < share < 1.0:
            self._compare(tick, share, canary, total)
        self._unweighed += 1
        if self._unweighed >= LONGEST or self._reach.touched:
            self._weigh(tick.t)

    def _refit(self, ages: Ages) -> None:
        """Other instances, or another share: another φ."""
        for one in (self._evidence, self._passing, self._estimate):
            one.refit(ages)
        self._weigh(self._t)

    def _weigh(self, t: float) -> None:
        self._weighed = found = self._evidence.weigh(t)
        self._log_e, self._unweighed = round(found.log_e, DIGITS), 0
        self._reach.begin(found.each, self._evidence.fastest)

    def _compare(self, tick: Tick, share: float, canary: list[int], total: list[int]) -> None:
        cold = [row for row, warm in enumerate(self._warm) if self._t < warm] if self._t < self._warming else []
        for row in cold:
            canary[row] = total[row] = 0
        self._evidence.add(canary, total, share)
        self._reach.add(canary, total, share)
        self._tally.add(canary, total, share)
        self._passing.add(tick.assigned.canary if tick.assigned else 0, tick.t - self._t, cold)

    def _verdict(self, *, counts: bool) -> Verdict:
        if self._stopped is not None:
            return self._stopped
        if counts:
            self._stopped = self._harm()
            if self._stopped is not None:
                return self._stopped
        broken = (
            self._share_test.broken()
            or self._own_share.broken()
            or self._gaps.broken(self._t)
            or self._drift.broken()
        )
        return broken or self._of_the_stage(counts=counts)

    def _harm(self) -> Stopped | None:
        if self._log_e >= min(self._stops_at * self._drift.times, MOST_NATS):
            return self._estimate.stopped(self._t, self._log_e, self._weighed.each)
        backstop = self._backstop
        return backstop.verdict() if backstop is not None and backstop.log_e >= backstop.stops_at else None

    def _of_the_stage(self, *, counts: bool) -> Verdict:
        look = self._passing.newest(self._t)
        if counts and look.enough and self._log_e < _DOUBT:
            return self._passed(look)
        eta = None if look.eta is None else max(0.0, look.eta - (self._t - look.t))
        return NotEnough(ruled_out=look.ruled_out, eta=eta)

    def _passed(self, look: Look) -> Passed:
        if self._pass is None or self._pass[0] is not look:
            found = {name: value for name, value in look.ruled_out.items() if value is not None}
            self._pass = (look, Passed(ruled_out=found))
        return self._pass[1]


def _within(what: str, value: float, *, least: float, most: float) -> float:
    if not least <= value <= most:
        raise _beyond(what, value, least=least, most=most)
    return value


def _beyond(what: str, value: float, *, least: float, most: float) -> InvalidInput:
    return InvalidInput(
        f"expected a {what} of {least:g}…{most:g}, got `{value}`",
        code=f"judge-{what}",
        hint="give seconds since the rollout began" if what == "time" else "give a fraction: 0.05 is 5 %",
    )
