"""The judge of one rollout: fed tick by tick, it says stop, pass, not enough data, or untrusted.

Rules:
1. The same settings and the same ticks, declared shares and stages give the same verdicts and the same
   evidence, to the last digit and on every machine. The judge knows no clock: ``t`` comes with the ticks.
2. Stopped stays stopped. Harm is looked for before a pass, a broken measurement before both.
3. A tick counts unless it was discarded or is out of place. At a share of 0 or 1 there is nothing to compare:
   events of requests assigned before are no evidence, and nothing is ruled out.
4. There is no pass while evidence of harm is above 10 : 1, whatever has been ruled out.
5. Memory does not grow with the rollout.
"""

from __future__ import annotations

import numpy as np

from interlock.core.change.errors import InvalidInput
from interlock.core.judge.arithmetic import Floats, exact_log
from interlock.core.judge.backstop import Backstop, Forecast
from interlock.core.judge.estimate import Tally
from interlock.core.judge.evidence import Ages, Evidence
from interlock.core.judge.passing import RULED, Passing, tolerated
from interlock.core.judge.series import counted, layout, missing, normalisers
from interlock.core.judge.settings import MARGINS, JudgeSettings
from interlock.core.judge.tick import Tick
from interlock.core.judge.trust import Gaps, ShareTest, misplaced
from interlock.core.judge.verdict import (
    NotEnoughData,
    Passed,
    Standing,
    Stopped,
    Verdict,
)

DIGITS = 9
"""Decimals of nats to which evidence is told, compared and recorded."""
_DOUBT = exact_log(10.0)
_SHARE_DIGITS = 5
_CLOSE = 1e-9


