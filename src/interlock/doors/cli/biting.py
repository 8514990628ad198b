"""``interlock evidence run tests``: do the tests of this change pass with it, and fail without it?

Rules:
1. How tests are run is the plan of the rules in force; tests and code are those of the checkout's commits.
2. The person's list is one for the whole change: all plans are run before anything is judged, and a test on the
   list that none of them ran is missing in each.
3. Somebody's Ctrl-C ends what runs, and leaves no copy.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import click

from interlock.config import Config
from interlock.core.bite.outcome import Listed
from interlock.core.bite.plan import TestPlan, longest
from interlock.core.bite.plan_read import read_test_plan
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.change.parse import closest
from interlock.core.change.parts import GitRange
from interlock.core.facts.front_matter import read_written
from interlock.core.policy.shown import TESTS
from interlock.doors.cli.aside import aside
from interlock.doors.cli.at_hand import AtHand, exactly
from interlock.doors.cli.biting_judged import Desk, Ran, judged
from interlock.doors.cli.client import Client
from interlock.doors.cli.rehearsing import hearing
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import check_out, runner_of
from interlock.doors.cli.text import safe
from interlock.plugins.bite.bench import GitBench
from interlock.plugins.bite.copies import Copies
from interlock.plugins.readers.gitbox import Glass, locate
from interlock.plugins.world.system import RandomIds
from interlock.road.bite import MOST_RUNS, bite

Told = dict[str, Any]
INTERRUPTED = 130


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
        aside("doubt", f"{safe(runner.doubt)}: this will be kept and not count")
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
    return judged(desk, _all(desk, plans))


def _plans(api: Client, here: AtHand, service: str | None) -> list[TestPlan]:
    items = api.get("/v1/plans", producer="tests").json["items"]
    touched = set(here.change["services"]) if service is None else {service}
    found = [item for item in items if item["service"] in touched]
    if not found:
        whose = service or ", ".join(here.change["services"]) or "a change that touches no service"
        known = ", ".join(item["service"] for item in items)
        near = closest(service, sorted({item["service"] for item in items})) if service else ""
        raise InvalidInput(
            f"expected a test plan for {whose} in the rules in force, got none{near}",
            code="test-plan-none",
            hint=f"there are: {known}"
            if known
            else "write test-plans/SERVICE.yaml: docs/how-to/tests-that-bite.md",
        )
    without = sorted(touched - {item["service"] for item in items})
    if without:
        aside("doubt", f"no plan for {safe(', '.join(without))}: no tests are run there")
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
                seconds = longest(plan, MOST_RUNS)
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
            aside("stopped", "nothing is left: what ran was ended, and its copies are removed")
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
        seen = bite(plan, bench, desk.listed.required, pick=secrets.randbelow, told=hearing())
    return Ran(plan=plan, run=run, seen=seen, seconds=round(time.monotonic() - began, 1))
