"""``interlock evidence run tests``: do the tests of this change pass with it, and fail without it?

Rules:
1. How tests are run is the plan of the rules in force; tests and code are those of the checkout's commits.
2. The person's list is one for the whole change: all plans are run before anything is judged, and a test on the
   list that none of them ran is missing in each.
3. What could not be decided for one service is decided for none: the list is shared.
4. Somebody's Ctrl-C ends what runs, and leaves no copy.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import click

from interlock.config import Config
from interlock.core.bite.judge import Judged, behaviours, undeclared
from interlock.core.bite.outcome import Listed, Outcome, outcome, predicate
from interlock.core.bite.plan import TestPlan, longest
from interlock.core.bite.plan_read import read_test_plan
from interlock.core.change.canonical import Json, plain
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.change.parts import GitRange
from interlock.core.facts.front_matter import read_written
from interlock.core.policy.shown import TESTS
from interlock.doors.cli.at_hand import AtHand, exactly
from interlock.doors.cli.client import Client
from interlock.doors.cli.rehearsing import hearing
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import Handed, Runner, check_out, hand_in, runner_of, sign
from interlock.doors.cli.text import safe
from interlock.plugins.bite.bench import GitBench
from interlock.plugins.bite.copies import Copies
from interlock.plugins.readers.gitbox import Glass, locate
from interlock.plugins.world.system import RandomIds
from interlock.road.bite import MOST_MUTANTS, Bitten, bite

Told = dict[str, Any]
INTERRUPTED = 130


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


def bites(
    api: Client, config: Config, name: str, service: str | None, *, key: str | None, out: str | None
) -> list[Told]:
    """What each service's tests show of the change ``name``, handed in.

    Raises:
        InvalidInput: ``test-plan-none``, ``test-out``, ``test-range-none``, or what is wrong with plan or key.
        Unavailable: ``test-runner-missing``.
    """
    check_out(out)
    here = exactly(api, name, config)
    plans = _plans(api, here, service)
    if out is not None and len(plans) > 1:
        named = ", ".join(plan.service for plan in plans)
        raise InvalidInput(
            f"expected one service for `--out {out[:120]}`, got {len(plans)}: {named}",
            code="test-out",
            hint="name one: --service; without --out each is kept below .interlock/evidence",
        )
    rules = api.get("/v1/rules").json
    runner = runner_of(key, config, rules, TESTS, tuple(here.change["services"]))
    if runner is not None and runner.doubt:
        click.echo(f"doubt    {safe(runner.doubt)}: this will be kept and not count", err=True)
    documents = api.get(f"/v1/changes/{name}/judgement").json["description"]["documentation"]
    desk = Desk(
        api=api,
        config=config,
        here=here,
        rules=rules,
        listed=_listed(here, documents),
        range=_range(here),
        runner=runner,
        out=out,
    )
    return _judged(desk, _all(desk, plans))


def _plans(api: Client, here: AtHand, service: str | None) -> list[TestPlan]:
    items = api.get("/v1/plans", producer="tests", service=service).json["items"]
    touched = set(here.change["services"]) if service is None else {service}
    found = [item for item in items if item["service"] in touched]
    if not found:
        whose = service or ", ".join(here.change["services"]) or "a change that touches no service"
        known = ", ".join(item["service"] for item in items)
        raise InvalidInput(
            f"expected a test plan for {whose} in the rules in force, got none",
            code="test-plan-none",
            hint=f"there are: {known}"
            if known
            else "write test-plans/SERVICE.yaml: docs/how-to/tests-that-bite.md",
        )
    return [read_test_plan(item["path"], base64.b64decode(item["content"])) for item in found]


def _listed(here: AtHand, documents: Told) -> Listed:
    """The lists of change.md, and whether a person's was there before the code."""
    required, before = documents["required_tests"], set(documents["tests_before"])
    texts = [
        document.text
        for part in here.submission.parts
        if isinstance(part, GitRange)
        for document in part.documents
        if (document.path, document.digest) == (documents["path"], documents["digest"])
    ]
    declared = read_written(documents["path"], texts[-1]).items("characterisation") if texts else ()
    first = bool(before) and before <= set(required)
    return Listed(required=tuple(required), characterisation=declared, first=first)


def _range(here: AtHand) -> GitRange:
    found = [part for part in here.submission.parts if isinstance(part, GitRange)]
    if len(found) != 1:
        raise InvalidInput(
            f"expected a change with one range of commits, got {len(found)}",
            code="test-range-none",
            hint="open it with --base: tests are run with those commits, and without them",
        )
    return found[0]


def _all(desk: Desk, plans: Sequence[TestPlan]) -> list[Ran]:
    done: list[Ran] = []
    located = locate(desk.config.root)
    assert located is not None  # noqa: S101  # its range was just read there
    open_runs: list[str] = []
    try:
        with closing(Glass(located)) as glass:
            for plan in plans:
                open_runs.append(run := RandomIds().new("tst"))
                seconds = longest(plan, MOST_MUTANTS)
                begun(
                    desk.api,
                    change=desk.here.change["id"],
                    run=run,
                    producer="tests",
                    about=plan.service,
                    seconds=seconds,
                )
                done.append(_one(desk, plan, run, glass))
    except BaseException as error:
        for run in open_runs:
            over(desk.api, run, "cancelled")
        if isinstance(error, KeyboardInterrupt):
            click.echo("stopped  nothing is left: what ran was ended, and its copies are removed", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from error
        raise
    return done


def _one(desk: Desk, plan: TestPlan, run: str, glass: Glass) -> Ran:
    began = time.monotonic()
    copies = Copies(glass, desk.range.base, desk.range.head, plan.is_product)
    with GitBench(copies, plan, desk.config.root) as bench:
        if missing := bench.missing():
            expected, _, hint = missing.partition(": ")
            raise Unavailable(f"expected {expected}", code="test-runner-missing", hint=hint, plugin="tests")
        seen = bite(plan, bench, desk.listed.required, told=hearing())
    return Ran(plan=plan, run=run, seen=seen, seconds=round(time.monotonic() - began, 1))


def _judged(desk: Desk, done: Sequence[Ran]) -> list[Told]:
    fault = next((f"{ran.plan.service}: {ran.seen.fault}" for ran in done if ran.seen.fault), "")
    if fault:
        return [_undecided(desk, ran, ran.seen.fault or fault) for ran in done]
    everywhere = [Judged(ran.seen.looked) for ran in done]
    named = behaviours(desk.listed.required, everywhere)
    rows = [row for one in everywhere for row in one.rows.values()]
    idle = undeclared(rows, desk.listed.characterisation)
    return [
        _decided(desk, ran, outcome(one, named, idle, everywhere=everywhere))
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
