"""Statements: what a person signs, prepared here, signed elsewhere, handed in with the signature, taken back.

Approvals, exceptions, break-glass, widenings, delegations and absences are all statements; their purpose tells
them apart. A widening takes its rollout one stage further in the transaction in which it is handed in.
The ETag of one is its version: it moves when a ticket uses it, when it is given back and when it is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from interlock.core.approval.actor import Scope
from interlock.core.approval.model import Presence, Purpose, SignedStatement, Statement
from interlock.core.approval.revocation import Right, Standing
from interlock.core.rollout.widening import WIDEN
from interlock.core.ticket.record import TicketRecord
from interlock.doors.api.surface import PAGE, Answer, Call, Operation, Query
from interlock.road import gather, intake, on_record, revoke
from interlock.road.gather import StatementRequest
from interlock.road.on_record import OnRecord, Wanted
from interlock.road.roll import widening


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A statement exactly as it was prepared, with its armoured SSH signature."""

    statement: Statement
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementShown:
    """A statement on record without its signature, and how it stands now. ``used_by`` is a ticket or a rollout."""

    id: str
    standing: Standing
    statement: Statement
    fingerprint: str
    presence: Presence
    received_at: datetime
    received_from: str
    version: int
    used_by: str | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRequest:
    """Why, in at most 2,000 characters; an administrator must say, whoever signed may."""

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What taking a statement back did: tickets that cannot be used any more, and those that were used before."""

    statement: StatementShown
    right: Right
    voided: tuple[TicketRecord, ...]
    too_late: tuple[TicketRecord, ...]


def shown(found: OnRecord) -> StatementShown:
    """A statement as it is answered."""
    signed = found.signed
    return StatementShown(
        id=signed.id,
        standing=found.standing,
        statement=signed.statement,
        fingerprint=signed.fingerprint,
        presence=signed.presence,
        received_at=signed.received_at,
        received_from=signed.received_from,
        version=signed.version,
        used_by=signed.used_by,
        revoked_at=signed.revoked_at,
        revoked_by=signed.revoked_by,
        revoked_why=signed.revoked_why,
    )


def _prepare(call: Call) -> Answer:
    # The canonical bytes: what arrives is what is signed, so that a client needs no canonical form of its own.
    wanted: StatementRequest = call.body
    prepare = widening.prepare if wanted.purpose == WIDEN else gather.prepare_statement
    return Answer(raw=prepare(call.station, call.actor, wanted).to_bytes())


def _add(call: Call) -> Answer:
    wanted: SignedRequest = call.body
    add = widening.widen if wanted.statement.purpose == WIDEN else gather.add_statement
    return Answer(body=add(call.station, call.actor, wanted.statement, wanted.signature), status=201)


def _about(call: Call) -> Answer:
    change = intake.show(call.station, call.actor, call.path["change"]).id
    found = call.station.store.read(lambda tx: gather.statements_about(tx, change))
    return Answer(body={"items": list(found), "next": None})


def _standing(call: Call) -> Answer:
    return Answer(body={"items": list(call.station.store.read(gather.standing_statements)), "next": None})


def _list(call: Call) -> Answer:
    given = {name: call.text(name) for name in ("subject", "purpose", "approver", "standing")}
    wanted = Wanted(**given)  # type: ignore[arg-type]  # the query's choices are those of the types
    found, after = on_record.find_statements(call.station, call.actor, wanted, call.page())
    return Answer(body={"items": [shown(one) for one in found], "next": after})


def _show(call: Call) -> Answer:
    found = on_record.show_statement(call.station, call.actor, call.path["statement"])
    return Answer(body=shown(found), etag=str(found.signed.version))


def _revoke(call: Call) -> Answer:
    wanted: RevocationRequest = call.body
    done = revoke.take_back(
        call.station, call.actor, call.path["statement"], why=wanted.why, version=call.if_match
    )
    body = Revoked(
        statement=shown(OnRecord(signed=done.statement, standing="taken-back")),
        right=done.right,
        voided=done.voided,
        too_late=done.too_late,
    )
    return Answer(body=body, etag=str(done.statement.version))


_FILTERS = (
    Query(name="subject", text="only about this change, rollout or person"),
    Query(name="purpose", text="only of this kind", choices=get_args(Purpose)),
    Query(name="approver", text="only signed by this person"),
    Query(name="standing", text="only what stands like this now", choices=get_args(Standing)),
)

OPERATIONS = (
    Operation(
        name="prepareStatement",
        method="POST",
        path="/v1/statements/prepare",
        scope=Scope.READ,
        summary="What a person is to sign, byte for byte, about the subject as it is now. Records nothing.",
        run=_prepare,
        body=StatementRequest,
        reply=Statement,
        joined=False,
    ),
    Operation(
        name="addStatement",
        method="POST",
        path="/v1/statements",
        scope=Scope.APPROVE,
        summary="Hand in a signed statement: an approval, an exception, break-glass, a delegation, an absence; a "
        "widening takes its rollout one stage further at once.",
        run=_add,
        body=SignedRequest,
        reply=SignedStatement,
        status=201,
    ),
    Operation(
        name="listStanding",
        method="GET",
        path="/v1/statements/standing",
        scope=Scope.READ,
        summary="Delegations and absences on record.",
        run=_standing,
        list_of=SignedStatement,
    ),
    Operation(
        name="findStatements",
        method="GET",
        path="/v1/statements",
        scope=Scope.READ,
        summary="Signed statements, newest first: in force, used, expired or taken back.",
        run=_list,
        list_of=StatementShown,
        query=(*PAGE, *_FILTERS),
    ),
    Operation(
        name="showStatement",
        method="GET",
        path="/v1/statements/{statement}",
        scope=Scope.READ,
        summary="One signed statement, and how it stands now.",
        run=_show,
        reply=StatementShown,
    ),
    Operation(
        name="revokeStatement",
        method="POST",
        path="/v1/statements/{statement}/revocation",
        scope=Scope.APPROVE,
        summary="Take a statement back, and with it every ticket that rests on it and was not used.",
        run=_revoke,
        body=RevocationRequest,
        reply=Revoked,
        takes_version=True,
    ),
    Operation(
        name="listStatements",
        method="GET",
        path="/v1/changes/{change}/statements",
        scope=Scope.READ,
        summary="All signed statements about a change, oldest first, whether they count or not.",
        run=_about,
        list_of=SignedStatement,
    ),
)
