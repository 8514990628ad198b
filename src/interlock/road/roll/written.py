"""A move of a rollout in an open transaction: the record, its entry, and what it means for the ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import Json
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.record import RolloutRecord
from interlock.core.rollout.transition import Move
from interlock.ports.store import Tx
from interlock.road.roll.still_permitted import still_permitted
from interlock.road.roll.ticketed import bar_and_void, bar_and_void_early, widen_ticket
from interlock.road.station import Station

ENGINE = Actor(principal="interlock", kind="pipeline", scopes=frozenset({Scope.GATE}))
"""Whoever moves a rollout that nobody asked to move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One move as it was written: the record before and after it, and its entry's kind, empty where none was."""

    before: RolloutRecord
    after: RolloutRecord
    kind: str = ""


def write_move(
    station: Station, tx: Tx, actor: Actor, before: RolloutRecord, move: Move, *, told: bool = True
) -> Written:
    """Keep what the move made of ``before``, or what becomes of it where that is not permitted any more.

    A move without an entry of its own is kept where another entry of the transaction tells of it (``told``).
    """
    move = still_permitted(station, tx, before, move)
    after = move.record
    if not move.kind and (after == before or not told):
        return Written(before=before, after=before)
    if after.version == before.version:
        after = replace(after, version=before.version + 1)
    tx.records(RolloutRecord).replace(after, expected_version=before.version)
    if move.kind:
        tx.log.append(entry(station, actor, move.kind, after.id, move.body))
    if move.widens:
        widen_ticket(station, tx, actor, after, move.body)
    if after.phase == "withdraw" and before.phase != "withdraw":
        bar_and_void_early(station, tx, actor, after)
    if (before.phase, after.phase) == ("settle", "undo"):
        bar_and_void(station, tx, actor, after)
    return Written(before=before, after=after, kind=move.kind)


def entry(station: Station, actor: Actor, kind: str, subject: str, body: Mapping[str, Json]) -> Entry:
    """An entry about ``subject`` now."""
    return Entry(kind=kind, subject=subject, actor=actor.principal, at=station.clock.now(), body=dict(body))
