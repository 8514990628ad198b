"""Station 4, gather: a ready rule for each failure that nobody would notice, once it was itself proven."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from interlock.core.alerts.plan import AlertPlan
from interlock.core.alerts.ready import Ready, ready
from interlock.core.alerts.shape import Shape
from interlock.ports.alerts import RunsRules
from interlock.road.prove_alerts import Proof, prove
from interlock.road.route_alerts import Routes


def proven_rules(
    plan: AlertPlan,
    proof: Proof,
    shapes: Sequence[Shape],
    runner: RunsRules,
    *,
    told: Callable[[str], None],
    routes: Routes | None = None,
) -> list[tuple[Ready, float]]:
    """Each that fires in time in its mode and is silent while all is well, with its seconds.

    Where it is known who hears of what, one that would reach nobody is none.
    """
    gaps, taken = {row.mode for row in proof.matrix.gaps}, [alert.rule.name for alert in proof.alerts]
    drafts = [
        draft
        for failing in proof.failures
        if failing.mode.name in gaps
        and (draft := ready(failing, service=plan.service, tolerance=plan.tolerance, taken=taken)) is not None
    ]
    if not drafts:
        return []
    files = {f"{draft.alert}.yaml": draft.content for draft in drafts}
    again = replace(prove(plan, files, shapes, runner, told=told), standing=proof.standing)
    again = routes.applied(again) if routes else again
    seconds = {(row.mode, cell.alert): cell.seconds for row in again.matrix.rows for cell in row.answers}
    return [(draft, at) for draft in drafts if (at := seconds.get((draft.mode, draft.alert))) is not None]
