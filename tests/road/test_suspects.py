"""Suspects from a real ledger: rollouts, tickets that were used or only given, and what deployers noted."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.ledger.entry import Entry
from interlock.core.ledger.event import Event
from interlock.core.rollout.record import Harm, RolloutRecord, RolloutState
from interlock.road import permit
from interlock.road.events import note_events, read_events
from interlock.road.revoke import take_back
from interlock.road.suspects import Asked, suspects
from interlock.testing.road import START, submission

SERVICE = "order-service"


def asked(road, *, service: str = SERVICE, **more):
    return suspects(road.station, road.person("ana"), Asked(service=service, **more))


def shipped(road, name: str, *, paths: tuple[str, ...] = ("src/promise.py",), use: bool = True):
    """A change with two approvals and a ticket, which the pipeline redeems."""
    change = road.open(submission(name, paths=paths), title=f"Change {name}")
    road.approve(change, "ana", "ben")
    result = road.gate(change)
    assert result.ticket_id is not None, result.reasons
    if use:
        permit.redeem(road.station, road.pipeline(), result.ticket_id)
    return change, result.ticket_id


def rolled(road, change, ticket: str, **differs) -> RolloutRecord:
    """A rollout as the engine writes it down: its record, and when its weights were served."""
    record = RolloutRecord(
        id=f"rol-{change.id[4:]}",
        service=SERVICE,
        environment="production",
        change=change.id,
        digest=change.digest,
        ticket=ticket,
        plan="sha256:" + "1" * 64,
        rules="sha256:" + "2" * 64,
        started_by="ana",
        started_at=road.clock.now(),
        state=RolloutState.RUNNING,
        weight=1.0,
    )
    record = replace(record, **differs)

    def work(tx):
        tx.records(RolloutRecord).add(record)
        tx.log.append(_entry(road, record, "rollout.started", {}))
        tx.log.append(_entry(road, record, "rollout.weighed", {"wanted": 1.0, "weight": 1.0}))

    road.station.store.write(work)
    return record


def said(road, record, kind: str, **body) -> None:
    road.station.store.write(lambda tx: tx.log.append(_entry(road, record, kind, body)))


def _entry(road, record, kind, body) -> Entry:
    return Entry(kind=kind, subject=record.id, actor="interlock", at=road.clock.now(), body=body)


def test_a_change_that_shipped_by_its_ticket_alone_is_a_suspect_with_its_approvers(road):
    change, ticket = shipped(road, "a")
    road.clock.pass_by(minutes=20)
    [found] = asked(road).items
    assert (found.rank, found.id, found.kind, found.ticket) == (1, change.id, "ticket", ticket)
    assert (found.title, found.approved_by, found.state) == ("Change a", ("ana", "ben"), "redeemed")
    assert found.suspect.relation == "itself"
    assert "20 min before" in found.suspect.why
    assert found.rollback == road.rules().catalog.services[SERVICE].rollback


def test_a_stopped_rollout_comes_first_and_has_nothing_left_to_take_back(road):
    first, ticket = shipped(road, "a", use=False)
    harm = Harm(metric="orders", estimate=0.0, at_least=0.81, log_e=7.1, lost=9.0, seconds=3.5)
    stopped = rolled(
        road,
        first,
        ticket,
        state=RolloutState.RETURNED,
        cause="harm",
        harm=harm,
        weight=0.0,
        ended_at=START,
        ticks=3,
    )
    said(road, stopped, "rollout.weighed", wanted=0.0, weight=0.0)
    road.clock.pass_by(minutes=90)
    later, _ = shipped(road, "b")
    found = asked(road).items
    assert [one.id for one in found] == [first.id, later.id]
    assert found[0].suspect.why[0] == "the judge stopped it for harm of orders: 1,212 : 1 for harm"
    assert (found[0].rollback, found[0].state) == ("", "returned")


def test_a_rollout_under_way_is_taken_back_by_interlock(road):
    change, ticket = shipped(road, "a")
    rolled(road, change, ticket, environment="production", log_e=2.0, ticks=9)
    [found] = asked(road).items
    assert (found.kind, found.rollback) == ("rollout", "interlock rollback order-service")
    assert "1 % of traffic now" in found.facts


def test_when_it_moved_is_its_latest_widening_before_the_trouble(road):
    change, ticket = shipped(road, "a")
    record = rolled(road, change, ticket)
    road.clock.pass_by(minutes=30)
    said(road, record, "rollout.weighed", wanted=5.0, weight=5.0)
    at = road.clock.now() + timedelta(minutes=1)
    road.clock.pass_by(minutes=30)
    said(road, record, "rollout.weighed", wanted=25.0, weight=25.0)
    [found] = asked(road, at=at).items
    assert found.suspect.seconds == 60


def test_what_came_after_is_apart(road):
    at = road.clock.now()
    road.clock.pass_by(minutes=5)
    change, _ = shipped(road, "a")
    found = asked(road, at=at)
    assert (found.items, [one.id for one in found.later]) == ((), [change.id])


def test_a_ticket_that_nobody_reported_used_is_a_suspect_and_a_voided_one_is_none(road):
    given, _ = shipped(road, "a", use=False)
    [found] = asked(road).items
    assert (found.id, found.state) == (given.id, "issued")
    assert "nobody reported that it went out" in " ".join(found.suspect.why)
    used, _ = shipped(road, "b")
    road.clock.pass_by(minutes=10)
    assert [one.id for one in asked(road).items] == [used.id, given.id]
    take_back(road.station, road.person("ana"), road.said_by(given, "ana").id, why="not what I saw")
    assert [one.id for one in asked(road).items] == [used.id]


def test_what_a_deployer_noted_about_a_service_is_a_suspect(road):
    events = [
        Event(name="deployment.applied", subject="payments-db", said={"service": "order-service"}),
        Event(name="flag.flipped", subject="order-service", said={"environment": "staging"}),
        Event(name="lunch.eaten", subject="canteen"),
    ]
    actor = road.person("ana")
    note_events(road.station, read_events(road.station, actor, events))
    [found] = asked(road).items
    assert (found.kind, found.title, found.by) == ("event", "deployment.applied: payments-db", "ana")


def test_a_note_about_a_change_belongs_to_the_change(road):
    change, _ = shipped(road, "a")
    road.clock.pass_by(minutes=10)
    events = [Event(name="deployment.applied", subject=change.id)]
    note_events(road.station, read_events(road.station, road.person("ana"), events))
    road.clock.pass_by(minutes=1)
    [found] = asked(road).items
    assert found.facts[-1] == "deployment.applied noted by ana"
    assert found.suspect.seconds == 60


def test_another_environment_and_another_time_are_left_out(road):
    shipped(road, "a")
    assert asked(road, environment="staging").considered == 0
    road.clock.pass_by(hours=3)
    assert asked(road).considered == 0
    assert asked(road, since=4 * 3_600.0).considered == 1


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"service": "ordr-service"}, "service-unknown"),
        ({"environment": "stagin"}, "environment-unknown"),
        ({"since": 0.0}, "suspects-window"),
        ({"since": 1e9}, "suspects-window"),
    ],
)
def test_what_cannot_be_answered_is_refused(road, differs, code):
    with pytest.raises(InvalidInput) as raised:
        asked(road, **differs)
    assert raised.value.code == code


def test_a_thousand_changes_are_answered_in_under_a_second(road):
    change, ticket = shipped(road, "a")

    def work(tx):
        for number in range(1_000):
            record = RolloutRecord(
                id=f"rol-{number:010d}",
                service=SERVICE,
                environment="production",
                change=change.id if number == 0 else f"chg-many{number:06d}",
                digest=change.digest,
                ticket=ticket,
                plan="",
                rules="",
                started_by="ana",
                started_at=START,
            )
            tx.records(RolloutRecord).add(record)
            for kind in ("rollout.started", "rollout.weighed", "rollout.observed", "rollout.completed"):
                tx.log.append(_entry(road, record, kind, {"wanted": 1.0}))

    road.station.store.write(work)
    began = time.process_time()
    found = asked(road)
    assert time.process_time() - began < 1.0
    assert found.considered == 1_000


def test_a_change_of_rules_alone_is_below_what_was_shipped_and_asks_for_no_way_back(road):
    """Two plans that had just come into force were ranked 1 and 2, and asked for a way to take them back."""
    own, _ = shipped(road, "a")
    road.clock.pass_by(minutes=100)
    rules, _ = shipped(road, "b", paths=("rollouts/order-service.yaml",))
    road.clock.pass_by(minutes=1)
    first, second = asked(road).items
    assert [first.id, second.id] == [own.id, rules.id]
    assert (second.suspect.relation, second.rollback) == ("rules", "")
    assert second.suspect.why[0] == "it changes rules alone and ships nothing: rollouts/order-service.yaml"
