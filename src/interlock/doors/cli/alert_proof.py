"""``interlock evidence run alerts``: if this change goes wrong, who is told, and after how long.

Rules:
1. The alert rules are those of the checkout; what must be noticed is the plan of the rules in force.
2. For each gap a ready rule is shown, once it was itself proven.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from interlock.config import Config
from interlock.core.alerts.declared import declared
from interlock.core.alerts.outcome import answered, predicate
from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.ready import Ready, ready
from interlock.core.alerts.scope import looked
from interlock.core.alerts.shape import Shape
from interlock.core.change.canonical import Json, plain
from interlock.core.change.errors import InvalidInput, Unavailable
from interlock.core.evidence.run import Ended
from interlock.core.policy.shown import ALERTS
from interlock.doors.cli.at_hand import AtHand, exactly
from interlock.doors.cli.client import Client
from interlock.doors.cli.files import MIB, read_bytes
from interlock.doors.cli.rehearsing import hearing
from interlock.doors.cli.run_record import begun, over
from interlock.doors.cli.runner import Runner, check_out, hand_in, runner_of, sign
from interlock.doors.cli.text import safe
from interlock.plugins.alerts.prometheus import PrometheusCapture
from interlock.plugins.alerts.promtool import Promtool
from interlock.plugins.world.system import RandomIds
from interlock.ports.alerts import RunsRules
from interlock.road.prove_alerts import Proof, groups_of, phases_of, prove

Told = dict[str, Any]
SEED = 1
LONGEST = 900.0


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
        InvalidInput: ``alert-plan-none``, ``alert-rules-none``, or what is wrong with plan, rules or key.
        Unavailable: ``promtool-missing``.
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
        click.echo(f"doubt    {safe(runner.doubt)}: this will be kept and not count", err=True)
    desk = Desk(api=api, config=config, here=here, rules=rules, runner=runner, promtool=promtool, out=out)
    modes = api.get(f"/v1/changes/{name}/judgement").json["description"]["documentation"]["failure_modes"]
    for plan in plans:
        yield _one(desk, plan, modes)


def _plans(api: Client, here: AtHand, service: str | None) -> list[AlertPlan]:
    items = api.get("/v1/plans", producer="alerts", service=service).json["items"]
    touched = set(here.change["services"]) if service is None else {service}
    found = [item for item in items if item["service"] in touched]
    if not found:
        whose = service or ", ".join(here.change["services"]) or "a change that touches no service"
        known = ", ".join(item["service"] for item in items)
        raise InvalidInput(
            f"expected an alert plan for {whose} in the rules in force, got none",
            code="alert-plan-none",
            hint=f"there are: {known}" if known else "write alert-plans/SERVICE.yaml: docs/how-to/prove-alerts.md",
        )
    return [read_alert_plan(item["path"], base64.b64decode(item["content"])) for item in found]


def _one(desk: Desk, plan: AlertPlan, failure_modes: Sequence[str]) -> Told:
    began, change, run = time.monotonic(), desk.here.change, RandomIds().new("alr")
    files = _rule_files(desk.config.root, plan)
    shapes = _shapes(plan, files)
    begun(desk.api, change=change["id"], run=run, producer="alerts", about=plan.service, seconds=LONGEST)
    try:
        proof = prove(plan, files, shapes, desk.promtool, told=hearing())
        remedies = _remedies(plan, proof, shapes, desk.promtool)
    except BaseException:
        over(desk.api, run, "cancelled")
        raise
    found = answered(plan, proof.matrix, failure_modes)
    said: dict[str, Json] = {
        "run": run,
        "tool": f"alerts of {plan.service}",
        "service": plan.service,
        "plan": plan.digest,
        "rules": desk.rules["digest"],
        **predicate(plan, proof.matrix, found),
    }
    handed = None
    if desk.runner is not None:
        days = desk.rules["settings"]["thresholds"]["evidence_days"]
        signed = sign(desk.runner, subject=change["digest"], predicate_type=ALERTS, predicate=said, days=days)
        handed = hand_in(desk.api, desk.config, change=change["id"], run=run, signed=signed, out=desk.out)
    ended: Ended = "passed" if said["verdict"] == "passed" else "failed"
    over(desk.api, run, ended, evidence=handed.kept["id"] if handed and handed.kept else None)
    bound = [
        {"failure_mode": one.failure_mode, "modes": [row.mode for row in one.rows], "proven": one.proven}
        for one in found
    ]
    alerts = [plain(one) for one in proof.matrix.alerts.values()]
    return {
        "change": change["id"],
        **said,
        "good": all(one.proven for one in found),
        "failure_modes": bound,
        "alerts": alerts,
        "ready": [
            {"mode": one.mode, "alert": one.alert, "rule": one.content.decode(), "seconds": at}
            for one, at in remedies
        ],
        "took_seconds": round(time.monotonic() - began, 1),
        "evidence": None if handed is None else plain(handed),
    }


def _rule_files(root: Path, plan: AlertPlan) -> dict[str, bytes]:
    paths = sorted({path for glob in plan.rules for path in root.glob(glob) if path.is_file()})
    if not paths:
        raise InvalidInput(
            f"expected rule files at {', '.join(plan.rules)} of `{plan.path}`, got none",
            code="alert-rules-none",
            hint="correct `rules:` in the plan, or write the alert rules",
        )
    for path in paths:
        # The checkout is the change's author's: a link could show any file of this machine in an error.
        if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
            raise InvalidInput(
                f"expected a rule file inside the checkout, got `{path.name[:80]}`, which leads elsewhere",
                code="alert-rules-outside",
                hint="copy the file into the repository",
            )
    return {path.relative_to(root).as_posix(): read_bytes(path, limit=MIB) for path in paths}


def _shapes(plan: AlertPlan, files: Mapping[str, bytes]) -> Sequence[Shape]:
    alerts = looked(groups_of(files), interval=plan.interval)
    seconds = phases_of(plan, alerts).healthy
    if plan.shapes or not plan.prometheus:
        return declared(plan.shapes, steps=round(seconds / plan.step), step=plan.step, seed=SEED)
    wanted = [each for alert in alerts for each in alert.selectors]
    wanted += [each for mode in plan.modes for each in mode.selectors]
    return PrometheusCapture(plan.prometheus).capture(wanted, seconds=plan.healthy, step=plan.step)


def _remedies(
    plan: AlertPlan, proof: Proof, shapes: Sequence[Shape], promtool: RunsRules
) -> list[tuple[Ready, float]]:
    """A rule for each gap that fires in time and is silent while all is well, with its time."""
    gaps, taken = {row.mode for row in proof.matrix.gaps}, [*proof.matrix.alerts]
    drafts = [
        draft
        for failing in proof.failures
        if failing.mode.name in gaps
        and (draft := ready(failing, service=plan.service, tolerance=plan.tolerance, taken=taken)) is not None
    ]
    if not drafts:
        return []
    again = prove(
        plan, {f"{draft.alert}.yaml": draft.content for draft in drafts}, shapes, promtool, told=hearing()
    )
    seconds = {(row.mode, cell.alert): cell.seconds for row in again.matrix.rows for cell in row.answers}
    return [(draft, at) for draft in drafts if (at := seconds.get((draft.mode, draft.alert))) is not None]
