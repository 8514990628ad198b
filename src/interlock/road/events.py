"""Beside the road: deployers, pipelines and agents note what they did, in the same ledger.

Rules:
1. A batch is one transaction: all of its events are in the ledger, in order and without a gap, or none is.
2. An event changes no record and no decision. It needs no rules in force, so that it can also say that there are
   none.
3. Everything is checked and written out before the transaction begins, which others wait for.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.approval.actor import Actor, Scope
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.event import Event, event_entries
from interlock.road.station import Station


def read_events(station: Station, actor: Actor, events: Sequence[Event]) -> list[Entry]:
    """The entries that ``events`` become; nothing is recorded yet.

    Raises:
        Forbidden: the caller may not record events.
        InvalidInput: an event cannot be used.
    """
    actor.require(Scope.RECORD)
    return event_entries(events, actor=actor, at=station.clock.now())


def note_events(station: Station, entries: Sequence[Entry]) -> tuple[int, ...]:
    """Record what ``read_events`` made; the indices in the same order, once a checkpoint covers them."""
    return station.store.write(lambda tx: tuple([tx.log.append(entry) for entry in entries]), signed=True)
