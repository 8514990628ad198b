"""The gate and the taking back at the same moment, on SQLite and on PostgreSQL, from two servers.

Whoever comes first: no ticket is ever in force that rests on a statement that was taken back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from interlock.core.approval.actor import Actor, Scope
from interlock.core.approval.model import SignedStatement
from interlock.core.change.change import ChangeState
from interlock.core.change.errors import IllegalTransition, InterlockError
from interlock.core.change.parse import parse_json
from interlock.core.ledger.note import VerifierKey
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.record import TicketRecord, TicketState
from interlock.ports.store import Page
from interlock.road import intake, permit, revoke
from interlock.road.permit import GateResult
from interlock.road.station import Station
from interlock.storage.audit import audit
from interlock.testing.postgresql import PostgreSQL
from interlock.testing.road import CountingIds, Road, submission

ROUNDS = 8
RULES = ("tier1-two-approvals", "tier1-presence")
BEN = Actor(principal="ben", kind="person", scopes=frozenset({Scope.READ, Scope.APPROVE}))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def road(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Road]:
    database = ""
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        database = server.new_database()
    made = Road(folder=tmp_path, enforced=RULES, database=database)
    yield made
    made.close()


@pytest.fixture
def other(road: Road) -> Iterator[Station]:
    station = road.another_server(CountingIds(count(1_000_000)))
    yield station
    station.store.close()


def at_once(*work: Callable[[], object]) -> list[object]:
    """Run all from one start line; an error of ours is a result."""
    line = threading.Barrier(len(work))

    def caught(one: Callable[[], object]) -> object:
        line.wait(timeout=30)
        try:
            return one()
        except InterlockError as error:
            return error

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(caught, work))


def resting_on_what_was_taken_back(road: Road) -> list[str]:
    """Ids of tickets in force that carry a statement that was taken back."""
    now = road.clock.now()

    def look(tx) -> list[str]:
        gone = {one.id for one in tx.records(SignedStatement).page(Page(limit=200)) if one.revoked_at is not None}
        assert gone
        found = []
        for record in tx.records(TicketRecord).page(Page(limit=200)):
            ticket = parse_json(Ticket, tx.blob(record.blob), what="the ticket")
            carried = {one.id for one in (*ticket.approvals, *ticket.delegations)}
            if record.at(now).state is TicketState.ISSUED and carried & gone:
                found.append(record.id)
        return found

    return road.station.store.read(look)


def test_the_gate_and_the_taking_back_at_once_leave_no_ticket_in_force(road: Road, other: Station) -> None:
    for number in range(ROUNDS):
        change = road.open(submission(f"race-{number}"))
        road.approve(change, "ana", "ben")
        name = road.said_by(change, "ben").id
        offer = permit.Offer(submission=change.submission)
        gates = [partial(permit.gate, at, road.pipeline(), change.id, offer) for at in (road.station, other)]
        back = partial(revoke.take_back, other, BEN, name)
        *results, done = at_once(*gates, back)
        assert isinstance(done, revoke.TakenBack)
        allowed = {one.ticket_id for one in results if isinstance(one, GateResult) and one.ticket_id}
        assert {record.id for record in done.voided} == allowed
        assert resting_on_what_was_taken_back(road) == []
        assert permit.gate(other, road.pipeline(), change.id, offer).outcome is not Outcome.ALLOW
        assert intake.show(road.station, BEN, change.id).state is ChangeState.OPEN
        intake.withdraw(road.station, road.person("omar"), change.id)
    assert audit(road.database, VerifierKey.parse(road.station.ledger_key)).findings == ()


def test_redeeming_and_taking_back_at_once_have_one_winner(road: Road, other: Station) -> None:

    for number in range(ROUNDS):
        change = road.open(submission(f"use-{number}"))
        road.approve(change, "ana", "ben")
        ticket = str(road.gate(change).ticket_id)
        name = road.said_by(change, "ben").id
        use, done = at_once(
            partial(permit.redeem, road.station, road.pipeline(), ticket),
            partial(revoke.take_back, other, BEN, name),
        )
        assert isinstance(done, revoke.TakenBack)
        used = isinstance(use, TicketRecord)
        assert used or (isinstance(use, IllegalTransition) and use.code == "ticket-voided")
        assert [record.id for record in (done.too_late if used else done.voided)] == [ticket]
        assert [record.id for record in (done.voided if used else done.too_late)] == []

        intake.withdraw(road.station, road.person("omar"), change.id)


def test_taken_back_twice_at_once_is_taken_back_once(road: Road, other: Station) -> None:
    for number in range(ROUNDS):
        change = road.open(submission(f"twice-{number}"))
        road.approve(change, "ben")
        name = road.said_by(change, "ben").id
        results = at_once(*(partial(revoke.take_back, at, BEN, name) for at in (road.station, other)))
        (refused,) = [one for one in results if isinstance(one, IllegalTransition)]
        assert refused.code == "statement-taken-back"
        told = road.station.store.read(lambda tx, about=change.id: tx.log.entries(about))
        assert [entry.kind for _, entry in told].count("statement.revoked") == 1
        intake.withdraw(road.station, road.person("omar"), change.id)


def test_a_delegation_taken_back_while_the_gate_reads_it(road: Road, other: Station) -> None:
    for number in range(ROUNDS // 3):
        change = road.open(submission(f"lent-{number}"))
        road.approve(change, "ana")
        delegation = road.lend("ben", "cleo").id
        road.hand_in(road.prepare(change, "cleo", on_behalf_of="ben"))
        offer = permit.Offer(submission=change.submission)
        _, done = at_once(
            partial(permit.gate, road.station, road.pipeline(), change.id, offer),
            partial(revoke.take_back, other, BEN, delegation),
        )
        assert isinstance(done, revoke.TakenBack)
        assert resting_on_what_was_taken_back(road) == []
        assert permit.gate(other, road.pipeline(), change.id, offer).outcome is not Outcome.ALLOW
        intake.withdraw(road.station, road.person("omar"), change.id)
