"""The lights on the road: how far each piece of evidence is that rules ask for.

Rules:
1. A light tells of what is on record and what is under way; whether the rule is met is policy's word alone.
2. What is under way comes first, then what counts, then what does not and why: another digest, too old, failed.
3. Of several pieces by one runner and tool the newest speaks; of several tools (a rehearsal of each service is
   one) the worst does, as for policy.
4. A run that is lost or left something is told even beside evidence that counts: somebody has to look after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from interlock.core.evidence.model import Evidence
from interlock.core.evidence.run import EvidenceRun, Producer
from interlock.core.evidence.word import shows, toothless

BITE = "tests_bite"
"""The fact that asks more of tests than that they passed."""
State = Literal[
    "missing", "running", "lost", "dirty", "undecidable", "cancelled", "failed", "void", "expired", "untrusted",
    "self-attested", "shown",
]  # fmt: skip
_STANDING: Mapping[str, State] = {
    "other-digest": "void",
    "expired": "expired",
    "untrusted": "untrusted",
    "self-attested": "self-attested",
}
_OPEN: Mapping[str, State] = {
    "lost": "lost",
    "dirty": "dirty",
    "cancelled": "cancelled",
    "undecidable": "undecidable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A fact that rules read, the producer that makes it, and the predicates that say it."""

    fact: str
    producer: Producer
    predicates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """One light. ``since`` is when that began, ``why`` is for people, ``run`` and ``evidence`` are ids."""

    fact: str
    producer: Producer
    state: State
    why: str = ""
    since: datetime | None = None
    run: str | None = None
    evidence: str | None = None


def lights(
    wanted: Sequence[Wanted],
    *,
    evidence: Sequence[Evidence],
    runs: Sequence[EvidenceRun],
    digest: str,
    now: datetime,
) -> tuple[Light, ...]:
    """One light for each of ``wanted``; ``evidence`` with the standing it has now, both oldest first."""
    told = [run.at(now) for run in runs]
    return tuple(_light(one, evidence, told, digest) for one in wanted)


def _light(wanted: Wanted, evidence: Sequence[Evidence], runs: Sequence[EvidenceRun], digest: str) -> Light:
    mine = [run for run in runs if run.producer == wanted.producer]
    newest = mine[-1] if mine else None
    pieces = [one for one in evidence if one.predicate_type in wanted.predicates]
    counting = [one for one in pieces if one.standing in {"trusted", "self-attested"}]
    if newest is not None and not newest.ended and newest.digest == digest:
        return _of(wanted, newest, "running", newest.about)
    unsettled = [run for run in mine if run.ended in {"lost", "dirty"}]
    if unsettled:
        return _of(wanted, unsettled[-1], _OPEN[unsettled[-1].ended], "; ".join(unsettled[-1].left[:3]))
    if counting:
        return _shown(wanted, _speaking(counting, wanted.fact))
    if newest is not None and newest.ended in _OPEN and newest.digest == digest:
        return _of(wanted, newest, _OPEN[newest.ended], newest.about)
    if pieces:
        return _shown(wanted, pieces[-1])
    return Light(fact=wanted.fact, producer=wanted.producer, state="missing")


def _good(one: Evidence, fact: str) -> bool:
    """Whether it is a yes to what the fact asks: tests that do not bite have passed all the same."""
    return shows(one.summary) if fact == BITE else one.summary.get("verdict") == "passed"


def _speaking(counting: Sequence[Evidence], fact: str) -> Evidence:
    """The piece that decides: one that failed before any that passed, else the newest."""
    newest = {(one.predicate_type, one.runner, str(one.summary.get("tool", ""))): one for one in counting}
    trusted = [one for one in newest.values() if one.standing == "trusted"]
    speaking = trusted or [*newest.values()]
    failed = [one for one in speaking if not _good(one, fact)]
    return (failed or speaking)[-1]


def _shown(wanted: Wanted, piece: Evidence) -> Light:
    state = _STANDING.get(piece.standing, "shown")
    if state in {"shown", "self-attested"} and not _good(piece, wanted.fact):
        state = "failed"
    since = piece.expires_at if state == "expired" else piece.issued_at
    reasons = piece.summary.get("reasons") if state == "failed" else None
    why = piece.why or (str(reasons[0]) if isinstance(reasons, list) and reasons else "")
    if state == "failed" and wanted.fact == BITE:
        why = why or toothless(piece.summary)
    return Light(fact=wanted.fact, producer=wanted.producer, state=state, why=why, since=since, evidence=piece.id)


def _of(wanted: Wanted, run: EvidenceRun, state: State, why: str) -> Light:
    since = run.ended_at or run.began_at
    return Light(
        fact=wanted.fact,
        producer=wanted.producer,
        state=state,
        why=why,
        since=since,
        run=run.id,
        evidence=run.evidence,
    )
