"""The gate and its tickets. A refusal is a good answer (200) with every reason, never an error."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.core.approval.actor import Scope
from interlock.core.policy.decision import Outcome, Reason
from interlock.core.ticket.record import TicketRecord
from interlock.core.ticket.shipped import Shipped
from interlock.doors.api.nouns.judgements import JudgementShown
from interlock.doors.api.nouns.judgements import shown as shown_judgement
from interlock.doors.api.surface import Answer, Call, Operation, Query
from interlock.ports.store import Tx
from interlock.road import intake, permit
from interlock.road.permit import Offer
from interlock.road.shipped import show_shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReply:
    """``reasons`` are all that stand in the way; ``ticket`` is the sealed file's text when there are none."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    judgement: JudgementShown
    ticket_id: str | None = None
    ticket: str | None = None


def _gate(call: Call) -> Answer:
    result = permit.gate(call.station, call.actor, call.path["change"], call.body)
    reply = GateReply(
        outcome=result.outcome,
        reasons=result.reasons,
        judgement=shown_judgement(result.judgement),
        ticket_id=result.ticket_id,
        ticket=None if result.ticket is None else result.ticket.decode(),
    )
    return Answer(body=reply)


def _redeem(call: Call) -> Answer:
    return Answer(body=permit.redeem(call.station, call.actor, call.path["ticket"]))


def _show(call: Call) -> Answer:
    now = call.station.clock.now()

    def work(tx: Tx) -> TicketRecord:
        return tx.records(TicketRecord).get(call.path["ticket"]).at(now)

    return Answer(body=call.station.store.read(work))


def _tickets(call: Call) -> Answer:
    change = intake.show(call.station, call.actor, call.path["change"]).id
    now = call.station.clock.now()
    found = call.station.store.read(lambda tx: list(tx.records(TicketRecord).find(change=change)))
    return Answer(body={"items": [record.at(now) for record in found], "next": None})


def _shipped(call: Call) -> Answer:
    repository, environment = call.text("repository") or "", call.text("environment") or ""
    return Answer(body=show_shipped(call.station, call.actor, repository, environment))


OPERATIONS = (
    Operation(
        name="gate",
        method="POST",
        path="/v1/changes/{change}/gate",
        scope=Scope.GATE,
        summary="May it go to this environment now? Asked again while a ticket is valid, the same ticket.",
        run=_gate,
        body=Offer,
        reply=GateReply,
        joined=False,
    ),
    Operation(
        name="showShipped",
        method="GET",
        path="/v1/shipped",
        scope=Scope.READ,
        summary="What went from a repository to an environment before: where the next range begins.",
        run=_shipped,
        reply=Shipped,
        stateless=True,
        query=(
            Query(name="environment", text="where it went", required=True),
            Query(
                name="repository",
                text="the address of its origin; without it a repository that has none",
                kind="text",
            ),
        ),
    ),
    Operation(
        name="redeemTicket",
        method="POST",
        path="/v1/tickets/{ticket}/redemption",
        scope=Scope.GATE,
        summary="Use a ticket; it is used once.",
        run=_redeem,
        reply=TicketRecord,
    ),
    Operation(
        name="showTicket",
        method="GET",
        path="/v1/tickets/{ticket}",
        scope=Scope.READ,
        summary="Where a ticket stands now.",
        run=_show,
        reply=TicketRecord,
    ),
    Operation(
        name="listTickets",
        method="GET",
        path="/v1/changes/{change}/tickets",
        scope=Scope.READ,
        summary="All tickets of a change, oldest first.",
        run=_tickets,
        list_of=TicketRecord,
    ),
)
