"""A ticket is used once, voided by STOP, and over after its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.errors import IllegalTransition
from interlock.core.ticket.record import Bar, TicketRecord, TicketState, record_of

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
OVER = NOW + timedelta(minutes=15)


@pytest.fixture
def issued(world: Any) -> TicketRecord:
    return record_of(world.ticket(), blob=sha256(b"file"))


def test_it_is_redeemed_once(issued: TicketRecord) -> None:
    used = issued.redeem(now=LATER, by="pipeline:ci")
    assert (used.state, used.ended_by, used.version) == (TicketState.REDEEMED, "pipeline:ci", 2)
    with pytest.raises(IllegalTransition) as caught:
        used.redeem(now=LATER, by="pipeline:ci")
    assert caught.value.code == "ticket-used"


def test_nothing_becomes_issued_again(issued: TicketRecord) -> None:
    ended = [issued.redeem(now=LATER, by="x"), issued.void(now=LATER, by="judge", why="STOP"), issued.at(OVER)]
    moves = [lambda one: one.redeem(now=LATER, by="x"), lambda one: one.at(OVER)]
    for record, move in product(ended, moves):
        try:
            assert move(record).state is not TicketState.ISSUED
        except IllegalTransition:
            assert record.state is not TicketState.ISSUED


@pytest.mark.parametrize(
    ("now", "code"), [(OVER, "ticket-expired"), (NOW - timedelta(milliseconds=1), "ticket-not-yet")]
)
def test_it_is_redeemed_in_its_time_only(issued: TicketRecord, now: datetime, code: str) -> None:
    with pytest.raises(IllegalTransition) as caught:
        issued.redeem(now=now, by="x")
    assert caught.value.code == code
    assert issued.redeem(now=OVER - timedelta(milliseconds=1), by="x").state is TicketState.REDEEMED


def test_stop_voids_even_a_redeemed_ticket(issued: TicketRecord) -> None:
    for record in (issued, issued.redeem(now=LATER, by="x")):
        voided = record.void(now=LATER, by="judge", why="orders fell")
        assert (voided.state, voided.why) == (TicketState.VOIDED, "orders fell")
        with pytest.raises(IllegalTransition, match="orders fell") as caught:
            voided.redeem(now=LATER, by="x")
        assert caught.value.code == "ticket-voided"


def test_what_did_harm_is_not_sent_to_the_gate_which_refuses_it(issued: TicketRecord) -> None:
    """What helps is a new approval, or another change."""
    bars = (_bar(issued),)
    for record in (issued.void(now=LATER, by="judge", why="orders fell"), issued):
        with pytest.raises(IllegalTransition) as caught:
            record.redeem(now=LATER, by="x", bars=bars)
        again = f"approve it again, knowing this: interlock approve {issued.change} --environment production"
        assert caught.value.hint.endswith(again)
    with pytest.raises(IllegalTransition) as free:
        issued.void(now=LATER, by="ana", why="not today").redeem(now=LATER, by="x")
    assert free.value.hint.startswith("ask for a new one: interlock gate ")


def test_what_is_over_is_not_voided(issued: TicketRecord) -> None:
    with pytest.raises(IllegalTransition) as caught:
        issued.void(now=OVER, by="judge", why="late")
    assert caught.value.code == "ticket-expired"


def _bar(issued: TicketRecord, **changed: Any) -> Bar:
    made = Bar(id="bar-1", digest=issued.digest, environment="production", since=NOW, why="orders fell")
    return replace(made, **changed)


def test_a_bar_holds_its_digest_in_its_environment(issued: TicketRecord) -> None:
    with pytest.raises(IllegalTransition, match="orders fell") as caught:
        issued.redeem(now=LATER, by="x", bars=(_bar(issued),))
    assert caught.value.code == "digest-barred"
    others = (
        _bar(issued, digest=sha256(b"previous")),
        _bar(issued, environment="staging"),
        _bar(issued, lifted_by="sig-1"),
    )
    assert issued.redeem(now=LATER, by="x", bars=others).state is TicketState.REDEEMED


def test_only_an_approval_signed_and_received_later_lifts_it(world: Any, issued: TicketRecord) -> None:
    bar = _bar(issued)
    new = replace(world.approval("ana", issued_at=LATER, expires_at=LATER + timedelta(hours=1)), received_at=LATER)
    assert bar.lift((new,)).lifted_by == "sig-ana"
    old = world.approval("ana")
    hopeless = [
        old,
        replace(old, received_at=LATER),  # signed before STOP, handed in after it
        replace(new, received_at=NOW),
        replace(new, revoked_at=LATER),
        replace(new, statement=replace(new.statement, digest=sha256(b"x"))),
        replace(new, statement=replace(new.statement, environment="staging")),
        replace(new, statement=replace(new.statement, purpose="exception")),
    ]
    for approval in hopeless:
        assert bar.lift((approval,)) == bar
    assert bar.lift(()) == bar
