"""Rollbacks that went without a server, told to the ledger afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.journal import WentBack
from interlock.doors.api.surface import Answer, Call, Operation
from interlock.road.rollbacks import record_rollbacks

MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbacksRequest:
    """Journals, 1 to 100, as `interlock rollback` wrote them."""

    journals: tuple[WentBack, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbacksRecorded:
    """``indices`` are the entries' places in the ledger, in the order asked."""

    indices: tuple[int, ...]


def _record(call: Call) -> Answer:
    wanted: RollbacksRequest = call.body
    if not 1 <= len(wanted.journals) <= MOST:
        raise InvalidInput(
            f"expected 1 to {MOST} journals, got {len(wanted.journals)}",
            code="journals-count",
            hint="send them in several batches",
        )
    done = record_rollbacks(call.station, call.actor, wanted.journals)
    return Answer(body=RollbacksRecorded(indices=done), status=201)


OPERATIONS = (
    Operation(
        name="recordRollbacks",
        method="POST",
        path="/v1/rollbacks",
        scope=Scope.RECORD,
        summary="Tell the ledger of rollbacks that went without a server; told again they change nothing.",
        run=_record,
        body=RollbacksRequest,
        reply=RollbacksRecorded,
        status=201,
        joined=False,
    ),
)
