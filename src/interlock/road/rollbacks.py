"""Going back without a server is audited afterwards: the journal becomes an entry of the ledger, once.

Rules:
1. A journal is told under its own id. Told again it changes nothing, whoever tells it.
2. The entry is ``rollout.rolled-back`` about the rollout, with ``offline: true``: who went back and when is the
   journal's word, who told it is the entry's actor.
3. The rollout's record follows in the same transaction (``core.rollout.followed``), its ticket is void with it:
   what went back is neither taken for completed nor for shipped. It is offered to whoever moves rollouts, to bring
   back what is left and to tell people. What its worker had put down as traffic that somebody took away becomes
   this rollback, with who and why.
4. A newer rollout of the same service there that was under way meanwhile goes back too: somebody wanted the
   version before, and knew of no other. One that began afterwards is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import Json
from interlock.core.change.errors import NotFound
from interlock.core.ledger.entry import Entry
from interlock.core.rollout.followed import followed, followed_by_a_newer
from interlock.core.rollout.journal import WentBack, told
from interlock.core.rollout.record import RolloutRecord
from interlock.ports.store import Tx
from interlock.road.roll.ticketed import void_of
from interlock.road.roll.written import write_move
from interlock.road.station import Station

ROLLED_BACK = "rollout.rolled-back"
AGENT = Actor(principal="interlock", kind="pipeline", scopes=frozenset({Scope.RECORD}))
"""Whoever hands journals over when a server starts."""


class Journals(Protocol):
    """Where journals wait on this machine."""

    def waiting(self) -> Iterable[WentBack]:
        """Those that no ledger was told of yet, oldest first; what cannot be read is left out."""

    def told(self, name: str) -> None:
        """Put the journal with this id away."""


def record_rollbacks(station: Station, actor: Actor, journals: Iterable[WentBack]) -> tuple[int, ...]:
    """Tell the ledger of each; the index of its entry, of the first one where it was told before.

    Raises:
        Forbidden: the caller may not record.
    """
    actor.require(Scope.RECORD)
    given = tuple(journals)
    return (
        station.store.write(lambda tx: tuple(record_in(station, tx, actor, one) for one in given)) if given else ()
    )


def record_in(station: Station, tx: Tx, actor: Actor, journal: WentBack) -> int:
    """The same in an open transaction."""
    for index, entry in tx.log.entries(journal.rollout):
        if entry.kind == ROLLED_BACK and entry.body.get("journal") == journal.id:
            return index
    body: dict[str, Json] = told(journal)
    now = station.clock.now()
    entry = Entry(kind=ROLLED_BACK, subject=journal.rollout, actor=actor.principal, at=now, body=body)
    index = tx.log.append(entry)
    _follow(station, tx, actor, journal)
    return index


def _follow(station: Station, tx: Tx, actor: Actor, journal: WentBack) -> None:
    try:
        before = tx.records(RolloutRecord).get(journal.rollout)
    except NotFound:
        # A journal of a rollout that this state knows nothing of is told, and nothing follows from it.
        return
    tx.vouch(RolloutRecord, [before.id], about=before.id)
    others = tx.records(RolloutRecord).find(service=before.service, environment=before.environment)
    newer = [one for one in others if (one.started_at, one.id) > (before.started_at, before.id)]
    move = followed(before, journal, station.clock.now(), newest=not newer)
    written = write_move(station, tx, actor, before, move)
    if written.after != before:
        if written.after.ended:
            void_of(station, tx, actor, written.after)
        tx.offer(before.id)
    for one in newer:
        _end_too(station, tx, actor, journal, one)


def _end_too(station: Station, tx: Tx, actor: Actor, journal: WentBack, newer: RolloutRecord) -> None:
    """One that was under way while somebody went back from the rollout before it."""
    move = followed_by_a_newer(newer, journal)
    if move.record == newer:
        return
    tx.vouch(RolloutRecord, [newer.id], about=newer.id)
    write_move(station, tx, actor, newer, move)
    tx.offer(newer.id)


def hand_over(station: Station, journals: Journals, actor: Actor = AGENT) -> int:
    """Tell the ledger of all that waits here and put it away; how many there were."""
    waiting = list(journals.waiting())
    record_rollbacks(station, actor, waiting)
    for one in waiting:
        journals.told(one.id)
    return len(waiting)
