"""Lying parts are caught: never judged, never a pass, held or returned as the plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)
RETURN = f"{QUICK}untrusted: return\n"
Make = Callable[..., Rolling]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Rolling] = []

    def new(plan: str = QUICK) -> Rolling:
        arm = Arm(errors=0.05)
        made.append(Rolling(tmp_path, plan=plan, world=World(rate=1000.0, control=arm, canary=replace(arm))))
        return made[-1]

    yield new
    for each in made:
        each.close()


def untrusted(record: RolloutRecord) -> bool:
    return record.hold == "untrusted"


def watched(make: Make, plan: str = QUICK) -> tuple[Rolling, str]:
    rolling = make(plan)
    started = rolling.begin()
    rolling.run(started.id, until=lambda record: record.phase == "watch" and record.weight > 0)
    return rolling, started.id


def never_wider(rolling: Rolling) -> bool:
    return max(weight for _, weight in rolling.world.weights) <= 1.0


def test_a_router_that_ignores_a_weight(make: Make) -> None:
    rolling = make()
    rolling.world.ignores = True
    held = rolling.run(rolling.begin().id, until=untrusted)
    assert (held.state, "router-lies" in held.why, held.weight) == (RolloutState.HELD, True, 0.0)
    rolling.world.ignores = False
    assert rolling.run(held.id).state is RolloutState.COMPLETED


def test_a_router_that_refuses_a_weight_is_quoted_and_not_called_a_liar(make: Make) -> None:
    rolling = make()
    rolling.world.refuses = "expected a weight that this router can split, got 1 %"
    held = rolling.run(rolling.begin().id, until=untrusted)
    why = "router-too-coarse: expected a weight that this router can split, got 1 %; 1 % was to be set"
    assert (held.why, held.weight) == (why, 0.0)


def test_a_router_that_ignores_a_weight_returns_where_the_plan_says_so(make: Make) -> None:
    rolling = make(RETURN)
    rolling.world.ignores = True
    ended = rolling.run(rolling.begin().id)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "untrusted")


def test_more_traffic_than_was_granted_is_set_again_and_not_judged(make: Make) -> None:
    rolling, rollout = watched(make)
    rolling.world.weight = 30.0
    for _ in range(3):
        rolling.step()
    assert rolling.world.weight == 1.0
    assert rolling.run(rollout).state is RolloutState.COMPLETED


def test_traffic_that_somebody_took_away_is_left_there(make: Make) -> None:
    rolling, rollout = watched(make)
    rolling.world.weight = 0.0
    ended = rolling.run(rollout)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "lost-weight")
    assert [weight for _, weight in rolling.world.weights] == [1.0, 0.0]


@pytest.mark.parametrize("lie", ["frozen", "meter_down"])
def test_old_or_missing_values_are_no_pass(make: Make, lie: str) -> None:
    rolling, rollout = watched(make)
    setattr(rolling.world, lie, True)
    held = rolling.run(rollout, until=untrusted)
    assert (held.state, never_wider(rolling)) == (RolloutState.HELD, True)
    setattr(rolling.world, lie, False)
    assert rolling.run(rollout).state is RolloutState.COMPLETED


def test_one_arm_that_is_silent_is_no_pass(make: Make) -> None:
    rolling, rollout = watched(make, RETURN)
    rolling.world.silent = frozenset({"control"})
    ended = rolling.run(rollout)
    assert (ended.cause, never_wider(rolling)) == ("untrusted", True)


def test_a_clock_that_jumps_an_hour_ends_no_bake(make: Make) -> None:
    rolling, rollout = watched(make)
    before = rolling.record(rollout).baked
    rolling.world.skew = 3600.0
    for _ in range(3):
        rolling.step()
    record = rolling.record(rollout)
    assert (record.stage, record.baked - before < 10) == (0, True)
    assert rolling.run(rollout).state is RolloutState.COMPLETED


def test_a_canary_that_is_gone_is_evidence_and_not_missing(make: Make) -> None:
    """Every request assigned to it is an error, and its orders are 0."""
    rolling, rollout = watched(make)
    rolling.world.gone = True
    ended = rolling.run(rollout)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, "harm")


def test_a_router_that_is_gone_when_traffic_must_come_back_is_asked_until_it_answers(make: Make) -> None:
    rolling, rollout = watched(make)
    rolling.world.canary.orders = 0.0
    rolling.run(rollout, until=lambda record: record.phase == "withdraw")
    rolling.world.router_down = True
    for _ in range(15):
        rolling.step()
    stuck = rolling.record(rollout)
    assert (stuck.state, stuck.phase) == (RolloutState.RETURNING, "withdraw")
    assert "rollout.escalated" in rolling.kinds(rollout)
    rolling.world.router_down = False
    assert rolling.run(rollout).state is RolloutState.RETURNED
    assert rolling.world.weight == 0.0


def crash(rolling: Rolling, arms: tuple[str, ...] = ("canary",)) -> None:
    """A process dies and is back within a tick: what it counted begins at zero."""
    for key in rolling.world.counts:
        if key[0] in arms:
            rolling.world.counts[key] = 0.0


def crashing(rolling: Rolling, rollout: str, arms: tuple[str, ...] = ("canary",)) -> RolloutRecord:
    """Seven crashes in fourteen seconds, or until that is enough."""
    for second in range(14):
        if second % 2 == 0:
            crash(rolling, arms)
        rolling.step()
        if rolling.record(rollout).state is RolloutState.RETURNING:
            break
    return rolling.record(rollout)


def test_a_canary_that_crashes_and_comes_back_again_and_again_is_taken_back(make: Make) -> None:
    """Every crash took its tick out: little was ever judged, and it was held at its weight with its customers."""
    rolling, rollout = watched(make)
    rolling.run(rollout, until=lambda record: record.baked > 2)
    returning = crashing(rolling, rollout)
    assert (returning.state, returning.cause) == (RolloutState.RETURNING, "untrusted")
    assert returning.why == "crash-loop: the canary restarted 3 times in 60 s, and the control did not"
    ended = rolling.run(rollout)
    assert (ended.state, rolling.world.weight) == (RolloutState.RETURNED, 0.0)


def test_where_everything_restarts_the_canary_is_not_the_one(make: Make) -> None:
    rolling, rollout = watched(make)
    rolling.run(rollout, until=lambda record: record.baked > 2)
    assert crashing(rolling, rollout, ("canary", "control")).cause is None
