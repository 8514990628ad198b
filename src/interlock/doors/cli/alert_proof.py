"""``interlock evidence run alerts``: if this change goes wrong, who is told, and after how long.

Rules:
1. The alert rules are those of the checkout; what must be noticed is the plan of the rules in force.
2. For each gap a ready rule is shown, once it was itself proven.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import click

from interlock.config import Config
from interlock.core.alerts.outcome import answered, predicate
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.shaken import shaken
from interlock.core.alerts.woken import settled
from interlock.core.change.canonical import Json, plain
from interlock.core.change.errors import Conflict, InvalidInput, Unavailable
from interlock.core.change.parse import closest
from interlock.core.evidence.run import Ended
from interlock.core.policy.shown import ALERTS
from interlock.doors.cli.alert_sources import (
    able_to_fire,
    changed_routes,
    exposition,
    healthy,
    routes,
    rule_files,
    steps_of,
)
from interlock.doors.cli.alert_told import known_alerts, offered
from interlock.doors.cli.aside import aside
from interlock.doors.cli.at_hand import AtHand, exactly, still
from interlock.doors.cli.client import Client
from interlock.doors.cli.rehearsing import hearing
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import Handed, Runner, check_out, hand_in, runner_of, sign
from interlock.doors.cli.text import safe
from interlock.plugins.alerts.promtool import Promtool
from interlock.plugins.world.system import RandomIds
from interlock.ports.alerts import RunsRules
from interlock.road.alert_edges import steadied
from interlock.road.alert_remedies import proven_rules, told_anew
from interlock.road.prove_alerts import carry_out, loadable, prepare
from interlock.road.wake_alerts import awoken, seconds_of

Told = dict[str, Any]
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every proof of one command shares."""

    api: Client
    config: Config
    here: AtHand
    rules: Told
    runner: Runner | None
    promtool: RunsRules
    out: str | None


def proofs(
    api: Client, config: Config, name: str, service: str | None, *, key: str | None, out: str | None
) -> Iterator[Told]:
    """Each service's proof, when it is over and handed in.

    Raises:
        InvalidInput: ``alert-plan-none``, or what is wrong with plan, rules or key.
        Conflict: the checkout is not the change, or moved before it was signed.
        Unavailable: ``promtool-missing``, ``amtool-missing``.
    """
    check_out(out)
    here = exactly(api, name, config)
    rules, promtool = api.get("/v1/rules").json, Promtool()
    if missing := promtool.missing():
        raise Unavailable(
            f"expected {missing.partition(',')[0]}, got none",
            code="promtool-missing",
            hint=missing.partition(": ")[2],
            plugin="promtool",
        )
    plans = _plans(api, here, service)
    runner = runner_of(key, config, rules, ALERTS, tuple(here.change["services"]))
    if runner is not None and runner.doubt:
        aside("doubt", f"{safe(runner.doubt)}: this will be kept and not count")
    desk = Desk(api=api, config=config, here=here, rules=rules, runner=runner, promtool=promtool, out=out)
    modes = api.get(f"/v1/changes/{name}/judgement").json["description"]["documentation"]["failure_modes"]
    for plan, digest in plans:
        yield _one(desk, plan, digest, modes)


def _plans(api: Client, here: AtHand, service: str | None) -> list[tuple[AlertPlan, str]]:
    """Each plan with the digest of the rules that it is part of."""
    items = api.get("/v1/plans", producer="alerts").json["items"]
    touched = set(here.change["services"]) if service is None else {service}
    found = [item for item in items if item["service"] in touched]
    if not found:
        known = [item["service"] for item in items]
        near = closest(service, known) if service else ""
        whose = service or ", ".join(here.change["services"]) or "a change that touches no service"
        raise InvalidInput(
            f"expected an alert plan for {whose} in the rules in force, got none{near}",
            code="alert-plan-none",
            hint=f"there are: {', '.join(known)}"
            if known
            else "write alert-plans/SERVICE.yaml: docs/how-to/prove-alerts.md",
        )
    return [(read_alert_plan(item["path"], base64.b64decode(item["content"])), item["rules"]) for item in found]


