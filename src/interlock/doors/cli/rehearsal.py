"""From a change to its rehearsals: the plans of the rules in force, one after the other, each handed in.

Rules:
1. A service of the change without a plan is named: nobody may take it for rehearsed.
2. What came of one is told and handed in before the next begins.
3. Somebody's Ctrl-C ends in one of three ways, and says in which: nothing is left, this is left, or nobody knows.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import click

from interlock.config import Config
from interlock.core.change.canonical import Json, plain
from interlock.core.change.errors import Conflict
from interlock.core.policy.shown import REHEARSAL
from interlock.core.rehearsal.journal import Head
from interlock.core.rehearsal.members import of_set
from interlock.core.rehearsal.outcome import Outcome, Seen, predicate
from interlock.core.rehearsal.plan import RehearsalPlan, longest
from interlock.core.rehearsal.plan_read import read_rehearsal_plan
from interlock.core.rehearsal.sealed import seal
from interlock.doors.cli.aside import aside
from interlock.doors.cli.at_hand import AtHand, exactly, still
from interlock.doors.cli.client import Client
from interlock.doors.cli.recover_record import begin
from interlock.doors.cli.rehearsal_refused import no_plan, several_plans
from interlock.doors.cli.rehearsing import ended, hearing, stopped, try_going_back
from interlock.doors.cli.run_record import over
from interlock.doors.cli.runner import Handed, Runner, check_out, hand_in, runner_of, sign
from interlock.doors.cli.text import safe
from interlock.plugins.world.system import RandomIds, SystemClock

Told = dict[str, Any]
INTERRUPTED = 130


def rehearsals(
    api: Client,
    config: Config,
    name: str,
    service: str | None,
    environment: str | None,
    *,
    key: str | None,
    out: str | None,
) -> Iterator[Told]:
    """Each rehearsal of the change ``name``, when it is over and handed in.

    Raises:
        InvalidInput: ``rehearsal-none`` without a plan, ``rehearsal-out`` for several into one file, or what is
            wrong with a plan or the key.
        Conflict: the checkout is not the change, or the place is not free.
    """
    check_out(out)
    here = exactly(api, name, config)
    rules = api.get("/v1/rules").json
    plans = _plans(api, here, service, environment)
    if out is not None and len(plans) > 1:
        raise several_plans(out, plans)
    runner = runner_of(key, config, rules, REHEARSAL, tuple(here.change["services"]))
    if runner is not None and runner.doubt:
        aside("doubt", f"{safe(runner.doubt)}: this will be kept and not count")
    for plan, content, digest in plans:
        yield _one(api, config, here, {**rules, "digest": digest}, plan, content, runner, out)


def _plans(
    api: Client, here: AtHand, service: str | None, environment: str | None
) -> list[tuple[RehearsalPlan, bytes, str]]:
    """Each plan with its file and the digest of the rules that it is part of."""
    items = api.get("/v1/plans", producer="rehearsal").json["items"]
    touched = set(here.change["services"]) if service is None else {service}
    found = [
        (item["path"], base64.b64decode(item["content"]), item["rules"])
        for item in items
        if item["service"] in touched and environment in {None, item["environment"]}
    ]
    if not found:
        raise no_plan(here, service, environment, items)
    without = sorted(touched - {item["service"] for item in items})
    if without:
        aside("doubt", f"no plan for {safe(', '.join(without))}: going back is not rehearsed there")
    return [(read_rehearsal_plan(path, content), content, digest) for path, content, digest in found]


def _one(
    api: Client,
    config: Config,
    here: AtHand,
    rules: Told,
    plan: RehearsalPlan,
    content: bytes,
    runner: Runner | None,
    out: str | None,
) -> Told:
    base = here.bases[0] if here.bases else ""
    head = Head(
        run=RandomIds().new("reh"),
        change=here.change["id"],
        digest=here.change["digest"],
        service=plan.service,
        environment=plan.environment,
        path=plan.path,
        plan=content,
        began=SystemClock().now().isoformat(timespec="milliseconds"),
        base=base,
    )
    begin(config, api, head, f"{plan.service} in {plan.environment}", seconds=longest(plan))
    try:
        seen, found, written = try_going_back(config, head, plan, rules["settings"], told=hearing())
    except BaseException as error:
        journal = ended(config, head.run)
        if interrupted := isinstance(error, KeyboardInterrupt):
            stopped(head, journal)
        if journal is None or journal.ended:
            left = journal.left if journal else ()
            over(api, head.run, "dirty" if left else "cancelled", left)
        if interrupted:
            raise click.exceptions.Exit(INTERRUPTED) from error
        raise
    said = {**_said(head, plan, rules, seen, found), **seal(written)}
    dirt = [one.told for one in found.left] if found.dirty else []
    try:
        handed = _handed(api, config, here, head, rules, said, runner, out)
    except BaseException as error:
        over(
            api, head.run, "dirty" if dirt else "undecidable" if isinstance(error, Conflict) else "cancelled", dirt
        )
        raise
    kept = handed.kept if handed else None
    over(api, head.run, "dirty" if dirt else found.verdict, dirt, kept["id"] if kept else None)
    return _told(head, found, said, handed)


def _said(head: Head, plan: RehearsalPlan, rules: Told, seen: Seen, found: Outcome) -> dict[str, Json]:
    """The predicate; ``tool`` keeps the rehearsals of several services apart."""
    return {
        "run": head.run,
        "tool": f"rehearsal of {head.service} in {head.environment}",
        "service": head.service,
        "environment": head.environment,
        "driver": plan.driver.kind,
        "plan": plan.digest,
        "rules": rules["digest"],
        **of_set(plan.members, plan.back),
        **predicate(seen, found),
    }


def _handed(
    api: Client,
    config: Config,
    here: AtHand,
    head: Head,
    rules: Told,
    said: dict[str, Json],
    runner: Runner | None,
    out: str | None,
) -> Handed | None:
    if runner is None or said["verdict"] == "undecidable":
        return None
    still(api, here, config)
    days = rules["settings"]["thresholds"]["rehearsal_days"]
    signed = sign(runner, subject=head.digest, predicate_type=REHEARSAL, predicate=said, days=days)
    return hand_in(api, config, change=head.change, run=head.run, signed=signed, out=out)


def _told(head: Head, found: Outcome, said: dict[str, Json], handed: Handed | None) -> Told:
    return {
        "change": head.change,
        "digest": head.digest,
        **said,
        "good": found.good,
        "late_seconds": round(found.late, 3),
        "evidence": None if handed is None else plain(handed),
    }
