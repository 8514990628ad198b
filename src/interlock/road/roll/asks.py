"""What people, pipelines and agents ask of rollouts under way, completed or failed, each with its entry.

Rules:
1. Stopping takes less than going on: to pause, abort and go back a person's token that may read is enough, and of
   pipelines and agents one that may also ask the gate or note events. Going on and waiting longer are for people
   alone; widening takes a person's signature (see ``widening``).
2. A rollout whose way back failed is gone back from once more, as long as it is the newest of its service: after
   another one the traffic is the other's.
3. Nothing here touches the outside: the record says what is wanted, and the worker that holds it does it, within a
   tick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.identity import principal_of
from interlock.core.change.errors import Forbidden, NotFound
from interlock.core.judge.read_settings import read_settings
from interlock.core.judge.verdict import Standing
from interlock.core.rollout import asked
from interlock.core.rollout.plan import Plan
from interlock.core.rollout.plan_read import read_plan
from interlock.core.rollout.record import Observation, RolloutRecord, RolloutState
from interlock.core.rollout.transition import Move
from interlock.ports.store import Tx
from interlock.road.roll.written import write_move
from interlock.road.station import Station

_MAY_STOP = frozenset({Scope.GATE, Scope.RECORD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """A reason in words; may be empty where going back is asked."""

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """More time for the present stage."""

    seconds: float


def pause(station: Station, actor: Actor, rollout: str, why: str = "") -> RolloutRecord:
    """No wider until somebody resumes it."""
    _may_stop(actor)
    return _ask(station, actor, rollout, lambda record: asked.pause(record, why, station.clock.now()))


def abort(station: Station, actor: Actor, rollout: str, why: str = "") -> RolloutRecord:
    """Bring everything back."""
    _may_stop(actor)
    told = why or f"{principal_of(actor)} aborted it"
    return _ask(station, actor, rollout, lambda record: asked.abort(record, told))


def resume(station: Station, actor: Actor, rollout: str) -> RolloutRecord:
    """Go on where it was held."""
    actor.require(Scope.APPROVE)
    return _ask(station, actor, rollout, asked.resume)


def extend(station: Station, actor: Actor, rollout: str, seconds: float) -> RolloutRecord:
    """More time for the present stage."""
    actor.require(Scope.APPROVE)
    return _ask(station, actor, rollout, lambda record: asked.extend(record, seconds))


def roll_back(station: Station, actor: Actor, service: str, environment: str, why: str = "") -> RolloutRecord:
    """Back to the version before, from a rollout under way or completed, or once more where that had failed.

    Raises:
        NotFound: ``rollback-nothing``.
    """
    _may_stop(actor)
    told = why or f"{principal_of(actor)} went back"

    def work(tx: Tx) -> RolloutRecord:
        record = _newest(tx, service, environment)
        return write_move(station, tx, actor, record, asked.roll_back(record, told, station.clock.now())).after

    return station.store.write(work)


def plan_of(tx: Tx, record: RolloutRecord) -> Plan:
    """The plan a rollout goes by."""
    return read_plan(record.plan_path, tx.blob(record.plan))


def not_ruled_out(tx: Tx, record: RolloutRecord, plan: Plan) -> str:
    """What a person who widens now takes on."""
    newest = weighed(tx, record)
    return words(plan, record.stage, None if newest is None else newest.standing)


def weighed(tx: Tx, record: RolloutRecord) -> Observation | None:
    """What says how the present stage stands; a stage without anything on record has ruled out nothing.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    return newest_observation(tx, record) if record.spent or record.baked else None


def words(plan: Plan, stage: int, standing: Standing | None) -> str:
    """What is not ruled out in a stage, as it stood."""
    margin = plan.stages[stage].margin or 1.0
    kinds = {name: one.kind for name, one in read_settings(plan.judge, what=plan.path).metrics.items()}
    known = {} if standing is None else {name: one.ruled_out for name, one in standing.metrics.items()}
    missing = {str(name): None for meter in plan.meters for name in meter.metrics if name not in known}
    return asked.not_ruled_out({**known, **missing}, margin, kinds)


def newest_observation(tx: Tx, record: RolloutRecord) -> Observation | None:
    """The last that was written down, as the ledger names it.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    if not record.observations:
        return None
    newest = f"{record.id}-o{record.observations - 1}"
    tx.vouch(Observation, [newest], about=record.id)
    return tx.records(Observation).get(newest)


def _newest(tx: Tx, service: str, environment: str) -> RolloutRecord:
    found = tx.records(RolloutRecord).find(service=service, environment=environment)
    able = [one for one in found if not one.ended or one.state is RolloutState.COMPLETED]
    if found and found[-1].state is RolloutState.FAILED:
        able = list(found)
    if not able:
        raise NotFound(
            f"expected a rollout of `{service}` in `{environment}` with something to bring back, got none",
            code="rollback-nothing",
            hint=f"see what there was: interlock rollout list --service {service}",
        )
    return known(tx, able[-1].id)


def _ask(station: Station, actor: Actor, rollout: str, step: Callable[[RolloutRecord], Move]) -> RolloutRecord:
    def work(tx: Tx) -> RolloutRecord:
        record = known(tx, rollout)
        return write_move(station, tx, actor, record, step(record)).after

    return station.store.write(work)


def known(tx: Tx, rollout: str) -> RolloutRecord:
    """The rollout, as the ledger says.

    Raises:
        NotFound: no such rollout.
        IntegrityError: ``record-unvouched``.
    """
    record = tx.records(RolloutRecord).get(rollout)
    tx.vouch(RolloutRecord, [rollout], about=rollout)
    return record


def _may_stop(actor: Actor) -> None:
    actor.require(Scope.READ)
    if actor.kind != "person" and not _MAY_STOP & actor.scopes:
        raise Forbidden(
            f"expected a person's token, or scope `gate` or `record`, got a {actor.kind}'s without for "
            f"`{actor.principal}`",
            code="scope-missing",
            hint="ask an administrator: interlock token create --scope read --scope gate; or --scope record",
        )
