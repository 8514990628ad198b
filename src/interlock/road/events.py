"""Beside the road: deployers, pipelines and agents note what they did, in the same ledger.

Rules:
1. A batch is one transaction: all of its events are in the ledger, in order and without a gap, or none is.
2. An event changes no record and no decision. It needs no rules in force, so that it can also say that there are
   none.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.approval.actor import Actor, Scope
from interlock.core.ledger.event import Event, event_entries
from interlock.road.station import Station


def note_events(station: Station, actor: Actor, events: Sequence[Event]) -> tuple[int, ...]:
    """The indices of the new entries, in the order of ``events``.

    Raises:
        Forbidden: the caller may not record events.
        InvalidInput: an event cannot be used; nothing was recorded.
    """
    actor.require(Scope.RECORD)
    entries = event_entries(events, actor=actor, at=station.clock.now())
    return station.store.write(lambda tx: tuple([tx.log.append(entry) for entry in entries]))
