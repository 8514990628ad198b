"""Statements: what a person signs, prepared here, signed elsewhere, handed in with the signature.

Approvals, exceptions, break-glass, delegations and absences are all statements; their purpose tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.core.approval.model import SignedStatement, Statement
from interlock.doors.api.surface import Answer, Call, Operation
from interlock.road import gather, intake
from interlock.road.gather import StatementRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A statement exactly as it was prepared, with its armoured SSH signature."""

    statement: Statement
    signature: str


def _prepare(call: Call) -> Answer:
    return Answer(body=gather.prepare_statement(call.station, call.actor, call.body))


def _add(call: Call) -> Answer:
    wanted: SignedRequest = call.body
    signed = gather.add_statement(call.station, call.actor, wanted.statement, wanted.signature)
    return Answer(body=signed, status=201)


def _about(call: Call) -> Answer:
    change = intake.show(call.station, call.actor, call.path["change"]).id
    found = call.station.store.read(lambda tx: gather.statements_about(tx, change))
    return Answer(body={"items": list(found), "next": None})


def _standing(call: Call) -> Answer:
    return Answer(body={"items": list(call.station.store.read(gather.standing_statements)), "next": None})


OPERATIONS = (
    Operation(
        name="prepareStatement",
        method="POST",
        path="/v1/statements/prepare",
        scope=Scope.READ,
        summary="What a person is to sign, about the digest the change has now. Records nothing.",
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
        summary="Hand in a signed statement: an approval, an exception, break-glass, a delegation, an absence.",
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
        name="listStatements",
        method="GET",
        path="/v1/changes/{change}/statements",
        scope=Scope.READ,
        summary="All signed statements about a change, oldest first, whether they count or not.",
        run=_about,
        list_of=SignedStatement,
    ),
)
