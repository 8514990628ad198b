"""The end of the road: a change that landed is closed, by those who brought it or by the pipeline that shipped it.

Rules:
1. Only what a ticket was used for has landed. While another ticket of the change may still be used it is not over.
2. A closed change takes no push, no approval and no gate, and stands in nobody's way: the same services are free
   for the next one, wherever its ticket ended.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.canonical import Json
from interlock.core.change.change import ChangeRecord, ChangeState
from interlock.core.change.errors import IllegalTransition
from interlock.core.ledger.entry import Entry
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Tx
from interlock.road.intake import agent_of, takes_part
from interlock.road.station import Station


def close(station: Station, actor: Actor, change_id: str, *, version: int | None = None) -> ChangeRecord:
    """The change, landed and over.

    Raises:
        Forbidden: ``change-not-yours`` for who takes no part in it and is no pipeline.
        IllegalTransition: ``change-not-landed`` when no ticket of its present content was used, and
            ``ticket-in-force`` while one may still be; ``change-state`` when it is over or never was permitted.
    """
    actor.require(Scope.OPEN)

    def work(tx: Tx) -> ChangeRecord:
        before = tx.records(ChangeRecord).get(change_id)
        tx.vouch(ChangeRecord, [change_id], about=change_id)
        if actor.kind != "pipeline":
            rules = station.rules(tx).rules
            agent_of(actor, rules)
            takes_part(actor, before, rules)
        after = before.move(ChangeState.CLOSED)
        used = _used(station, tx, before)
        tx.records(ChangeRecord).replace(after, expected_version=before.version if version is None else version)
        tx.log.append(_entry(station, actor, after, used))
        return after

    return station.store.write(work)


def _used(station: Station, tx: Tx, change: ChangeRecord) -> Sequence[TicketRecord]:
    """The tickets that the present content went out with."""
    now = station.clock.now()
    tickets = [one.at(now) for one in tx.records(TicketRecord).find(change=change.id, digest=change.digest)]
    for one in tickets:
        if one.state is TicketState.ISSUED:
            raise IllegalTransition(
                f"expected no ticket in force, got {one.id} for {one.environment}, "
                f"valid until {one.expires_at:%H:%M:%S} UTC",
                code="ticket-in-force",
                hint="have it redeemed or let it expire, at most fifteen minutes; to stop it, withdraw the change",
            )
    used = [one for one in tickets if one.state is TicketState.REDEEMED]
    if not used:
        raise IllegalTransition(
            f"expected a change whose ticket was used, got `{change.id}` which never went out",
            code="change-not-landed",
            hint="withdraw it instead: interlock change withdraw",
        )
    return used


def _entry(station: Station, actor: Actor, change: ChangeRecord, used: Sequence[TicketRecord]) -> Entry:
    body: dict[str, Json] = {"digest": change.digest, "tickets": [one.id for one in used]}
    now = station.clock.now()
    return Entry(kind="change.closed", subject=change.id, actor=actor.principal, at=now, body=body)
