"""Two servers on one real PostgreSQL, asked at the same time: one ticket, one use, one state, one ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from interlock.core.change.errors import Conflict, IllegalTransition, InterlockError
from interlock.core.ledger.note import VerifierKey
from interlock.road import gather, intake, permit
from interlock.road.station import Station
from interlock.storage.audit import audit
from interlock.testing.postgresql import PostgreSQL
from interlock.testing.road import CountingIds, Road, submission

ROUNDS = 8
RULES = ("tier1-two-approvals", "tier1-presence")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def road(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[Road]:
    made = Road(folder=tmp_path, enforced=RULES, database=postgresql.new_database())
    yield made
    made.close()


@pytest.fixture
def other(road: Road) -> Iterator[Station]:
    station = road.another_server(CountingIds(count(1_000_000)))
    yield station
    station.store.close()


def both(*work: Callable[[], object]) -> list[object]:
    """Run at once; an error of ours is a result."""

    def caught(one: Callable[[], object]) -> object:
        try:
            return one()
        except InterlockError as error:
            return error

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(caught, work))


def test_two_gates_give_one_ticket_and_two_redeemers_one_use(road: Road, other: Station) -> None:
    for number in range(ROUNDS):
        change = road.open(submission(f"round-{number}"))
        road.approve(change, "ana", "ben")
        offer = permit.Offer(submission=change.submission)
        ask = [partial(permit.gate, at, road.pipeline(), change.id, offer) for at in (road.station, other)]
        tickets = {result.ticket_id for result in both(*ask)}
        assert len(tickets) == 1
        (ticket,) = tickets
        use = [partial(permit.redeem, at, road.pipeline(), ticket) for at in (road.station, other)]
        results = both(*use)
        assert [type(result) for result in results].count(IllegalTransition) == 1
        intake.withdraw(road.station, road.person("omar"), change.id)
    _holds(road)


def test_a_signature_handed_in_twice_at_once_counts_once(road: Road, other: Station) -> None:
    for number in range(ROUNDS):
        change = road.open(submission(f"twice-{number}"))
        said = road.prepare(change, "ana")
        signature = road.keys["ana"].sign(said)
        hand_in = [
            partial(gather.add_statement, at, road.person("ana"), said, signature) for at in (road.station, other)
        ]
        assert [type(result) for result in both(*hand_in)].count(Conflict) == 1
        intake.withdraw(road.station, road.person("omar"), change.id)
    _holds(road)


def test_the_same_content_is_opened_once(road: Road, other: Station) -> None:
    for number in range(ROUNDS):
        request = intake.OpenRequest(title="Race", submission=submission(f"same-{number}"))
        opened = [partial(intake.open_change, at, road.person("omar"), request) for at in (road.station, other)]
        assert [type(result) for result in both(*opened)].count(Conflict) == 1
    _holds(road)


def _holds(road: Road) -> None:
    assert audit(road.database, VerifierKey.parse(road.station.ledger_key)).findings == ()
