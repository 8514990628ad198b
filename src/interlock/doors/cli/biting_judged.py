"""What the tests of a change show, handed in service by service.

Rules:
1. What could not be decided for one service is decided for none: the person's list is one for all of them.
2. ``passed`` on record is the run that meets both: the tests pass, and they bite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.config import Config
from interlock.core.bite.judge import Judged, behaviours
from interlock.core.bite.outcome import Listed, Outcome, outcome, predicate
from interlock.core.bite.plan import TestPlan
from interlock.core.change.canonical import Json, plain
from interlock.core.change.parts import GitRange
from interlock.core.policy.shown import TESTS
from interlock.doors.cli.at_hand import AtHand
from interlock.doors.cli.client import Client
from interlock.doors.cli.run_record import over
from interlock.doors.cli.runner import Handed, Runner, hand_in, sign
from interlock.road.bite import Bitten

Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all runs of one command share."""

    api: Client
    config: Config
    here: AtHand
    rules: Told
    listed: Listed
    range: GitRange
    runner: Runner | None
    out: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One plan that was run: its run on record, what was seen, and the seconds it took."""

    plan: TestPlan
    run: str
    seen: Bitten
    seconds: float


def judged(desk: Desk, done: Sequence[Ran]) -> list[Told]:
    """What all of them show, each handed in."""
    fault = next((f"{ran.plan.service}: {ran.seen.fault}" for ran in done if ran.seen.fault), "")
    if fault:
        return [_undecided(desk, ran, ran.seen.fault or fault) for ran in done]
    everywhere = [Judged(ran.seen.looked) for ran in done]
    named = behaviours(desk.listed.required, everywhere)
    declared = desk.listed.characterisation
    return [
        _decided(desk, ran, outcome(one, named, declared, everywhere=everywhere))
        for ran, one in zip(done, everywhere, strict=True)
    ]


def _undecided(desk: Desk, ran: Ran, fault: str) -> Told:
    over(desk.api, ran.run, "undecidable")
    about = {"change": desk.here.change["id"], "run": ran.run, "service": ran.plan.service}
    said = {"verdict": "undecidable", "bites": False, "good": False, "fault": fault, "evidence": None}
    return {**about, **said, "took_seconds": ran.seconds}


def _decided(desk: Desk, ran: Ran, found: Outcome) -> Told:
    change, seen, plan = desk.here.change, ran.seen, ran.plan
    said: dict[str, Json] = {
        "run": ran.run,
        "tool": f"tests of {plan.service}",
        "service": plan.service,
        "plan": plan.digest,
        "rules": desk.rules["digest"],
        "base": desk.range.base,
        "head": desk.range.head,
        "judged_by": "JUnit" if plan.command else "pytest",
        "repeats": plan.repeats,
        "mutants": seen.looked.mutants,
        "unmutated": [*seen.targets.unread[:20]],
        "coverage": plain(seen.covered),
        **predicate(found, desk.listed),
    }
    handed: Handed | None = None
    if desk.runner is not None:
        days = desk.rules["settings"]["thresholds"]["evidence_days"]
        signed = sign(desk.runner, subject=change["digest"], predicate_type=TESTS, predicate=said, days=days)
        handed = hand_in(desk.api, desk.config, change=change["id"], run=ran.run, signed=signed, out=desk.out)
    good = found.verdict == "passed" and found.bites
    kept = handed.kept["id"] if handed and handed.kept else None
    over(desk.api, ran.run, "passed" if good else "failed", evidence=kept)
    about = {"change": change["id"], **said, "good": good, "fault": "", "took_seconds": ran.seconds}
    return {**about, "evidence": None if handed is None else plain(handed)}
