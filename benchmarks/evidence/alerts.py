"""An alert proof of ten failure modes against a hundred rules, all firing, over 60 minutes at 1 m by promtool.

Each of ten services has a counter that loses its events, and ten alerts on it with different thresholds, ``for``
and severities, every one of which fires; the failure of one service touches its own ten alerts. *All* asks every
alert in every mode, as if each of them looked at all series; *affected* asks what the mode can move.
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace

from interlock.core.alerts.declared import declared
from interlock.core.alerts.plan_read import read_alert_plan
from interlock.core.alerts.shaken import SEED
from interlock.plugins.alerts.promtool import Promtool
from interlock.road.prove_alerts import Prepared, Proof, carry_out, loadable, prepare

MODES, ALERTS = 10, 10
TARGET = "below 15 s"


def rows() -> list[dict[str, object]]:
    """All cells, and those that the modes can move."""
    plan, runner = read_alert_plan("alert-plans/shop.yaml", _plan().encode()), Promtool()
    files = loadable({"monitoring/shop.yaml": _rules().encode()}, runner)
    affected = prepare(plan, files, declared(plan.shapes, steps=60, step=plan.step, seed=SEED))
    whole = _all(affected)
    minutes = round((whole.phases.healthy + whole.phases.failing) / 60)
    found = []
    for name, prepared, target in (("all cells", whole, TARGET), ("what a mode can move", affected, "")):
        cells = sum(len(case.alerts) for batch in prepared.batches for case in batch.cases)
        took, worked, proof = _timed(prepared, runner)
        answered = sum(len(row.answers) for row in proof.matrix.rows)
        found.append(
            {
                "figure": f"alert proof, {MODES} failure modes × {MODES * ALERTS} rules, {name}",
                "value": took,
                "unit": "s",
                "target": target,
                "note": f"{cells:,} cells over {minutes} min at 1 m, two processes; {answered} answers; "
                f"{worked:.1f} s of processor time",
            }
        )
    return found


def _all(prepared: Prepared) -> Prepared:
    """Every alert asked in every case."""
    asked = {alert.name: alert for batch in prepared.batches for case in batch.cases for alert in case.alerts}
    every = tuple(asked.values())
    batches = tuple(
        replace(batch, cases=tuple(replace(case, alerts=every) for case in batch.cases))
        for batch in prepared.batches
    )
    return replace(prepared, batches=batches)


def _timed(prepared: Prepared, runner: Promtool) -> tuple[float, float, Proof]:
    """Seconds on the wall, seconds of processor in all, and what came of it."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    proof = carry_out(prepared, runner, told=lambda _: None)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.monotonic() - began, worked, proof


def _plan() -> str:
    lines = ["service: shop", "rules: [monitoring/*.yaml]", "tolerance: 10m", "healthy: 23m", "shapes:"]
    lines += [
        f"  - {{series: 'orders_total{{service=\"s{one}\"}}', per_second: {50 + one}}}" for one in range(MODES)
    ]
    lines += ["modes:"]
    lines += [
        f"  - {{name: orders of s{one} drop, kind: drop, series: 'orders_total{{service=\"s{one}\"}}'}}"
        for one in range(MODES)
    ]
    return "\n".join(lines) + "\n"


def _rules() -> str:
    lines = ["groups:", "- name: shop", "  rules:"]
    for one in range(MODES):
        for number in range(ALERTS):
            lines += [
                f"  - alert: Orders{one}Down{number}",
                f'    expr: sum by (service) (rate(orders_total{{service="s{one}"}}[5m])) < {20 + number}',
                f"    for: {number % 3}m",
                "    labels: {severity: page, team: '{{ $labels.service }}'}",
            ]
    return "\n".join(lines) + "\n"
