"""Rehearsals that cannot begin: no plan for the change, or several into one file."""

from __future__ import annotations

from typing import Any

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.doors.cli.at_hand import AtHand

Told = dict[str, Any]


def no_plan(here: AtHand, service: str | None, environment: str | None, items: list[Told]) -> InvalidInput:
    """No plan of the rules in force fits; the nearest service is named."""
    known = ", ".join(f"{one['service']} in {one['environment']}" for one in items)
    near = closest(service, sorted({one["service"] for one in items})) if service else ""
    whose = service or ", ".join(here.change["services"]) or "a change that touches no service"
    where = f" in `{environment}`" if environment else ""
    write = "write rehearsals/SERVICE.yaml and bring it into force: docs/how-to/rehearse.md"
    return InvalidInput(
        f"expected a rehearsal plan for {whose}{where} in the rules in force, got none{near}",
        code="rehearsal-none",
        hint=f"there are: {known}" if known else write,
    )


def several_plans(out: str, plans: list[tuple[RehearsalPlan, bytes, str]]) -> InvalidInput:
    """Several rehearsals cannot be kept in one file."""
    named = ", ".join(f"{plan.service} in {plan.environment}" for plan, _, _ in plans)
    return InvalidInput(
        f"expected one rehearsal for `--out {out}`, got {len(plans)}: {named}",
        code="rehearsal-out",
        hint="name one: --service, --environment; without --out each is kept below .interlock/evidence",
    )
