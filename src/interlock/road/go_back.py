"""Going back without a server: weight to 0 and read back, then the rollback steps, each verified.

Rules:
1. Nothing is asked: no approval, no ticket, no ledger. What was done is written down for it.
2. Traffic first. The weight is set, read back, and set again until the data plane serves 0 % or 3 s are over. A
   router that does not answer stops nobody: the steps are run all the same, and the end says what is not known.
   A flag is served and moved by interlock's server alone: here it is not waited for.
3. A step is done when its own verification says so. Gone back to once already, it is verified before it is run.
4. Doing it twice changes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from interlock.core.change.errors import InterlockError
from interlock.core.rollout.journal import MAX_SAID, Act
from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.plan import StepPlan
from interlock.core.rollout.step_doubts import BASE
from interlock.ports.programs import Programs
from interlock.ports.router import Router

PATIENCE_SECONDS, PAUSE_SECONDS = 3.0, 0.1
UNSERVED = "flag-unserved"
"""What a router says that only interlock's server can move."""

NOTHING = 1e-6
"""Percent of traffic that no request will ever be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What going back takes: the programs' runner, a steady clock and a way to wait."""

    programs: Programs
    steady: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What the data plane served before and serves now, None where it does not say."""

    before: float | None
    now: float | None
    said: str

    @property
    def gone(self) -> bool:
        """Whether it was read back as nothing."""
        return self.now is not None and self.now <= NOTHING


def take_away(router: Router, means: Means) -> Weight:
    """Set the weight to 0 and read it back."""
    before = _weight(router)
    end, now, wrong = means.steady() + PATIENCE_SECONDS, before, ""
    while True:
        try:
            router.set_weight(0.0)
            now = router.weight()
            wrong = ""
        except InterlockError as error:
            wrong = f"{error.code}: {error.message}"
            end = end if error.code != UNSERVED else means.steady()
        if not wrong and now is not None and now <= NOTHING:
            return Weight(before=before, now=now, said="0 % read back")
        if means.steady() >= end:
            # What was read before the router fell silent says nothing about now.
            said = wrong or f"{now:g} % read back: the router took 0 % and serves something else"
            return Weight(before=before, now=None if wrong else now, said=said[:MAX_SAID])
        means.sleep(PAUSE_SECONDS)


def undo(local: LocalRecord, means: Means, *, again: bool) -> Iterator[Act]:
    """The rollback steps in their order, each when it is over; the first that is not verified is the last."""
    for step in local.rollback:
        act = _step(local, step, means, again=again)
        yield act
        if not act.ok:
            return


def _step(local: LocalRecord, step: StepPlan, means: Means, *, again: bool) -> Act:
    names = _names(local, step)
    if again and means.programs.run(step.verify, timeout=step.timeout, environment=names).good:
        return Act(name=step.name, ok=True, said="was done already")
    ran = means.programs.run(step.run, timeout=step.timeout, environment=names)
    if not ran.good:
        return Act(name=step.name, ok=False, said=f"{step.run[0]} {ran.told}"[:MAX_SAID])
    seen = means.programs.run(step.verify, timeout=step.timeout, environment=names)
    if not seen.good:
        return Act(name=step.name, ok=False, said=f"not verified: {step.verify[0]} {seen.told}"[:MAX_SAID])
    return Act(name=step.name, ok=True, said=seen.said[:MAX_SAID])


def _weight(router: Router) -> float | None:
    try:
        return router.weight()
    except InterlockError:
        return None


def _names(local: LocalRecord, step: StepPlan) -> Mapping[str, str]:
    """What a step is told. There is no fencing token: nobody else is there to be fenced off."""
    return {
        "ROLLOUT_ID": local.rollout,
        "ROLLOUT_KEY": f"{local.rollout}/offline/{step.name}",
        "ROLLOUT_CHANGE": local.change,
        "ROLLOUT_DIGEST": local.digest,
        "ROLLOUT_PREVIOUS": local.previous or "",
        BASE: local.base,
        "ROLLOUT_SERVICE": local.service,
        "ROLLOUT_ENVIRONMENT": local.environment,
    }
