"""What a person can do where nothing is recorded: the commands of the plan in the working tree, if any."""

from __future__ import annotations

import shlex
from pathlib import Path

from interlock.core.change.errors import InterlockError
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_read import read_plan

MOST_BYTES = 1 << 20


def commands(root: Path, service: str, environment: str) -> list[str]:
    """Words and commands, in their order; empty where no plan for it is found."""
    for place in sorted((root / "rollouts").glob("*.y*ml")):
        plan = _plan(place, root)
        if plan is not None and (plan.service, plan.environment) == (service, environment):
            first = f"by hand, by {plan.path}: set weight 0 at the {plan.router.kind}"
            return [first, *(shlex.join(step.run) for step in plan.rollback)]
    return []


def _plan(place: Path, root: Path) -> Plan | None:
    try:
        if place.stat().st_size > MOST_BYTES:
            return None
        return read_plan(place.relative_to(root).as_posix(), place.read_bytes())
    except (OSError, InterlockError):
        return None
