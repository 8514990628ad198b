"""The ledger's entries as they are read: newest first, or those about one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.core.approval.actor import Scope
from interlock.core.change.canonical import Json
from interlock.core.ledger.entry import Entry
from interlock.doors.api.surface import DEFAULT_PAGE, MAX_PAGE, Answer, Call, Operation, Query
from interlock.ports.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One ledger entry with its index in the ledger and whom or what it is about."""

    index: int
    kind: str
    subject: str
    actor: str
    at: datetime
    body: dict[str, Json]


def entry_shown(index: int, entry: Entry) -> HistoryEntry:
    """``entry`` as it is answered."""
    return HistoryEntry(
        index=index, kind=entry.kind, subject=entry.subject, actor=entry.actor, at=entry.at, body=entry.body
    )


def _list(call: Call) -> Answer:
    limit, before, subject = call.number("limit") or DEFAULT_PAGE, call.number("after"), call.text("subject")

    def work(tx: Tx) -> Sequence[tuple[int, Entry]]:
        if subject is None:
            return tx.log.newest(limit, before=before)
        about = [found for found in tx.log.entries(subject) if before is None or found[0] < before]
        return about[::-1][:limit]

    found = call.station.store.read(work)
    full = len(found) == limit and found[-1][0] > 0
    told = [entry_shown(index, entry) for index, entry in found]
    return Answer(body={"items": told, "next": str(found[-1][0]) if full else None})


OPERATIONS = (
    Operation(
        name="listEntries",
        method="GET",
        path="/v1/ledger/entries",
        scope=Scope.READ,
        summary="Ledger entries, newest first; all of them, or those about one record.",
        run=_list,
        list_of=HistoryEntry,
        query=(
            Query(name="limit", text="items per page", kind="integer", least=1, most=MAX_PAGE),
            Query(name="after", text="the `next` of the page before: only entries older than it", kind="integer"),
            Query(name="subject", text="only about this record: a change, a ticket, a token"),
        ),
    ),
)
