"""Starting a rollout: the ticket's one use and the rollout's record are one transaction, or nothing happens.

Rules:
1. Everything that stands in the way is said at once: plan, ticket, bars, other rollouts and changes, freezes, and
   what was found outside. A refusal is a value, and is recorded.
2. What was looked at outside was looked at before the transaction; what is in the state is looked at inside it.
3. The plan is the one in force now, by the digest of its bytes. The rollout goes on by it whatever becomes of the
   rules meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.identity import principal_of
from interlock.core.change.canonical import Json
from interlock.core.change.change import ChangeRecord, Submission
from interlock.core.change.errors import IllegalTransition, InvalidInput, NotFound
from interlock.core.change.parse import parse_json
from interlock.core.change.submission_check import check_environment
from interlock.core.policy.evaluate import FIRST_STAGE
from interlock.core.policy.rules import Rules
from interlock.core.rollout import obstacle
from interlock.core.rollout.obstacle import Obstacle, from_error
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_check import shortfalls
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import Bar, TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.road.decide import conflicts_of
from interlock.road.permit import redeem_in
from interlock.road.roll.outside import Outside
from interlock.road.roll.preflight import Looked, look
from interlock.road.roll.written import entry
from interlock.road.station import InForce, Station

_FREEZE, _CONFLICT = "freeze-window", "conflicting-change"
"""The rules that the gate asked; what was lifted there, or is only watched, stands in nobody's way here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """Which change goes out where, by which ticket; ``service`` where the ticket is for several with plans."""

    change: str
    ticket: str
    environment: str = "production"
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The rollout, or all that stands in its way."""

    rollout: RolloutRecord | None = None
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What was looked at before the transaction: the plan it was about, and what was found outside."""

    plan: str = ""
    looked: Looked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    record: ChangeRecord
    ticket: Ticket
    in_force: InForce
    plan: Plan | None
    why: Obstacle | None


def start(station: Station, actor: Actor, request: StartRequest) -> Started:
    """Start it, or say why not.

    Raises:
        Forbidden, NotFound, InvalidInput.
    """
    ready = prepare(station, actor, request)
    return station.store.write(lambda tx: start_in(station, tx, actor, request, ready))


def prepare(station: Station, actor: Actor, request: StartRequest) -> Ready:
    """Look outside, before anything is decided.

    Raises:
        InvalidInput: ``rollout-nowhere`` where no rollout can be run.
    """
    actor.require(Scope.GATE)
    check_environment(request.environment)
    outside = _outside(station)
    asked = station.store.read(lambda tx: _asked(station, tx, request))
    if asked.plan is None:
        return Ready()
    return Ready(plan=asked.plan.digest, looked=look(outside, asked.plan))


def start_in(station: Station, tx: Tx, actor: Actor, request: StartRequest, ready: Ready) -> Started:
    """The same in an open transaction, with what was looked at before it."""
    asked = _asked(station, tx, request)
    found = tuple(_obstacles(station, tx, request, asked, ready))
    plan = asked.plan
    if found or plan is None:
        tx.log.append(entry(station, actor, "rollout.refused", request.change, _refused(request, found)))
        return Started(obstacles=found)
    redeem_in(station, tx, actor, request.ticket)
    record = _record(station, tx, actor, request, asked, plan)
    tx.records(RolloutRecord).add(record)
    body: dict[str, Json] = {
        "change": record.change,
        "digest": record.digest,
        "ticket": record.ticket,
        "service": record.service,
        "environment": record.environment,
        "plan": record.plan,
        "rules": record.rules,
        "previous": record.previous,
    }
    tx.log.append(entry(station, actor, "rollout.started", record.id, body))
    tx.offer(record.id)
    return Started(rollout=record)


def _asked(station: Station, tx: Tx, request: StartRequest) -> _Asked:
    record = tx.records(ChangeRecord).get(request.change)
    tx.vouch(ChangeRecord, [record.id], about=record.id)
    kept = tx.records(TicketRecord).get(request.ticket)
    tx.vouch(TicketRecord, [kept.id], about=kept.id)
    ticket = parse_json(Ticket, tx.blob(kept.blob), what="the stored ticket")
    in_force = station.rules(tx)
    plan, why = _plan(in_force.rules, ticket, request)
    return _Asked(record=record, ticket=ticket, in_force=in_force, plan=plan, why=why)


def _plan(rules: Rules, ticket: Ticket, request: StartRequest) -> tuple[Plan | None, Obstacle | None]:
    wanted = [request.service] if request.service else list(ticket.services)
    if request.service and request.service not in ticket.services:
        raise InvalidInput(
            f"expected a service of the ticket ({', '.join(ticket.services) or 'none'}), got `{request.service}`",
            code="service-other",
            hint="name one of them with --service",
        )
    planned = [name for name in wanted if (name, request.environment) in rules.plans]
    if len(planned) == 1:
        return rules.plans[planned[0], request.environment], None
    if planned:
        return None, obstacle.which_service(planned)
    return None, obstacle.no_plan(wanted, request.environment, rules.plans)


