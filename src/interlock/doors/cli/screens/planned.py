"""Rollout plans as ``interlock policy check`` lists them: one line each, and what they name that is not here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_check import Plans
from interlock.doors.cli.text import cut, mark, plural, safe, width


def planned(plans: Plans, unknown: Sequence[InvalidInput]) -> Iterator[str]:
    """Every doubt first, then the plans; nothing where there are none."""
    for error in unknown:
        # Never cut: the line of the file stands at its end.
        yield f"{mark(met=False)} {safe(error.message)}"
        yield f"  {safe(error.hint)}"
    for (service, environment), plan in sorted(plans.items()):
        yield cut(f"plan     {safe(service)} in {safe(environment)}: {_stages(plan)} · {safe(plan.path)}", width())


def planned_json(plans: Plans, unknown: Sequence[InvalidInput]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "plans": [
            {"service": plan.service, "environment": plan.environment, "path": plan.path, "digest": plan.digest}
            for _, plan in sorted(plans.items())
        ],
        "plan_doubts": [{"code": error.code, "message": error.message, "hint": error.hint} for error in unknown],
    }


def _stages(plan: Plan) -> str:
    percents = ", ".join(f"{stage.percent:g}" for stage in plan.stages)
    return f"{plural(len(plan.stages), 'stage')}, {percents} %"