def _one(desk: Desk, plan: AlertPlan, rules: str, failure_modes: Sequence[str]) -> Told:
    began, change, run = time.monotonic(), desk.here.change, RandomIds().new("alr")
    root, hear = desk.config.root, hearing()
    files = loadable(rule_files(root, plan), desk.promtool)
    now = datetime.now(UTC)
    to, shapes, there = routes(root, plan, year=now.year), healthy(plan, files), exposition(root, plan)
    prepared = prepare(plan, files, shapes, there)
    others = shaken(plan, shapes, steps=steps_of(plan, prepared.alerts))
    worlds = [prepared, *(prepare(plan, files, each, there) for each in others)]
    seconds = prepared.seconds * (2 + len(others)) + seconds_of(prepared)
    begun(desk.api, change=change["id"], run=run, producer="alerts", about=plan.service, seconds=seconds)
    try:
        proof = carry_out(prepared, desk.promtool, told=hear)
        proof = awoken(proof, worlds, desk.promtool, now, told=hear)
        moved = changed_routes(root, to, proof, desk.here.bases, year=now.year)
        proof = to.applied(proof) if to else proof
        proof = steadied(proof, prepared, others, desk.promtool, told=hear, exposed=there)
        proof = replace(proof, matrix=settled(proof.matrix))
        proof = told_anew(proof, prepared, desk.promtool, told=hear, routes=to)
        remedies = proven_rules(proof, prepared, desk.promtool, told=hear, routes=to)
        able = able_to_fire(proof, files, desk.promtool, told=hear)
    except BaseException as error:
        over(desk.api, run, "cancelled")
        if isinstance(error, KeyboardInterrupt):
            aside("stopped", f"{run} was cancelled: nothing is handed in")
            raise click.exceptions.Exit(INTERRUPTED) from error
        raise
    found = answered(plan, proof.matrix, failure_modes)
    said: dict[str, Json] = {
        "run": run,
        "tool": f"alerts of {plan.service}",
        "service": plan.service,
        "plan": plan.digest,
        "rules": rules,
        **predicate(plan, proof.matrix, found),
        "routes": None if to is None else {"file": to.routing.path, "doubts": [*moved, *to.routing.doubts]},
        "unsatisfiable": [one["alert"] for one in able if one["unsatisfiable"]],
    }
    handed = _handed(desk, run, said)
    ended: Ended = "passed" if said["verdict"] == "passed" else "failed"
    over(desk.api, run, ended, evidence=handed.kept["id"] if handed and handed.kept else None)
    return {
        "change": change["id"],
        **said,
        "good": all(one.proven for one in found),
        "failure_modes": [
            {"failure_mode": one.failure_mode, "modes": [row.mode for row in one.rows], "proven": one.proven}
            for one in found
        ],
        "witnesses": able,
        "alerts": known_alerts(proof, able),
        "ready": [offered(one) for one in remedies if not one.why],
        "unheard_rules": [
            {"mode": one.rule.mode, "alert": one.rule.alert, "why": one.why} for one in remedies if one.why
        ],
        "took_seconds": round(time.monotonic() - began, 1),
        "evidence": None if handed is None else plain(handed),
    }


def _handed(desk: Desk, run: str, said: dict[str, Json]) -> Handed | None:
    if desk.runner is None:
        return None
    change = desk.here.change
    try:
        still(desk.api, desk.here, desk.config)
    except Conflict:
        over(desk.api, run, "undecidable")
        raise
    days = desk.rules["settings"]["thresholds"]["evidence_days"]
    signed = sign(desk.runner, subject=change["digest"], predicate_type=ALERTS, predicate=said, days=days)
    return hand_in(desk.api, desk.config, change=change["id"], run=run, signed=signed, out=desk.out)
