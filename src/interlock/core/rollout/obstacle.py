"""What stands in the way of a rollout, before any traffic moves: said all at once, each with what to do.

Rules:
1. Looking at a router or a meter is an outside act and may fail in many ways; what comes of it here is a list of
   obstacles, and a rollout starts only where the list is empty.
2. An obstacle about the plan names its file and line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from interlock.core.change.errors import InterlockError
from interlock.core.policy.modes import Freeze
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.ticket.model import Ticket

_NONE = 1e-9
"""Percent: what a router rounds to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """``code`` is stable; ``path`` and ``line`` say where in the rules, empty and 0 where it is not about them."""

    code: str
    text: str
    hint: str
    path: str = ""
    line: int = 0


def from_error(error: InterlockError, *, path: str = "", line: int = 0) -> Obstacle:
    """An error met while looking, as an obstacle."""
    return Obstacle(code=error.code, text=error.message, hint=error.hint, path=path, line=line)


def no_plan(services: Collection[str], environment: str, known: Iterable[tuple[str, str]]) -> Obstacle:
    """Nobody wrote down how these services go out there; ``known`` are services and environments with a plan."""
    wanted = ", ".join(f"`{name}`" for name in sorted(services)) or "a service"
    plans = sorted(known)
    elsewhere = [place for name, place in plans if name in services]
    return Obstacle(
        code="plan-missing",
        text=f"expected a rollout plan for {wanted} in `{environment}`, got plans for "
        f"{', '.join(f'{name} in {place}' for name, place in plans) or 'none'}",
        hint=f"did you mean --environment {elsewhere[0]}?"
        if elsewhere
        else "write rollouts/<service>.yaml and bring it into force: docs/how-to/rollout.md",
    )


def of_ticket(ticket: Ticket, plan: Plan, *, change: str, digest: str) -> Iterator[Obstacle]:
    """A ticket for something else, or for less than the first stage."""
    if (ticket.change, ticket.digest) != (change, digest):
        yield Obstacle(
            code="ticket-other-change",
            text=f"expected a ticket for `{change}` as it is now, got one for `{ticket.change}` "
            f"{ticket.digest[:19]}…",
            hint=f"ask for one: interlock gate {change} --environment {plan.environment}",
        )
    if ticket.environment != plan.environment:
        yield Obstacle(
            code="ticket-other-environment",
            text=f"expected a ticket for `{plan.environment}`, got one for `{ticket.environment}`",
            hint=f"ask for one: interlock gate {change} --environment {plan.environment}",
        )
    first = plan.stages[0].percent
    if first > ticket.max_weight:
        yield Obstacle(
            code="stage-too-wide",
            text=f"expected a first stage within the ticket's {ticket.max_weight:g} %, got {first:g} %",
            hint=f"lower the first stage in {plan.path} to {ticket.max_weight:g} or less",
            path=plan.path,
        )


def which_service(services: Iterable[str]) -> Obstacle:
    """Several services have a plan, and each has a rollout of its own."""
    named = sorted(services)
    return Obstacle(
        code="service-unnamed",
        text=f"expected one service, got a ticket for {', '.join(named)}, which all have plans",
        hint=f"name one: --service {named[0]}",
    )


def of_shortfalls(plan: Plan, lacking: Iterable[str]) -> Iterator[Obstacle]:
    """A plan that is less than the canary which an enforced rule asks for."""
    for text in lacking:
        yield Obstacle(
            code="plan-short",
            text=f"expected the canary that policy demands: {text}",
            hint=f"correct {plan.path} and bring it into force",
            path=plan.path,
        )


def of_service(service: str, environment: str, others: Iterable[RolloutRecord]) -> Iterator[Obstacle]:
    """Another rollout of the service is under way there."""
    for other in others:
        if not other.ended and (other.service, other.environment) == (service, environment):
            yield Obstacle(
                code="rollout-under-way",
                text=f"expected no other rollout of `{service}` in `{environment}`, got `{other.id}` "
                f"({other.state}, {other.weight:g} %) of change `{other.change}`",
                hint=f"wait for it, or end it: interlock rollout abort {other.id}",
            )


def of_unfinished(before: RolloutRecord | None) -> Iterator[Obstacle]:
    """The way back of the rollout before failed: what runs there is what nobody wanted."""
    if before is None or before.state is not RolloutState.FAILED:
        return
    where = "" if before.environment == "production" else f" --environment {before.environment}"
    yield Obstacle(
        code="rollback-unfinished",
        text=f"expected the rollout before to be over, got `{before.id}` of change `{before.change}`, whose way "
        f"back failed: {before.why}",
        hint=f"mend what failed, then: interlock rollback {before.service}{where}",
    )


def of_conflicts(change: str, conflicts: Iterable[str]) -> Iterator[Obstacle]:
    """Another change of one of the services has a ticket and has not landed."""
    for other in conflicts:
        yield Obstacle(
            code="change-conflicting",
            text=f"expected no other change under way beside `{change}`, got `{other}`",
            hint=f"let it land, or take it off the road: interlock change show {other}",
        )


def of_freezes(freezes: Iterable[Freeze]) -> Iterator[Obstacle]:
    """A window in which nothing moves."""
    for freeze in freezes:
        yield Obstacle(
            code="freeze-active",
            text=f"expected no freeze, got `{freeze.name}` until {freeze.end:%Y-%m-%d %H:%M} UTC",
            hint="wait for its end; what must go before needs an exception from the people who declared it",
        )


def of_weight(weight: float, plan: Plan, before: RolloutRecord | None) -> Iterator[Obstacle]:
    """The canary gets traffic already: the rollout before left it so, or nobody says why.

    One that is under way has it by right, and is told as what stands in the way.
    """
    if weight <= _NONE or (before is not None and not before.ended):
        return
    if before is not None and before.weight:
        yield _left(weight, plan, before)
        return
    yield Obstacle(
        code="weight-not-zero",
        text=f"expected the canary to get no traffic before it starts, got {weight:g} %",
        hint=f"look what runs there, then set weight 0 at the {plan.router.kind}",
    )


def _left(weight: float, plan: Plan, before: RolloutRecord) -> Obstacle:
    where = "" if plan.environment == "production" else f" --environment {plan.environment}"
    lacking = "" if plan.promote else f", give {plan.path} its `promote` steps"
    return Obstacle(
        code="weight-not-zero",
        text=f"expected the canary to get no traffic before it starts, got {weight:g} %; "
        f"`{before.id}` of change `{before.change}` left it so",
        hint=f"the version before: interlock rollback {plan.service}{where}; to keep this one put it at the "
        f"control, set weight 0 at the {plan.router.kind}{lacking}: docs/how-to/rollout.md, Without promote",
    )


def rules_moved(plan: Plan) -> Obstacle:
    """Another plan came into force while this one was looked at."""
    return Obstacle(
        code="rules-moved",
        text=f"expected `{plan.path}` to stay as it was while the rollout started, got another one in force",
        hint="start again",
        path=plan.path,
    )
