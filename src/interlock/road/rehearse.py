"""Station 4, gather: going back is tried, step by step, and whoever dies on the way is followed by somebody.

Rules:
1. probe → apply → probe → roll back → probe. What is about to be touched is in the journal before it is.
2. Whatever goes wrong while it is applied (a step that fails, somebody's Ctrl-C, an error nobody thought of), it
   is rolled back, probed and written down. A process that dies, or is interrupted on the way back itself, leaves
   that to ``recover``: its journal is not over. What ends before anything was touched is over, and cancelled.
3. The time that counts is from the first step back until every probe has looked: as long as nobody has looked,
   nobody knows.
4. ``recover`` goes back by the plan in the journal. It ends *recovered* when every probe sees what it saw before,
   else *dirty*, with what is left; that is told until it is true no more.
5. A driver's own place goes with it: nothing is dirty there, and nothing is brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from interlock.core.change.errors import InterlockError
from interlock.core.rehearsal.fingerprint import Difference, Look, differences
from interlock.core.rehearsal.journal import Ended, Journal, applying_line, noted_line, over_line, probed_line
from interlock.core.rehearsal.outcome import Acted, Outcome, Seen, outcome
from interlock.ports.rehearsal import MayBeIdle, Notes, OwnPlace, Probe, Rehearsal
from interlock.road.rehearsal_set import SetRehearsal

Told = Callable[[str], None]
"""Hears what begins now, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a rehearsal takes: who acts, who looks, where it is written, a steady clock and who is told."""

    driver: Rehearsal
    probes: Mapping[str, Probe]
    write: Callable[[bytes], None]
    steady: Callable[[], float]
    told: Told
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    """The probes of each member of a set, and those that look at a place of a member's own."""

    @property
    def thrown_away(self) -> bool:
        """Whether the place is the driver's own."""
        return isinstance(self.driver, OwnPlace)


def rehearse(stage: Stage, objective: float) -> tuple[Seen, Outcome]:
    """Do it. ``objective`` is in seconds.

    Raises:
        Unavailable: the journal cannot be written; then nothing more is begun.
    """
    try:
        stage, before, needs, idle = _ready(stage)
        untouched = needs or idle or any(each.failed for each in before.values())
        seen = _untouched(stage, before, objective, needs, idle) if untouched else None
    except BaseException:
        # A journal that cannot be written is somebody else's word, and not why this ended.
        with suppress(InterlockError):
            stage.write(over_line("cancelled"))
        raise
    if seen is None:
        stage.write(applying_line(thrown_away=stage.thrown_away))
        seen = _there_and_back(stage, before, objective)
    found = outcome(seen)
    left = [one.told for one in found.left if one.probe not in stage.own] if found.dirty else []
    stage.write(over_line("dirty" if left else found.verdict, left))
    return seen, found


def recover(stage: Stage, journal: Journal) -> tuple[Difference, ...]:
    """Bring back what somebody left half-way; what is left that was not so before, nothing where it is clean."""
    left: tuple[Difference, ...] = ()
    if stage.thrown_away:
        stage.told("nothing is to be brought back: it took place somewhere of its own, which is gone")
    elif journal.touched and journal.before is not None:
        acted = list(_went(stage, stage.driver.roll_back(), "back"))
        left = _left(stage, journal.before, _look(stage, "what is there now", without=stage.own))
        stage.told("clean" if not left else "; ".join(one.said for one in acted if not one.ok) or "dirty")
    ended: Ended = "dirty" if left else "recovered"
    stage.write(over_line(ended, [one.told for one in left]))
    return left


def _ready(stage: Stage) -> tuple[Stage, Look, str, str]:
    """Everything before the first touch: who is busy, what is there, what is missing, why nothing is to do."""
    stage.told("making ready")
    needs = stage.driver.needs()
    idle = stage.driver.idle() if isinstance(stage.driver, MayBeIdle) and not needs else ""
    stage = _busy(stage)
    before = {} if needs or idle else _look(stage, "what is there before")
    stage.write(probed_line(before))
    blind = any(each.failed for each in before.values())
    if not (needs or idle or blind) and isinstance(stage.driver, Notes) and (noted := stage.driver.notes()):
        stage.write(noted_line(noted))
    return stage, before, needs, idle


def _there_and_back(stage: Stage, before: Look, objective: float) -> Seen:
    applied: list[Acted] = []
    changed: Look = {}
    try:
        applied += _went(stage, stage.driver.apply(), "there")
        changed = _look(stage, "what the change did")
    except BaseException:
        left = () if stage.thrown_away else _left(stage, before, _back(stage)[1])
        stage.write(over_line("dirty" if left else "cancelled", [one.told for one in left]))
        raise
    began = stage.steady()
    rolled_back, after = _back(stage)
    return Seen(
        before=before,
        changed=changed,
        after=after,
        applied=tuple(applied),
        rolled_back=rolled_back,
        seconds=stage.steady() - began,
        objective=objective,
        thrown_away=stage.thrown_away,
        measured=stage.driver.measured(),
        members=stage.members,
        own=stage.own,
    )


def _busy(stage: Stage) -> Stage:
    """Without the members of a set that have nothing to do: there is no place of theirs to look at."""
    if not isinstance(stage.driver, SetRehearsal) or not stage.driver.idle_members:
        return stage
    idle = stage.driver.idle_members
    for name, reason in idle.items():
        stage.told(f"{name} has nothing to do: {reason}")
    gone = {probe for name in idle for probe in stage.members.get(name, ())} & stage.own
    return replace(
        stage,
        probes={name: probe for name, probe in stage.probes.items() if name not in gone},
        members={name: probes for name, probes in stage.members.items() if name not in idle},
        own=stage.own - gone,
    )


def _untouched(stage: Stage, before: Look, objective: float, needs: str, idle: str) -> Seen:
    return Seen(
        before=before,
        changed=before,
        after=before,
        applied=(),
        rolled_back=(),
        seconds=0.0,
        objective=objective,
        touched=False,
        needs=needs,
        idle=idle,
        measured=stage.driver.measured(),
    )


def _left(stage: Stage, before: Look, after: Look) -> tuple[Difference, ...]:
    """What somebody has to put right: nothing in a place that is gone."""
    return tuple(one for one in differences(before, after) if one.probe not in stage.own)


def _back(stage: Stage) -> tuple[tuple[Acted, ...], Look]:
    acted = tuple(_went(stage, stage.driver.roll_back(), "back"))
    return acted, _look(stage, "whether all is as before")


def _went(stage: Stage, steps: Iterator[Acted], way: str) -> Iterator[Acted]:
    for acted in steps:
        stage.told(f"{way}: {acted.name} {'done' if acted.ok else 'failed'} in {acted.seconds:.1f} s")
        yield acted


def _look(stage: Stage, what: str, without: frozenset[str] = frozenset()) -> Look:
    stage.told(f"probing {what}")
    return {name: probe.look() for name, probe in sorted(stage.probes.items()) if name not in without}
