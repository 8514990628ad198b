"""Station 4, gather: all evidence about one change as it stands now."""

from __future__ import annotations

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.change import ChangeRecord
from interlock.core.evidence.model import Evidence
from interlock.ports.store import Tx
from interlock.road.gather import evidence_now
from interlock.road.station import Station


def evidence_of(station: Station, actor: Actor, change_id: str) -> tuple[Evidence, ...]:
    """All evidence about one change as it stands now, for whoever may read.

    Raises:
        IntegrityError: ``record-unvouched``.
    """
    actor.require(Scope.READ)

    def work(tx: Tx) -> tuple[Evidence, ...]:
        change = tx.records(ChangeRecord).get(change_id)
        return evidence_now(tx, station.rules(tx).rules, change, station.clock.now())

    return station.store.read(work)
