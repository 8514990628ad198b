"""Events: what happened outside, noted by whoever did it, and covered by a signed checkpoint in the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interlock.core.approval.actor import Scope
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.event import Event
from interlock.doors.api.surface import Answer, Call, Operation
from interlock.road.events import note_events, read_events


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRequest:
    """A batch: 1 to 256 events, recorded together or not at all."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRecorded:
    """``indices`` are the entries' places in the ledger, in the order asked; ``checkpoint`` covers them all."""

    indices: tuple[int, ...]
    checkpoint: str


def _read(call: Call) -> list[Entry]:
    wanted: EventsRequest = call.body
    return read_events(call.station, call.actor, wanted.events)


def _record(call: Call) -> Answer:
    return Answer(body={"indices": list(note_events(call.station, call.ready))}, status=201)


def _covered(call: Call, done: Answer) -> Answer:
    told = done.body
    assert isinstance(told, dict), "expected the answer of `_record`, kept or new"  # noqa: S101  # ours alone
    note = call.station.store.checkpoint(covering=max(told["indices"]))
    return replace(done, body={**told, "checkpoint": note})


OPERATIONS = (
    Operation(
        name="recordEvents",
        method="POST",
        path="/v1/events",
        scope=Scope.RECORD,
        summary="Note what happened outside, up to 256 events at once; the answer's checkpoint covers them.",
        prepare=_read,
        run=_record,
        committed=_covered,
        body=EventsRequest,
        reply=EventsRecorded,
        status=201,
        begins=True,
    ),
)
