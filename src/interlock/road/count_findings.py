"""Station 7, report: what scans found in the changes on record, by who wrote them.

Rules:
1. Who wrote a change is read from what is on record of it now, under the rules in force; what was found, from the
   evidence. A change whose record cannot be read is counted as such, never dropped.
2. At most ``MOST`` changes are looked at, the newest; that there are more is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.core.approval.actor import Actor, Scope
from interlock.core.audit.by_provenance import ProvenanceCount, ScannedChange, counted, kind_of, scanned_change
from interlock.core.change.change import ChangeRecord
from interlock.core.change.errors import InterlockError
from interlock.ports.store import Page, Tx
from interlock.road.gather import evidence_about
from interlock.road.recorded import complete
from interlock.road.station import Station

MOST, _PAGE = 5_000, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceReport:
    """The count of the changes opened since then; ``cut`` where there are more than are looked at."""

    since: datetime
    until: datetime
    count: ProvenanceCount
    cut: bool


def count_findings(station: Station, actor: Actor, *, seconds: float) -> ProvenanceReport:
    """The report over the last ``seconds``."""
    actor.require(Scope.READ)
    until = station.clock.now()
    since = until - timedelta(seconds=seconds)

    def work(tx: Tx) -> ProvenanceReport:
        rules = station.rules_or_provisional(tx).rules
        found: list[ScannedChange] = []
        unscanned = unread = looked = 0
        for record in _since(tx, since):
            looked += 1
            if looked > MOST:
                break
            try:
                evidence = evidence_about(tx, record.id)
                description = station.described.of(complete(tx, record).submission, rules, record.blob)
            except InterlockError:
                unread += 1
                continue
            one = scanned_change(record.id, kind_of(description.provenance), evidence)
            if one is None:
                unscanned += 1
            else:
                found.append(one)
        count = counted(found, unscanned=unscanned, unread=unread)
        return ProvenanceReport(since=since, until=until, count=count, cut=looked > MOST)

    return station.store.read(work)


def _since(tx: Tx, since: datetime) -> Iterator[ChangeRecord]:
    after = None
    while True:
        page = tx.records(ChangeRecord).page(Page(after=after, limit=_PAGE))
        for record in page:
            if record.opened_at >= since:
                yield record
        if len(page) < _PAGE or page[-1].opened_at < since:
            return
        after = page[-1].id
