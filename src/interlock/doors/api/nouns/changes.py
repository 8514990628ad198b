"""Changes: opened, pushed to, withdrawn, shown and listed.

Rules:
1. A listing and a record leave the submission out (it can be megabytes); it has an address of its own.
2. The ETag is the record's version; a push or a withdrawal may say with ``If-Match`` which one it saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from interlock.core.approval.actor import Scope
from interlock.core.change.change import Change, ChangeClass, ChangeRecord, ChangeState, Submission
from interlock.core.change.errors import NotFound
from interlock.core.ledger.entry import Entry
from interlock.core.ticket.record import TicketRecord
from interlock.doors.api.nouns.entries import HistoryEntry, entry_shown
from interlock.doors.api.surface import PAGE, Answer, Call, Operation, Query
from interlock.ports.store import Tx
from interlock.road import intake
from interlock.road.close import close
from interlock.road.intake import OpenRequest
from interlock.road.recorded import Received

_RECORDED = frozenset({"change.opened", "change.pushed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeShown:
    """A change without its submission. ``parts`` are the kinds of its parts."""

    id: str
    title: str
    change_class: ChangeClass
    services: tuple[str, ...]
    digest: str
    state: ChangeState
    revision: int
    version: int
    opened_by: str
    opened_at: datetime
    pushed_by: tuple[str, ...]
    pushed_for: tuple[str, ...]
    parts: tuple[str, ...]
    agent: str | None = None
    sponsor: str | None = None
    emergency_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """What a new revision brings. ``pushed_by`` are accounts on the forge of those who pushed it."""

    submission: Submission
    pushed_by: tuple[str, ...] = ()


def shown(change: Change | ChangeRecord) -> ChangeShown:
    """``change`` as it is answered."""
    return ChangeShown(
        id=change.id,
        title=change.title,
        change_class=change.change_class,
        services=change.services,
        digest=change.digest,
        state=change.state,
        revision=change.revision,
        version=change.version,
        opened_by=change.opened_by,
        opened_at=change.opened_at,
        pushed_by=change.pushed_by,
        pushed_for=change.pushed_for,
        parts=change.parts,
        agent=change.agent,
        sponsor=change.sponsor,
        emergency_reason=change.emergency_reason,
    )


def _answer(change: Change | ChangeRecord, status: int = 200) -> Answer:
    return Answer(body=shown(change), status=status, etag=str(change.version), location=f"/v1/changes/{change.id}")


def _open(call: Call) -> Answer:
    return _answer(intake.open_change(call.station, call.actor, call.body, call.ready), 201)


def _push(call: Call) -> Answer:
    wanted: PushRequest = call.body
    name, submission = call.path["change"], wanted.submission
    change = intake.push(
        call.station,
        call.actor,
        name,
        submission,
        version=call.if_match,
        ready=call.ready,
        pushed_by=wanted.pushed_by,
    )
    return _answer(change)


def _receive(call: Call) -> Received:
    """The submission, checked and described while nobody waits for it."""
    wanted: OpenRequest | PushRequest = call.body
    return intake.receive(call.station, wanted.submission)


def _withdraw(call: Call) -> Answer:
    return _answer(intake.withdraw(call.station, call.actor, call.path["change"], version=call.if_match))


def _show(call: Call) -> Answer:
    return _answer(intake.show(call.station, call.actor, call.path["change"]))


def _list(call: Call) -> Answer:
    found = intake.listing(call.station, call.actor, call.page(), call.text("state"))
    return call.listing([shown(change) for change in found])


def _submission(call: Call) -> Answer:
    return Answer(raw=intake.submission_of(call.station, call.actor, call.path["change"]))


def _revision(call: Call) -> Answer:
    """What was recorded under an older digest; the ledger's own entries say which blob that is."""
    name = intake.show(call.station, call.actor, call.path["change"]).id
    digest = call.path["digest"]

    def work(tx: Tx) -> bytes:
        for _, entry in tx.log.entries(name):
            if entry.kind in _RECORDED and entry.body.get("digest") == digest:
                return tx.blob(str(entry.body["submission"]))
        raise NotFound(
            f"expected a digest that `{name}` has had, got `{digest[:80]}`",
            code="revision-unknown",
            hint=f"interlock change show {name} --all lists them",
        )

    return Answer(raw=call.station.store.read(work))


def _history(call: Call) -> Answer:
    name = intake.show(call.station, call.actor, call.path["change"]).id

    def work(tx: Tx) -> list[tuple[int, Entry]]:
        subjects = [name, *(ticket.id for ticket in tx.records(TicketRecord).find(change=name))]
        return sorted((found for one in subjects for found in tx.log.entries(one)), key=itemgetter(0))

    told = [entry_shown(index, entry) for index, entry in call.station.store.read(work)]
    return Answer(body={"items": told, "next": None})


def _close(call: Call) -> Answer:
    return _answer(close(call.station, call.actor, call.path["change"], version=call.if_match))


OPERATIONS = (
    Operation(
        name="openChange",
        method="POST",
        path="/v1/changes",
        scope=Scope.OPEN,
        summary="Open a change; the same content twice is refused with the id that has it.",
        run=_open,
        prepare=_receive,
        body=OpenRequest,
        reply=ChangeShown,
        status=201,
    ),
    Operation(
        name="listChanges",
        method="GET",
        path="/v1/changes",
        scope=Scope.READ,
        summary="Changes, newest first.",
        run=_list,
        list_of=ChangeShown,
        query=(*PAGE, Query(name="state", text="only in this state", choices=tuple(ChangeState))),
    ),
    Operation(
        name="showChange",
        method="GET",
        path="/v1/changes/{change}",
        scope=Scope.READ,
        summary="One change, without its submission.",
        run=_show,
        reply=ChangeShown,
    ),
    Operation(
        name="showSubmission",
        method="GET",
        path="/v1/changes/{change}/submission",
        scope=Scope.READ,
        summary="Everything that was read for the change's present revision.",
        run=_submission,
        reply=Submission,
    ),
    Operation(
        name="showRevision",
        method="GET",
        path="/v1/changes/{change}/revisions/{digest}",
        scope=Scope.READ,
        summary="Everything that was read for the revision with this digest.",
        run=_revision,
        reply=Submission,
    ),
    Operation(
        name="showHistory",
        method="GET",
        path="/v1/changes/{change}/history",
        scope=Scope.READ,
        summary="All ledger entries about a change and its tickets, in order.",
        run=_history,
        list_of=HistoryEntry,
    ),
    Operation(
        name="pushChange",
        method="POST",
        path="/v1/changes/{change}/revisions",
        scope=Scope.OPEN,
        summary="A new revision; approvals and evidence bound to the older digest no longer count.",
        run=_push,
        prepare=_receive,
        body=PushRequest,
        reply=ChangeShown,
        takes_version=True,
    ),
    Operation(
        name="withdrawChange",
        method="POST",
        path="/v1/changes/{change}/withdrawal",
        scope=Scope.OPEN,
        summary="Take a change off the road for good.",
        run=_withdraw,
        reply=ChangeShown,
        takes_version=True,
    ),
    Operation(
        name="closeChange",
        method="POST",
        path="/v1/changes/{change}/closure",
        scope=Scope.OPEN,
        summary="It landed: the change is over, and its services are free for the next one.",
        run=_close,
        reply=ChangeShown,
        takes_version=True,
    ),
)
