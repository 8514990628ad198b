"""Taking back what lends, lifts or keeps away: delegations, exceptions, broken glass and absences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.change import Change, ChangeState
from interlock.core.change.errors import Forbidden
from interlock.core.change.parse import parse_json
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.road import gather, intake, permit, revoke
from interlock.testing.authenticator import TOUCH
from interlock.testing.road import Road, submission


def token(name: str, *more: Scope) -> Actor:
    """A person's token that may approve, and no more than that."""
    return Actor(principal=name, kind="person", scopes=frozenset({Scope.READ, Scope.APPROVE, *more}))


def take_back(road: Road, statement: str, by: str = "ben", *, why: str = "") -> revoke.TakenBack:
    return revoke.take_back(road.station, token(by), statement, why=why)


def state_of(road: Road, change: Change) -> ChangeState:
    return intake.show(road.station, road.person("ana"), change.id).state


def ticket_of(road: Road, result: permit.GateResult) -> TicketRecord:
    return road.station.store.read(lambda tx: tx.records(TicketRecord).get(str(result.ticket_id)))


def lends(road: Road, change: Change, *, to: str = "cleo") -> tuple[str, str]:
    """Ben lends his voice to somebody, who approves with it: ids of the delegation and of the approval."""
    delegation = road.lend("ben", to).id
    return delegation, road.hand_in(road.prepare(change, to, on_behalf_of="ben")).id


def test_a_delegation_taken_back_voids_the_tickets_that_rest_on_it(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana")
    delegation, _ = lends(road, change)
    result = road.gate(change)
    assert result.outcome is Outcome.ALLOW
    done = take_back(road, delegation, why="back from holiday")
    assert [record.id for record in done.voided] == [result.ticket_id]
    assert state_of(road, change) is ChangeState.OPEN
    rejected = {one.approver: one.reason for one in road.gate(change).judgement.tally.rejected}
    assert rejected == {"cleo": "the delegation by `ben` was taken back"}


def test_a_delegation_taken_back_leaves_tickets_without_it_alone(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    result = road.gate(change)
    other = road.open(submission("b"))
    delegation, _ = lends(road, other)
    assert take_back(road, delegation).voided == ()
    assert ticket_of(road, result).state is TicketState.ISSUED


def test_whose_voice_was_lent_may_take_the_approval_back_and_who_borrowed_not_the_delegation(road: Road) -> None:
    change = road.open(submission("a"))
    delegation, approval = lends(road, change)
    assert take_back(road, approval, "ben").right == "lender"
    with pytest.raises(Forbidden):
        take_back(road, delegation, "cleo")


def test_a_lent_voice_is_worth_only_what_the_delegation_in_force_shows(road: Road) -> None:
    """A delegation with presence that was taken back lends none of it to a later one without."""
    change = road.open(submission("a"))
    first, _ = lends(road, change)
    take_back(road, first)
    road.lend("ben", "cleo", flags=TOUCH)
    (counted,) = road.gate(change).judgement.tally.counted
    assert (counted.on_behalf_of, counted.presence) == ("ben", "present")


def test_a_later_ticket_carries_only_the_delegation_in_force(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana")
    first, _ = lends(road, change)
    take_back(road, first)
    second = road.lend("ben", "cleo").id
    record = ticket_of(road, road.gate(change))
    content = road.station.store.read(lambda tx: tx.blob(record.blob))
    carried = parse_json(Ticket, content, what="the ticket").delegations
    assert [item.id for item in carried] == [second]


def test_an_absence_is_taken_back_by_the_absent_person_alone(road: Road) -> None:
    request = gather.StatementRequest(purpose="absence", subject="ben", approver="ben", digest=road.rules().digest)
    said = gather.prepare_statement(road.station, road.person("ben"), request)
    name = road.hand_in(said).id
    with pytest.raises(Forbidden) as refused:
        revoke.take_back(road.station, token("vera", Scope.ADMIN), name, why="we need ben")
    assert refused.value.code == "statement-not-yours"
    away = road.open(submission("a"))
    assert "ben" not in [one.person for one in road.gate(away).judgement.proposals]
    take_back(road, name)
    back = road.gate(away).judgement.proposals
    assert "ben" in [one.person for one in back]


@pytest.mark.parametrize("purpose", ["exception", "break-glass"])
def test_a_grant_taken_back_lifts_nothing_and_voids_its_ticket(road: Road, purpose: str) -> None:
    change = road.open(submission("a"))
    details = {"rule": "tier1-two-approvals", "reason": "checkout is down"}
    minutes = timedelta(minutes=30)
    for person in ("ana", "ben"):
        said = road.prepare(change, person, purpose=purpose, details=details, answers={})
        road.hand_in(replace(said, expires_at=said.issued_at + minutes))
    road.approve(change, *(("vera",) if purpose == "exception" else ()))
    result = road.gate(change)
    assert result.outcome is Outcome.ALLOW
    done = take_back(road, road.said_by(change, "ben").id)
    assert [record.id for record in done.voided] == [result.ticket_id]
    again = road.gate(change)
    assert again.outcome is not Outcome.ALLOW
    assert again.judgement.grants == ()
    assert state_of(road, change) is ChangeState.OPEN
