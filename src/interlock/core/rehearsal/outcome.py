"""What came of a rehearsal: whether going back restores what was, and how long that takes.

Rules:
1. *Passed* means: every probe saw the state before, saw the change, and saw the very state from before again. The
   time it took stands beside it; whether that is soon enough is the objective's business.
2. A change that no probe sees is not rehearsed: going back from nothing proves nothing.
3. What could not be decided, because something is missing here, is *undecidable* and never *irreversible*. So is
   what went well and showed nothing.
4. All reasons are told, the one that matters most first.
5. What is left in a place that was made for it, and is gone by now, is told as any other; nothing is dirty for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from interlock.core.change.canonical import Json
from interlock.core.rehearsal.brief import brief
from interlock.core.rehearsal.fingerprint import Difference, Look, differences, unseen

Verdict = Literal["passed", "failed", "undecidable"]
SHOWN = 20
UNDECIDED = "could not be decided here: needs "
UNRESTORED = "going back does not restore"
SAID, STEP_SAID = 300, 160
"""How many of each, and how many letters of each, are signed: a predicate has an upper bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """One step of a set, when it was over: whether it was verified, what it said last, how long it took.

    ``needs`` is what is missing here, where the step could not be taken for that. ``doubt`` is what it would take
    to show that it is right, where the step was taken and showed nothing: what went wrong besides is wrong anyhow.
    ``beside``: it was tried besides the change, which is there whatever came of it.
    """

    name: str
    ok: bool
    said: str = ""
    seconds: float = 0.0
    needs: str = ""
    doubt: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was seen and done. ``seconds`` is from the first step back until the state was probed.

    ``needs`` is what is missing where nothing could be decided, ``idle`` why the change has nothing for the plan;
    ``measured`` is what the driver found besides.
    Where nothing was ``touched`` there is nothing to compare either. What was ``thrown_away`` is gone. Of a set,
    ``members`` have their probes, and what the probes in ``own`` look at is gone too.
    """

    before: Look
    changed: Look
    after: Look
    applied: tuple[Acted, ...]
    rolled_back: tuple[Acted, ...]
    seconds: float
    objective: float
    touched: bool = True
    thrown_away: bool = False
    needs: str = ""
    idle: str = ""
    measured: Mapping[str, Json] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict with its reasons; ``did`` is what the change changed, ``left`` what going back left so."""

    verdict: Verdict
    reasons: tuple[str, ...]
    did: tuple[Difference, ...]
    left: tuple[Difference, ...]
    late: float
    thrown_away: bool = False
    own: frozenset[str] = frozenset()

    @property
    def dirty(self) -> bool:
        """Whether somebody has to put something right where it was rehearsed."""
        return not self.thrown_away and any(one.probe not in self.own for one in self.left)

    @property
    def good(self) -> bool:
        """Whether it passed in time."""
        return self.verdict == "passed" and self.late <= 0


def outcome(seen: Seen) -> Outcome:
    """What it comes to."""
    did = differences(seen.before, seen.changed) if seen.touched else ()
    left = differences(seen.before, seen.after) if seen.touched else ()
    needs = _needed(seen)
    reasons = [*_reasons(seen, needs, did, left)]
    doubts = tuple(f"{UNDECIDED}{one.doubt}" for one in (*seen.applied, *seen.rolled_back) if one.doubt)
    if not did and seen.touched and not doubts and _applied(seen):
        reasons.append("no probe sees the change, so going back from it shows nothing")
    unsure = bool(needs) or (not reasons and bool(doubts))
    return Outcome(
        verdict="undecidable" if unsure else "failed" if reasons else "passed",
        reasons=(*reasons, *doubts),
        did=did,
        left=left,
        late=max(0.0, seen.seconds - seen.objective),
        thrown_away=seen.thrown_away,
        own=seen.own,
    )


def _applied(seen: Seen) -> bool:
    """Whether the whole change was there: of one that was not, it is no news that a probe does not see it."""
    return all(one.ok or one.beside for one in seen.applied)


def _needed(seen: Seen) -> str:
    return seen.needs or next((one.needs for one in (*seen.applied, *seen.rolled_back) if one.needs), "")


def _reasons(seen: Seen, needs: str, did: tuple[Difference, ...], left: tuple[Difference, ...]) -> Iterator[str]:
    if needs:
        yield f"{UNDECIDED}{needs}"
    if left:
        yield f"{UNRESTORED} {_count(left)}"
    yield from _of_members(seen, did, left)
    for one in seen.applied:
        if not one.ok:
            yield f"apply step {one.name}: {one.said}"
    for one in seen.rolled_back:
        if not one.ok and not one.doubt:
            yield f"rollback step {one.name}: {one.said}"
    for told in dict.fromkeys((*unseen(seen.before), *unseen(seen.changed))):
        yield f"a probe could not look: {told}"


def _of_members(seen: Seen, did: tuple[Difference, ...], left: tuple[Difference, ...]) -> Iterator[str]:
    for name, probes in seen.members.items():
        mine = [one for one in left if one.probe in probes]
        if mine:
            yield f"the member {name} is not back: {mine[0].told}"
        if seen.touched and did and _applied(seen) and not any(one.probe in probes for one in did):
            yield f"no probe of the member {name} sees what it did, so going back from it shows nothing"


def _count(left: tuple[Difference, ...]) -> str:
    first = left[0].told
    return first if len(left) == 1 else f"{len(left)} things: {first}, …"


def predicate(seen: Seen, found: Outcome) -> dict[str, Json]:
    """What is signed: verdict, times, what was seen, what was left; the caller adds whose and when."""
    measured: dict[str, Json] = {**seen.measured}
    nothing: dict[str, Json] = {"idle": seen.idle} if seen.idle else {}
    return {
        **nothing,
        "verdict": found.verdict,
        "whole": _applied(seen),
        "seconds": round(seen.seconds, 3),
        "objective_seconds": seen.objective,
        "reasons": [brief(one, SAID) for one in found.reasons[:SHOWN]],
        "changed": [brief(one.told, SAID) for one in found.did[:SHOWN]],
        "changed_count": len(found.did),
        "left": [brief(one.told, SAID) for one in found.left[:SHOWN]],
        "left_count": len(found.left),
        "state_before": {name: each.digest for name, each in sorted(seen.before.items())},
        "state_after": {name: each.digest for name, each in sorted(seen.after.items())},
        "applied": [_step(one) for one in seen.applied],
        "rolled_back": [_step(one) for one in seen.rolled_back],
        "measured": measured,
    }


def _step(one: Acted) -> Json:
    return {"name": one.name, "ok": one.ok, "said": brief(one.said, STEP_SAID), "seconds": round(one.seconds, 3)}
