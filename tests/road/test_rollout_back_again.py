"""A rollout whose way back failed is brought back by asking once more, by whoever moves rollouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.core.change.errors import NotFound
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.ticket.record import Bar
from interlock.road.roll import asks, verify
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

QUICK = (
    PLAN.replace("baseline: 60s", "baseline: 0")
    .replace(
        "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
    )
    .replace("rollback:\n", "rollback:\n  - {name: cold, kind: flags, run: [cold], verify: [verify, cold]}\n")
)


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    often, fewer = Arm(errors=0.05), Arm(orders=0.005, errors=0.05)
    made = Rolling(tmp_path, plan=QUICK, world=World(rate=1000.0, control=often, canary=fewer))
    yield made
    made.close()


def failed(rolling: Rolling) -> RolloutRecord:
    """It did harm, and the second step of its way back could not be done."""
    rolling.world.failing.add("down")
    ended = rolling.run(rolling.begin().id)
    assert (ended.state, ended.cause) == (RolloutState.FAILED, "harm")
    return ended


def again(rolling: Rolling) -> RolloutRecord:
    person = rolling.road.person("ana")
    return asks.roll_back(rolling.station, person, "order-service", "production", "once more")


def test_asked_once_more_it_goes_back_and_keeps_what_it_had_found(rolling: Rolling) -> None:
    """The server said that there was nothing to bring back, and a flag could be moved by nobody else."""
    before = failed(rolling)
    rolling.world.failing.clear()
    taken = again(rolling)
    assert (taken.id, taken.state, taken.phase) == (before.id, RolloutState.RETURNING, "withdraw")
    assert again(rolling) == taken  # asked twice is asked once
    after = rolling.run(before.id)
    assert (after.state, after.cause, after.harm) == (RolloutState.RETURNED, "harm", before.harm)
    assert verify.verify(rolling.station, rolling.road.person("ana"), before.id).exact


def test_each_act_has_its_intent_and_its_outcome_and_what_is_done_stays(rolling: Rolling) -> None:
    before = failed(rolling)
    acts, ran = len(rolling.effects(before.id)), rolling.world.ran.count("cold")
    rolling.world.failing.clear()
    again(rolling)
    rolling.run(before.id)
    new = [(one.kind, one.target, one.state, one.said) for one in rolling.effects(before.id)[acts:]]
    assert new == [
        ("weight", "0", "done", "serves 0 %"),
        ("step", "rollback/cold", "done", "was done already"),
        ("step", "rollback/down", "done", "down was not run"),
    ]
    assert rolling.world.ran.count("cold") == ran
    kinds = rolling.kinds(before.id)
    assert [kinds.count(f"rollout.{kind}") for kind in ("failed", "rolled-back", "stopped", "returned")] == [1] * 4
    bars = rolling.station.store.read(lambda tx: tx.records(Bar).find(digest=before.digest))
    assert len(bars) == 1


def test_traffic_that_came_back_meanwhile_is_taken_away_first(rolling: Rolling) -> None:
    before = failed(rolling)
    rolling.world.failing.clear()
    rolling.world.weight = 5.0
    again(rolling)
    after = rolling.run(before.id)
    assert (after.state, rolling.world.weight) == (RolloutState.RETURNED, 0.0)


def test_whoever_takes_over_in_the_middle_goes_on(rolling: Rolling) -> None:
    before = failed(rolling)
    rolling.world.failing.clear()
    again(rolling)
    rolling.run(before.id, until=lambda record: record.phase == "undo" and record.step == 1)
    rolling.let_go()
    assert rolling.run(before.id).state is RolloutState.RETURNED


def test_what_fails_once_more_is_told_and_can_be_asked_again(rolling: Rolling) -> None:
    before = failed(rolling)
    again(rolling)
    still = rolling.run(before.id)
    assert (still.state, still.harm, rolling.world.weight) == (RolloutState.FAILED, before.harm, 0.0)
    rolling.world.failing.clear()
    again(rolling)
    assert rolling.run(before.id).state is RolloutState.RETURNED


def test_it_is_the_failed_one_and_not_the_one_before_that_goes_back(rolling: Rolling) -> None:
    """The one before, which was still kept, would have been taken from all traffic."""
    fewer, rolling.world.canary = rolling.world.canary, rolling.world.control
    good = rolling.run(rolling.begin("b").id)
    rolling.world.canary, rolling.world.weight = fewer, 0.0
    before = failed(rolling)
    assert (good.state, again(rolling).id) == (RolloutState.COMPLETED, before.id)


def test_nothing_else_starts_until_it_is_back(rolling: Rolling) -> None:
    """Whatever runs there now is what nobody wanted, and the next one would be held against it."""
    before = failed(rolling)
    change, ticket = rolling.change("b")
    (found,) = rolling.start(change, ticket).obstacles
    assert (found.code, found.hint.endswith("interlock rollback order-service")) == ("rollback-unfinished", True)
    assert before.id in found.text
    rolling.world.failing.clear()
    again(rolling)
    rolling.run(before.id)
    following = rolling.begin("c")
    asks.abort(rolling.station, rolling.road.person("ana"), following.id)
    rolling.run(following.id)
    with pytest.raises(NotFound) as nothing:
        again(rolling)
    assert nothing.value.code == "rollback-nothing"
