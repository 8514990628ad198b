"""Whether all that is counted answers, once the version is up and before it gets traffic.

Rules:
1. It is looked for as before the start, and the canary too: a page that never answered since the version was put
   up is no crash, and would be taken for one. Once it has answered, a refused connection counts as what it is.
2. A service needs a moment to come up, and a source a few rounds to see it: that long it is looked for again.
3. It is looked for before the control is measured, so that nobody waits in vain, and once more before the first
   weight. What is on record afterwards (``calibrated``) says that it answered; whoever takes over before that
   looks again.
4. Looking may take as long as it takes: it is done in a thread of its own, one look at a time.
"""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass

from interlock.core.rollout.obstacle import Obstacle
from interlock.ports.meter import Renewing
from interlock.road.roll.installed import absent
from interlock.road.roll.kit import Kit
from interlock.road.roll.preflight import unread

PATIENCE_SECONDS = 30.0
ROUNDS = 3
"""How many rounds of its own a source may take, where that is longer."""

FRESH_SECONDS = 5.0
"""How old an answer may be when the first weight is set."""

LOOK_SECONDS = 2.2
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """``waits``: not yet, and it is looked for again. ``why``: it never did, or does not any more."""

    waits: bool = False
    why: str = ""


class Answering:
    """One rollout's. Used by one thread."""

    def __init__(self, kit: Kit) -> None:
        self._kit, self._steady = kit, kit.outside.steady
        renewing = (meter.interval for meter in kit.opened.meters if isinstance(meter, Renewing))
        self._patience = max(PATIENCE_SECONDS, ROUNDS * max(renewing, default=0.0))
        self._look: Future[list[Obstacle]] | None = None
        self._since: float | None = None
        self._answered: float | None = None
        self._told = "the meters do not answer in time"

    def look(self) -> Answers:
        """Whether it answers, or did a moment ago."""
        now = self._steady()
        if self._answered is not None and now - self._answered <= FRESH_SECONDS:
            return Answers()
        self._since = now if self._since is None else self._since
        found = self._found()
        if found is not None and not found:
            self._answered, self._since = self._steady(), None
            return Answers()
        self._told = _words(found) if found else self._told
        waited = self._steady() - self._since
        if waited < self._patience:
            return Answers(waits=True)
        how = f"answered in {waited:.0f} s" if self._answered is None else "answers any more"
        return Answers(why=f"not all that is counted {how}, and no traffic was sent: {self._told}")

    def _found(self) -> list[Obstacle] | None:
        """What stands in the way; None while that is not known."""
        if self._look is None:
            self._look = self._kit.pool.submit(self._obstacles)
        try:
            found = self._look.result(timeout=LOOK_SECONDS)
        except TooLate:
            return None
        except BaseException:
            self._look = None
            raise
        self._look = None
        return found

    def _obstacles(self) -> list[Obstacle]:
        kit = self._kit
        ways = absent(kit.plan, kit.outside.programs, root=kit.outside.root, sets=("promote", "rollback"))
        return [*unread(kit.plan, kit.opened.meters), *ways]


def _words(found: list[Obstacle]) -> str:
    told = [_told(each) for each in found[:_MOST_TOLD]]
    more = len(found) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _told(each: Obstacle) -> str:
    place = f"{each.path}:{each.line}"
    where = "" if f"{place}`" in each.text else f" at `{place}`"
    return f"{each.code}: {each.text}{where} ({each.hint})"