class Judge:
    """One rollout's judge. Deterministic, picklable, not for several threads at once."""

    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self._plan = layout(settings)
        ages = Ages(settings, self._plan)
        self._evidence = Evidence(settings, self._plan, ages)
        self._passing = Passing(settings, self._plan, ages)
        self._tally = Tally(self._plan, ages)
        self._share_test = ShareTest(settings.trust)
        self._gaps = Gaps(settings.trust)
        self._backstop: Backstop | None = None
        self._warm = np.array([settings.metrics[row.name].warm_up for row in self._plan.series])
        self._warming = float(self._warm.max())
        self._norms: tuple[float, Floats] = (-1.0, np.zeros(0))
        self._stops_at = round(-exact_log(settings.alpha), DIGITS)
        self._t, self._ticks, self._discarded = 0.0, 0, 0
        self._each: Floats = np.ones(len(self._plan.series))
        self._log_e = 0.0
        self._stopped: Stopped | None = None
        self.begin_stage(MARGINS[0], 0.0)

    @property
    def log_e(self) -> float:
        """The combined evidence of harm in nats, as it is recorded."""
        return self._log_e

    def expect_share(self, share: float) -> None:
        """From now on the router is to assign this share (0…1) of the requests to the canary.

        Raises:
            InvalidInput: ``judge-share``.
        """
        self._share_test.expect(_within("share", share, least=0.0, most=1.0))

    def begin_stage(self, margin: float, t: float) -> None:
        """A stage begins at ``t``, and must rule out ``margin`` (a fraction of the good events) before it passes.

        Raises:
            InvalidInput: ``judge-margin``.
        """
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
            InvalidInput: ``judge-metric``, ``judge-share``: a tick that does not fit the settings.
        """
        discard = self._placed(tick)
        self._ticks += 1
        self._gaps.see(tick.t, discard)
        if discard:
            self._discarded += 1
        else:
            self._count(tick)
        self._t = max(tick.t, self._t)
        return self._verdict(counts=not discard)

    def standing(self) -> Standing:
        """How the rollout stands after the last tick."""
        ruled_out = self._passing.worst(self._passing.ruled_out(self._t))
        metrics = self._tally.standing(self._each, ruled_out, self._t, self._stops_at)
        return Standing(
            t=self._t,
            log_e=self._log_e,
            stops_at=self._stops_at,
            metrics=metrics,
            ticks=self._ticks,
            discarded=self._discarded,
        )

    def _placed(self, tick: Tick) -> str:
        """Why the tick does not count, empty where it does."""
        if tick.discard:
            return tick.discard
        return misplaced(tick, self._t, self.settings.tick_seconds) or missing(self._plan, tick)

    def _count(self, tick: Tick) -> None:
        share = float(f"{_within('share', tick.share, least=0.0, most=1.0):.{_SHARE_DIGITS}g}")
        if tick.assigned is not None:
            self._share_test.add(tick.assigned)
        if self._evidence.advance(self._t):
            self._tally.mark(self._evidence.began)
        self._hold_total(tick)
        if 0.0 < share < 1.0 and self._stopped is None:
            self._compare(tick, share)
        self._each = self._evidence.each(tick.t)
        self._log_e = round(self._evidence.total(self._each), DIGITS)

    def _hold_total(self, tick: Tick) -> None:
        backstop = self._backstop
        if backstop is None or self._stopped is not None:
            return
        observed = tick.metrics.get(backstop.settings.metric)
        if observed is not None and observed.counts is not None:
            backstop.step(self._t, tick.t, observed.counts.total)

    def _compare(self, tick: Tick, share: float) -> None:
        plan = self._plan
        events = np.array(counted(plan.series, tick), dtype=np.float64)
        if tick.t <= self._warming:
            events *= tick.t > self._warm
        canary, total = events[0], events[0] + events[1]
        if self._norms[0] != share:
            self._norms = (share, normalisers(plan.thetas, share))
        norms = self._norms[1]
        increments = canary[:, None] * plan.logs
        increments -= total[:, None] * norms
        harm = increments[:, : plan.harmful]
        self._evidence.add(harm)
        self._tally.add(canary, events[1], share, increments[:, plan.harmful :])
        self._pass_on(tick, share, increments, canary, total, norms)

    def _pass_on(
        self, tick: Tick, share: float, increments: Floats, canary: Floats, total: Floats, norms: Floats
    ) -> None:
        ruled = slice(self._plan.harmful, self._plan.harmful + RULED)
        harmless = total[:, None] * (share * self._plan.logs[:, ruled] - norms[:, ruled])
        assigned = tick.assigned.canary if tick.assigned else 0
        self._passing.add(increments[:, ruled], canary, harmless, assigned, tick.t - self._t)

    def _verdict(self, *, counts: bool) -> Verdict:
        if self._stopped is not None:
            return self._stopped
        if broken := self._share_test.broken() or self._gaps.broken(self._t):
            return broken
        if counts and self._log_e >= self._stops_at:
            self._stopped = self._harm()
            return self._stopped
        if self._backstop is not None and self._backstop.log_e >= self._backstop.stops_at:
            self._stopped = _total(self._backstop)
            return self._stopped
        each = self._passing.ruled_out(self._t)
        return self._passed(each, counts=counts) or NotEnoughData(
            ruled_out=self._passing.worst(each), eta=self._eta(each)
        )

    def _passed(self, each: list[float | None], *, counts: bool) -> Passed | None:
        if not counts or self._log_e >= _DOUBT:
            return None
        ruled_out = {name: value for name, value in self._passing.worst(each).items() if value is not None}
        if len(ruled_out) < len(self._plan.names) or not self._tolerable(ruled_out):
            return None
        return Passed(ruled_out=ruled_out)

    def _tolerable(self, ruled_out: dict[str, float]) -> bool:
        metrics, margin = self.settings.metrics, self._passing.margin
        return all(value <= tolerated(metrics[name].kind, margin) + _CLOSE for name, value in ruled_out.items())

    def _eta(self, each: list[float | None]) -> float | None:
        found = []
        for row, value in enumerate(each):
            allowed = tolerated(self._plan.series[row].kind, self._passing.margin)
            if value is None or value > allowed + _CLOSE:
                found.append(self._passing.eta(row, self._t))
        if any(seconds is None for seconds in found):
            return None
        return max((seconds for seconds in found if seconds is not None), default=0.0)

    def _harm(self) -> Stopped:
        parts = self._each * self._evidence.weights
        row = int(parts.argmax())
        return self._tally.stopped(
            row, self._evidence, self._each, t=self._t, log_e=self._log_e, alpha=self.settings.alpha
        )


def _total(backstop: Backstop) -> Stopped:
    """The verdict of the backstop, whose metric is told as a total."""
    return Stopped(
        metric=f"{backstop.settings.metric} in total",
        log_e=backstop.log_e,
        log_e_metric=backstop.log_e,
        estimate=backstop.seen / (backstop.due or 1.0),
        at_least=backstop.settings.tolerance,
    )


def _within(what: str, value: float, *, least: float, most: float) -> float:
    if not least <= value <= most:
        raise InvalidInput(
            f"expected a {what} of {least:g}…{most:g}, got `{value}`",
            code=f"judge-{what}",
            hint=f"give the {what} as a fraction: 0.05 is 5 %",
        )
    return value
