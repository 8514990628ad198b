"""The checklist of one deployment: what the record ticks, what only a person can tick, and the exact way back.

Rules:
1. The record ticks a box, with the id of what shows it and when; nothing that somebody wrote does. What only a
   person can see (that somebody is on call, that the alerts are being watched) stays open and says so.
2. Every obligation of the rules is a box, met or not; an unmet one has its remedy beside it.
3. The way back is what would really run: `interlock rollback`, the steps of the plan in force, the commands of
   every driver that it is rehearsed by (``way_back``), and what the version before is pinned to.
4. The same record gives the same checklist: it has no time of its own, and names the ledger entry it reads up to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.model import Presence
from interlock.core.audit.way_back import WayBack
from interlock.core.evidence.lights import Light
from interlock.core.evidence.model import Evidence
from interlock.core.evidence.word import bites, shows, toothless, word
from interlock.core.policy.decision import Obligation, Reason
from interlock.core.policy.shown import ALERTS, KNOWLEDGE, REHEARSAL, SCAN, SNAPSHOT, TESTS
from interlock.core.rollout.plan import StagePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box. ``shown_by`` is what ticks it, with its time; ``remedy`` what to do until then.

    ``person``: only a person can tick it. ``watched``: the rule asks and does not hold anything back yet.
    """

    text: str
    ticked: bool = False
    person: bool = False
    watched: bool = False
    shown_by: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touches:
    """A service that the change alters."""

    service: str
    tier: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An approval on record; ``why`` it does not count where it does not."""

    id: str
    person: str
    role: str
    presence: Presence | None
    at: datetime | None
    counts: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How a service goes out. ``rollout`` is the newest of this digest there, with ``passed`` stages behind it.

    ``stages`` are of the plan in force at ``path``; both are empty where there is none.
    """

    service: str
    path: str = ""
    stages: tuple[StagePlan, ...] = ()
    rollout: str = ""
    state: str = ""
    passed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What to watch: an alert or a metric of a service, and by whose word; ``doubt`` is why it shows nothing."""

    what: str
    service: str
    source: str
    seconds: float | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """All of it. ``pins`` are what the version before is pinned to; ``entry`` is the newest about the change.

    ``written`` says whether ``change.md`` is; ``plan`` and ``back`` are its words, ``metric_doubt`` is why
    its ``metric`` will not be seen. ``lifted`` are rules that people lifted, with who and why.
    """

    change: str
    title: str
    digest: str
    revision: int
    environment: str
    state: str
    opened_by: str
    opened_at: datetime
    change_class: str
    rules: str
    entry: int
    outcome: str
    provenance: str
    reversibility: str
    losses: tuple[str, ...]
    size: str
    orders: float | None
    services: tuple[Touches, ...]
    reached: tuple[str, ...]
    written: bool
    plan: str
    metric: str
    metric_doubt: str = ""
    boxes: tuple[Box, ...]
    lifted: tuple[str, ...]
    approvals: tuple[Approved, ...]
    evidence: tuple[Box, ...]
    canaries: tuple[Canary, ...]
    watches: tuple[Watch, ...]
    failure_modes: tuple[Box, ...]
    back: tuple[Box, ...]
    pins: tuple[str, ...]
    ways_back: tuple[WayBack, ...]


_NAMES = {
    REHEARSAL: "going back rehearsed",
    ALERTS: "alerts proven",
    TESTS: "tests",
    SCAN: "scanned",
    SNAPSHOT: "snapshot restored and compared",
    KNOWLEDGE: "cited documents checked",
}
_CHANGE = re.compile(r"\bCHANGE\b")


def obligation(
    one: Obligation, reads: Sequence[str], lights: Sequence[Light], approvals: Sequence[Approved], change: str
) -> Box:
    """An obligation of the rules; ``reads`` are the facts that its rule looks at."""
    shown = ""
    if one.met:
        pieces = [each for each in lights if each.fact in reads and each.evidence and each.since]
        shown = ", ".join(f"{each.evidence} of {minute(each.since)}" for each in pieces if each.since)
        if not shown and any("approvals" in fact for fact in reads):
            counted = [each for each in approvals if each.counts]
            shown = ", ".join(f"{each.id} by {each.person}" for each in counted)
        shown = shown or "by what the change is"
    return Box(
        text=f"{one.text} ({one.progress})" if one.progress and not one.met else one.text,
        ticked=one.met,
        watched=one.mode == "observe",
        shown_by=shown,
        remedy="" if one.met else _CHANGE.sub(change, one.remedy),
    )


def in_the_way(one: Reason, change: str) -> Box:
    """A rule that forbids it and is no obligation: there is nothing to show, only something to correct."""
    return Box(text=one.text, remedy=_CHANGE.sub(change, one.remedy))


def piece(one: Evidence) -> Box:
    """A piece of evidence: what it shows, by whom, since when and until when; ticked where it counts."""
    good = shows(one.summary)
    counts = one.standing == "trusted" and good
    name = _NAMES.get(one.predicate_type, one.predicate_type.rpartition("//")[2])
    if good and bites(one.summary):
        name = f"{name}, and that they fail without the change"
    said = "" if good else f", {word(one.summary) or 'without a verdict'}"
    by = f"by {one.runner}" if one.runner else "by nobody trusted"
    until = f"of {minute(one.issued_at)}, until {minute(one.expires_at)}"
    why = "" if counts else one.why or toothless(one.summary) or f"{one.standing}{said}"
    return Box(text=f"{name}{_detail(one)}{said}", ticked=counts, shown_by=f"{one.id} {by}, {until}", remedy=why)


def _detail(one: Evidence) -> str:
    summary, service = one.summary, one.summary.get("service")
    of = f": {service}" if isinstance(service, str) else ""
    seconds, objective = summary.get("seconds"), summary.get("objective_seconds")
    if isinstance(seconds, int | float) and isinstance(objective, int | float):
        where = summary.get("environment")
        there = f" in {where}" if isinstance(where, str) else ""
        return f"{of}{there} in {seconds:.1f} s of at most {objective:g} s"
    proven = summary.get("proven")
    if isinstance(proven, list | tuple):
        return f"{of}, {len(proven)} failure {'mode' if len(proven) == 1 else 'modes'}"
    total = summary.get("total")
    return f"{of}, {total} in all" if isinstance(total, int) else of


def told_of(mode: str, evidence: Sequence[Evidence]) -> Box:
    """A failure mode of the change, ticked by the alert proof that names it."""
    for one in reversed(evidence):
        proven = one.summary.get("proven")
        if one.predicate_type == ALERTS and one.standing == "trusted" and isinstance(proven, list | tuple):
            if mode in proven:
                return Box(text=mode, ticked=True, shown_by=f"{one.id} of {minute(one.issued_at)}")
            return Box(text=mode, remedy="nobody would be told of it in time")
    return Box(text=mode, remedy="no alert proof says who is told")


def minute(moment: datetime) -> str:
    """A time as people read it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
