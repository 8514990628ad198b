"""One rehearsal on this machine, from the plan's bytes to what was seen; and what bringing back what another left.

Rules:
1. Nobody else rehearses in that environment meanwhile, and nothing may be half-way in it before.
2. The first line of the journal is written once everything is known to be usable: a plan that cannot be used
   leaves no trace.
3. What another left half-way is brought back by the plan in its own journal.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from interlock import registry
from interlock.config import Config
from interlock.core.change.canonical import Json
from interlock.core.change.errors import Conflict
from interlock.core.rehearsal.cluster import production_marks
from interlock.core.rehearsal.fingerprint import Difference
from interlock.core.rehearsal.journal import Head, Journal, head_line, over_line, program_line, read_journal
from interlock.core.rehearsal.outcome import Outcome, Seen
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rehearsal.plan_read import read_rehearsal_plan
from interlock.doors.cli.aside import aside, complain
from interlock.doors.cli.text import safe
from interlock.plugins.world.programs import SystemPrograms, born, end_left_over
from interlock.plugins.world.rehearsal_files import RehearsalFiles, RehearsalJournal
from interlock.plugins.world.system import steady
from interlock.ports.rehearsal import RehearsalScene
from interlock.road.rehearsal_stage import staged
from interlock.road.rehearse import Stage, Told, recover, rehearse

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What somebody left half-way, and what of it is still not as it was."""

    journal: Journal
    left: tuple[Difference, ...]


def try_going_back(
    config: Config,
    head: Head,
    plan: RehearsalPlan,
    settings: Mapping[str, Any],
    *,
    told: Told,
) -> tuple[Seen, Outcome, bytes]:
    """Rehearse; ``settings`` are the rules'.

    The third is the journal as it was when it was over.

    Raises:
        Conflict: ``rehearsal-running``, ``rehearsal-dirty``.
        InvalidInput: a driver or a probe cannot use its settings.
        Unavailable: the journal cannot be written.
    """
    files, production = RehearsalFiles(config.home), production_marks(settings["environments"])
    with files.alone(plan.environment):
        for one in bring_back(config, files, plan.environment, told):
            if one.left:
                raise dirty(one)
        journal = files.begin(head.run)
        with _stage(config, head, plan, journal, told, production=production) as stage:
            journal.write(head_line(head))
            seen, found = rehearse(stage, plan.objective or settings["thresholds"]["rollback_seconds"])
        return seen, found, files.content(head.run)


def bring_back(config: Config, files: RehearsalFiles, environment: str, told: Told) -> Iterator[Left]:
    """Everything that is half-way in ``environment``, by age; to be asked for by whoever is ``alone`` in it.

    Raises:
        InvalidInput: ``rehearsal-journal``, or a plan that this version cannot read.
    """
    for found in files.unfinished(environment):
        head = found.head
        how = "was left half-way" if not found.ended else "did not bring everything back"
        told(f"{head.run} by {head.change} {how} at {head.began[:16].replace('T', ' ')} UTC")
        if found.running is not None and end_left_over(*found.running):
            told("a program of it was still running, and was ended")
        plan = read_rehearsal_plan(head.path, head.plan)
        with _stage(config, head, plan, files.go_on(head.run), told, noted=found.noted) as stage:
            yield Left(journal=found, left=recover(stage, found))


def accept(files: RehearsalFiles, environment: str) -> list[Journal]:
    """Take what is there for what should be: everything half-way is over."""
    found = files.unfinished(environment)
    for one in found:
        if one.running is not None:
            end_left_over(*one.running)
        files.go_on(one.head.run).write(over_line("accepted"))
    return found


def ended(config: Config, run: str) -> Journal | None:
    """How far a run got, by its journal; None where nothing was begun."""
    content = RehearsalFiles(config.home).content(run)
    return read_journal(content, run) if content else None


def dirty(one: Left) -> Conflict:
    """The error about a place that is not as it was."""
    head, count = one.journal.head, len(one.left)
    named = "; ".join(each.told for each in one.left[:SHOWN])
    more = f" and {count - SHOWN} more" if count > SHOWN else ""
    return Conflict(
        f"expected `{head.environment}` as it was before {head.run} by {head.change}, got: {named}{more}",
        code="rehearsal-dirty",
        hint=f"put it right by hand, then: interlock evidence recover {head.environment} (or, where it is as it "
        "should be, with --accept)",
    )


def hearing() -> Told:
    """Says what begins or ended, with the seconds since now, on the stream for it."""
    began = time.monotonic()
    return lambda text: complain(f"{time.monotonic() - began:7.1f} s  ", safe(text), indent=11)


def stopped(head: Head, journal: Journal | None) -> None:
    """Say how a run that somebody interrupted left the place."""
    place, run = safe(head.environment), head.run
    if journal is None or not journal.touched:
        aside("stopped", f"nothing was touched in {place}")
    elif journal.thrown_away:
        own = "it took place in a place of its own, which is gone"
        aside("stopped", f"nothing was touched in {place}: {own}")
    elif not journal.ended:
        again = f"interlock evidence recover {place}"
        aside("stopped", f"{run} is half-way and nobody knows what is left in {place}: {again}")
    elif journal.left:
        left = safe("; ".join(journal.left))
        aside("stopped", f"rolled back, and {place} is not as it was: {left}")
    else:
        aside("stopped", f"rolled back: every probe sees in {place} what it saw before")


@contextmanager
def _stage(
    config: Config,
    head: Head,
    plan: RehearsalPlan,
    journal: RehearsalJournal,
    told: Told,
    *,
    production: tuple[str, ...] = (),
    noted: Mapping[str, Json] | None = None,
) -> Iterator[Stage]:
    root = str(config.root)
    scene = RehearsalScene(
        root=root,
        run=head.run,
        change=head.change,
        digest=head.digest,
        service=head.service,
        environment=head.environment,
        programs=SystemPrograms(root, started=lambda pid: journal.write(program_line(pid, born(pid)))),
        base=head.base,
        production=production,
        noted=noted or {},
        passed_on=plan.passed_on,
    )
    drivers, probes = registry.rehearsals(), registry.probes()
    with staged(
        plan, scene, drivers=drivers, probes=probes, write=journal.write, steady=steady, told=told
    ) as stage:
        yield stage
