"""Rollouts: started by a ticket, looked at, and asked to pause, go on, wait longer or go back.

A widening without a PASS is a person's signed statement: ``POST /v1/statements``. A refusal to start is a good
answer (200) with everything that stands in the way, never an error.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import InterlockError, InvalidInput
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.doors.api.surface import PAGE, Answer, Call, Operation, Query
from interlock.ports.store import Tx
from interlock.road.roll import asks, show, verify
from interlock.road.roll.asks import Extension, Why
from interlock.road.roll.show import RolloutShown
from interlock.road.roll.start import Ready, Started, StartRequest, prepare, start_in
from interlock.road.roll.verify import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """Which service goes back where."""

    environment: str = "production"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedWidening:
    """What clients sent before widenings were signed."""

    not_ruled_out: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReply:
    """The rollout that goes back, and where it stands."""

    rollout: str
    state: RolloutState
    record: RolloutRecord


_STOPS = "Pipelines and agents need `gate` or `record` as well."
"""Of what stops a rollout: a person's token that may read is enough (see ``road.roll.asks``)."""


def _prepare(call: Call) -> object:
    return prepare(call.station, call.actor, call.body)


def _start(call: Call) -> Answer:
    ready: Ready = call.ready

    def work(tx: Tx) -> Started:
        return start_in(call.station, tx, call.actor, call.body, ready)

    return Answer(body=call.station.store.write(work))


def _list(call: Call) -> Answer:
    names = ("service", "environment", "change", "state")
    return call.listing(
        show.find(call.station, call.actor, call.page(), **{name: call.text(name) for name in names})
    )


def _show(call: Call) -> Answer:
    shown = show.show(call.station, call.actor, call.path["rollout"])
    return Answer(body=shown, etag=str(shown.record.version))


def _verify(call: Call) -> Answer:
    return Answer(body=verify.verify(call.station, call.actor, call.path["rollout"]))


def _pause(call: Call) -> Answer:
    return Answer(body=asks.pause(call.station, call.actor, call.path["rollout"], call.body.why))


def _abort(call: Call) -> Answer:
    return Answer(body=asks.abort(call.station, call.actor, call.path["rollout"], call.body.why))


def _resume(call: Call) -> Answer:
    return Answer(body=asks.resume(call.station, call.actor, call.path["rollout"]))


def _extend(call: Call) -> Answer:
    return Answer(body=asks.extend(call.station, call.actor, call.path["rollout"], call.body.seconds))


def _widen(call: Call) -> Answer:
    raise InvalidInput(
        f"expected a person's signature to widen `{call.path['rollout']}`, got a token's word",
        code="widening-unsigned",
        hint="interlock rollout widen signs it; without the command line: purpose `widen` at "
        "/v1/statements/prepare, then /v1/statements",
    )


def _roll_back(call: Call) -> Answer:
    wanted: RollbackRequest = call.body
    record = asks.roll_back(call.station, call.actor, call.path["service"], wanted.environment, wanted.why)
    return Answer(body=RollbackReply(rollout=record.id, state=record.state, record=record))


def _woken(call: Call, done: Answer) -> Answer:
    """A worker looks at it at once; if this is lost, within a few seconds."""
    found: Any = done.body
    rollout = found.get("rollout", found.get("id")) if isinstance(found, dict) else None
    rollout = rollout or getattr(found, "rollout", None) or getattr(found, "id", None)
    rollout = getattr(rollout, "id", rollout)
    if isinstance(rollout, dict):
        rollout = rollout.get("id")
    if isinstance(rollout, str) and call.station.leases is not None:
        with suppress(InterlockError):
            call.station.leases.offer(rollout)
    return done


def _asking(name: str, path: str, scope: Scope, summary: str, run: Any, body: Any = None) -> Operation:  # noqa: ANN401  # as Operation has them
    return Operation(
        name=name,
        method="POST",
        path=f"/v1/rollouts/{{rollout}}/{path}",
        scope=scope,
        summary=summary,
        run=run,
        body=body,
        reply=RolloutRecord,
        committed=_woken,
    )


OPERATIONS = (
    Operation(
        name="startRollout",
        method="POST",
        path="/v1/rollouts",
        scope=Scope.GATE,
        summary="Redeem a ticket and send its change out in stages, or say everything that stands in the way.",
        run=_start,
        body=StartRequest,
        reply=Started,
        prepare=_prepare,
        committed=_woken,
    ),
    Operation(
        name="listRollouts",
        method="GET",
        path="/v1/rollouts",
        scope=Scope.READ,
        summary="Rollouts, newest first.",
        run=_list,
        list_of=RolloutRecord,
        query=(
            *PAGE,
            Query(name="service", text="only of this service"),
            Query(name="environment", text="only there"),
            Query(name="change", text="only of this change"),
            Query(name="state", text="only those", choices=tuple(state.value for state in RolloutState)),
        ),
    ),
    Operation(
        name="showRollout",
        method="GET",
        path="/v1/rollouts/{rollout}",
        scope=Scope.READ,
        summary="How a rollout stands: stages, evidence, what was seen last, every effect.",
        run=_show,
        reply=RolloutShown,
    ),
    Operation(
        name="verifyRollout",
        method="GET",
        path="/v1/rollouts/{rollout}/verification",
        scope=Scope.READ,
        summary="Judge what was recorded anew, and compare every verdict and log E to the last digit.",
        run=_verify,
        reply=Verification,
    ),
    _asking("pauseRollout", "pause", Scope.READ, f"No wider until somebody resumes it. {_STOPS}", _pause, Why),
    _asking("abortRollout", "abort", Scope.READ, f"Bring everything back. {_STOPS}", _abort, Why),
    _asking("resumeRollout", "resumption", Scope.APPROVE, "Go on where it was held.", _resume),
    _asking("extendRollout", "extension", Scope.APPROVE, "More time for this stage.", _extend, Extension),
    _asking(
        "widenRollout",
        "widening",
        Scope.APPROVE,
        "Always refused: widening takes a signed statement (purpose `widen`).",
        _widen,
        UnsignedWidening,
    ),
    Operation(
        name="rollBackService",
        method="POST",
        path="/v1/services/{service}/rollback",
        scope=Scope.READ,
        summary=f"Back to the version before: no approval, no ticket. {_STOPS}",
        run=_roll_back,
        body=RollbackRequest,
        reply=RollbackReply,
        committed=_woken,
    ),
)
