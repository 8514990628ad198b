"""Rollout plans as ``interlock policy check`` lists them: one line each, and what they name that is not here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_check import Plans
from interlock.doors.cli.screens.columns import told
from interlock.doors.cli.text import mark, plural, safe


def doubted(doubts: Sequence[InvalidInput]) -> Iterator[str]:
    """What is wrong with plans, each with its file and what to do."""
    for error in doubts:
        # Never cut: the line of the file stands at its end.
        yield f"{mark(met=False)} {safe(error.message)}"
        yield f"  {safe(error.hint)}"


def planned(plans: Plans) -> Iterator[str]:
    """The plans that can be used; nothing where there are none."""
    for (service, environment), plan in sorted(plans.items()):
        yield from told("plan", f"{safe(service)} in {safe(environment)}: {_stages(plan)} · {safe(plan.path)}")


def planned_json(plans: Plans, doubts: Sequence[InvalidInput]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "plans": [
            {"service": plan.service, "environment": plan.environment, "path": plan.path, "digest": plan.digest}
            for _, plan in sorted(plans.items())
        ],
        "plan_doubts": [{"code": error.code, "message": error.message, "hint": error.hint} for error in doubts],
    }


def _stages(plan: Plan) -> str:
    percents = ", ".join(f"{stage.percent:g}" for stage in plan.stages)
    return f"{plural(len(plan.stages), 'stage')}, {percents} %"
