"""A ticket that is voided and a freeze that begins while a rollout is under way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from interlock.core.approval.model import Statement
from interlock.core.change.errors import IllegalTransition
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.road.void import void_in
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)


def _watched(record: RolloutRecord) -> bool:
    return record.phase == "watch"


def _world() -> World:
    return World(rate=1000.0, control=Arm(errors=0.05), canary=Arm(errors=0.05))


def _signed_for(record: RolloutRecord, world: World) -> Statement:
    """What somebody means to sign to take it to the second stage."""
    now = world.now()
    return Statement(
        purpose="widen",
        subject=record.id,
        digest=record.digest,
        environment=record.environment,
        approver="ana",
        nonce="meant-before-the-sale",
        issued_at=now,
        expires_at=now + timedelta(minutes=60),
        details={"stage": "2 of 4", "percent": "10", "not_ruled_out": "orders: nothing is ruled out", "why": "w"},
    )


def test_a_rollout_whose_ticket_is_voided_goes_back_within_seconds(tmp_path: Path) -> None:
    """It went on until the next PASS, where its driver failed."""
    rolling = Rolling(tmp_path, plan=QUICK, world=_world())
    started = rolling.begin()
    rolling.run(started.id, until=_watched)
    voided_at = rolling.world.time
    actor = rolling.road.pipeline()
    rolling.station.store.write(
        lambda tx: void_in(rolling.station, tx, actor, started.ticket, why="a key was taken back")
    )
    back = rolling.run(started.id, until=lambda record: record.phase == "settle")
    assert rolling.world.time - voided_at <= 8
    ended = rolling.run(started.id)
    assert (ended.state, ended.cause, ended.weight, back.stage) == (RolloutState.RETURNED, "ticket-void", 0.0, 0)
    assert "a key was taken back" in ended.why
    rolling.close()


def test_a_freeze_that_begins_meanwhile_holds_it_and_lets_it_go_on_by_itself(tmp_path: Path) -> None:
    """It widened and was promoted in the middle of the sale."""
    world = _world()
    begins = world.now() + timedelta(seconds=5)
    rolling = Rolling(tmp_path, plan=QUICK, world=world, modes=("freeze-window",), freeze=begins)
    started = rolling.begin()
    said = _signed_for(rolling.run(started.id, until=_watched), world)
    held = rolling.run(started.id, until=lambda record: record.hold == "frozen")
    assert "Spring sale" in held.why
    for _ in range(30):
        rolling.step()
    held = rolling.record(started.id)
    assert (held.state, held.stage, held.wanted) == (RolloutState.HELD, 0, 1.0)
    assert rolling.kinds(started.id).count("rollout.held") == 1
    for act in (lambda: rolling.said(started.id), lambda: rolling.hand_in(said)):
        with pytest.raises(IllegalTransition, match="Spring sale"):
            act()
    assert rolling.record(started.id).hold == "frozen"
    rolling.let_go()
    rolling.world.pass_by(3600.0)
    assert rolling.run(started.id).state is RolloutState.COMPLETED
    rolling.close()