def _obstacles(station: Station, tx: Tx, request: StartRequest, asked: _Asked, ready: Ready) -> Iterator[Obstacle]:
    yield from _of_ticket(station, tx, request)
    plan, ticket, rules = asked.plan, asked.ticket, asked.in_force.rules
    if plan is None:
        if asked.why is not None:
            yield asked.why
        return
    yield from obstacle.of_ticket(ticket, plan, change=asked.record.id, digest=asked.record.digest)
    if FIRST_STAGE in ticket.decision.marks:
        yield from obstacle.of_shortfalls(plan, shortfalls(plan, rules.settings.thresholds))
    others = tx.records(RolloutRecord).find(service=plan.service, environment=plan.environment)
    yield from obstacle.of_service(plan.service, plan.environment, others)
    yield from obstacle.of_unfinished(others[-1] if others else None)
    watched = {reason.id for reason in ticket.decision.observed}
    if _CONFLICT not in watched:
        yield from obstacle.of_conflicts(asked.record.id, _conflicts(station, tx, asked.record, plan))
    if _FREEZE not in watched:
        now = station.clock.now()
        freezes = [
            each for each in rules.bundle.freezes if each.holds(now, frozenset(ticket.services), plan.environment)
        ]
        yield from obstacle.of_freezes(freezes)
    if ready.looked is None or ready.plan != plan.digest:
        yield obstacle.rules_moved(plan)
        return
    yield from ready.looked.obstacles
    if ready.looked.weight is not None:
        yield from obstacle.of_weight(ready.looked.weight, plan, others[-1] if others else None)


def _of_ticket(station: Station, tx: Tx, request: StartRequest) -> Iterator[Obstacle]:
    """Used, voided, expired, or its digest barred: what redeeming would say."""
    record = tx.records(TicketRecord).get(request.ticket)
    ticket = parse_json(Ticket, tx.blob(record.blob), what="the stored ticket")
    bars = tuple(bar.lift(ticket.approvals) for bar in tx.records(Bar).find(digest=record.digest))
    try:
        record.redeem(now=station.clock.now(), by="", bars=bars)
    except IllegalTransition as error:
        yield from_error(error)


def _conflicts(station: Station, tx: Tx, record: ChangeRecord, plan: Plan) -> list[str]:
    """Changes on the same services that hold a ticket there, and have not landed."""
    now = station.clock.now()
    held = {TicketState.ISSUED, TicketState.REDEEMED}
    return [
        other
        for other in conflicts_of(tx, record, plan.environment)
        if any(
            ticket.environment == plan.environment and ticket.at(now).state in held
            for ticket in tx.records(TicketRecord).find(change=other)
        )
    ]


def _record(
    station: Station, tx: Tx, actor: Actor, request: StartRequest, asked: _Asked, plan: Plan
) -> RolloutRecord:
    activation = asked.in_force.activation
    if activation is None or plan.path not in activation.files:
        raise NotFound(f"expected `{plan.path}` among the rules in force, got none", code="plan-missing", hint="")
    return RolloutRecord(
        id=station.ids.new("rol"),
        service=plan.service,
        environment=plan.environment,
        change=asked.record.id,
        digest=asked.record.digest,
        ticket=request.ticket,
        plan=activation.files[plan.path],
        plan_path=plan.path,
        rules=asked.in_force.rules.digest,
        started_by=principal_of(actor),
        started_at=station.clock.now(),
        previous=_previous(tx, plan),
        base=parse_json(Submission, tx.blob(asked.record.blob), what="the stored submission").base,
    )


def _previous(tx: Tx, plan: Plan) -> str | None:
    """The digest that completed last there, as far as a rollout brought it."""
    done = tx.records(RolloutRecord).find(
        service=plan.service, environment=plan.environment, state=RolloutState.COMPLETED.value
    )
    return done[-1].digest if done else None


def _refused(request: StartRequest, found: tuple[Obstacle, ...]) -> dict[str, Json]:
    reasons: list[Json] = [each.code for each in found]
    return {"ticket": request.ticket, "environment": request.environment, "reasons": reasons}


def _outside(station: Station) -> Outside:
    if station.outside is None:
        raise InvalidInput(
            "expected to be where rollouts can be run, got nothing to run them with",
            code="rollout-nowhere",
            hint="ask a server: INTERLOCK_SERVER",
        )
    return station.outside
