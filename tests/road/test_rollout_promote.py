"""Traffic is judged, and what people say is heard, for as long as a step lasts: above all the promoting ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.local import LocalRecord
from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.road.roll import asks, verify
from interlock.road.void import void_in
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

PHI = "{windows: [1], values: [1]}"
PROMOTE = "promote:\n  - {name: usual, kind: artefact, run: [usual], verify: [verify, usual]}\n"
QUICK = (
    PLAN.replace("baseline: 60s", "baseline: 0")
    .replace("judge:\n", f"judge:\n  phi: {{orders: {PHI}, errors: {PHI}}}\n")
    .replace("  - {percent: 100, bake: 10s}\n", "")
    .replace("rollback:", f"{PROMOTE}rollback:")
)


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    arms = {"control": Arm(errors=0.05), "canary": Arm(errors=0.05)}
    made = Rolling(tmp_path, plan=QUICK, world=World(rate=1000.0, **arms))  # type: ignore[arg-type]  # by name
    yield made
    made.world.slow.clear()
    made.close()


def promoting(rolling: Rolling) -> str:
    """A rollout whose promoting step runs, and goes on running."""
    rolling.world.slow.add("usual")
    rollout = rolling.begin().id
    rolling.run(rollout, until=lambda _: "usual" in rolling.world.ran)
    for _ in range(3):
        rolling.step()
    assert (rolling.record(rollout).phase, rolling.world.weight) == ("promote", 50.0)
    return rollout


def back(rolling: Rolling, rollout: str, within: int) -> RolloutRecord:
    """How it ended, once the weight was 0 within so many ticks."""
    for _ in range(within):
        rolling.step()
        if rolling.world.weight == 0.0:
            break
    assert rolling.world.weight == 0.0, rolling.record(rollout)
    return rolling.run(rollout)


def test_harm_while_a_step_runs_sets_0_first_then_ends_it_then_goes_back(rolling: Rolling) -> None:
    rollout = promoting(rolling)
    rolling.world.canary.orders = 0.0
    ended = back(rolling, rollout, 8)
    assert (ended.state, ended.cause, ended.step) == (RolloutState.RETURNED, "harm", 1)
    assert (rolling.world.ended, rolling.world.ran) == ([("usual", 0.0)], ["up", "down"])
    step = next(one for one in rolling.effects(rollout) if one.target == "promote/usual")
    assert (step.state, step.said) == ("failed", "overtaken by another")
    assert verify.verify(rolling.station, rolling.road.person("ana"), rollout).exact


def test_harm_after_a_step_that_failed_goes_back(rolling: Rolling) -> None:
    """It stayed where it was, at its weight, and nobody counted what was lost."""
    rolling.world.failing.add("usual")
    rollout = rolling.begin().id
    held = rolling.run(rollout, until=lambda record: record.hold == "promote-failed")
    assert (held.state, rolling.world.weight) == (RolloutState.HELD, 50.0)
    for _ in range(20):
        rolling.step()
    rolling.world.canary.orders = 0.0
    before = rolling.world.orders_lost
    assert back(rolling, rollout, 8).cause == "harm"
    assert rolling.world.orders_lost - before < 8 * 1000 * 0.5 * 0.5


@pytest.mark.parametrize("how", ["abort", "rollback"])
def test_a_word_to_go_back_while_a_step_runs_is_heard_in_the_next_tick(rolling: Rolling, how: str) -> None:
    """Nobody read the record until the step was over: hours, if need be."""
    rollout = promoting(rolling)
    person = rolling.road.person("ana")
    if how == "abort":
        asks.abort(rolling.station, person, rollout, "not today")
    else:
        asks.roll_back(rolling.station, person, "order-service", "production", "slow carts")
    ended = back(rolling, rollout, 2)
    assert (ended.state, ended.cause) == (RolloutState.RETURNED, how)
    assert (rolling.world.ended, rolling.world.ran) == ([("usual", 0.0)], ["up", "down"])


def test_an_abort_ends_a_step_that_puts_the_version_up(rolling: Rolling) -> None:
    rolling.world.slow.add("up")
    rollout = rolling.begin().id
    rolling.run(rollout, until=lambda _: "up" in rolling.world.ran)
    asks.abort(rolling.station, rolling.road.person("ana"), rollout, "not today")
    ended = rolling.run(rollout, most=20)
    assert (ended.state, rolling.world.ended, rolling.world.ran) == (
        RolloutState.RETURNED,
        [("up", 0.0)],
        ["down"],
    )


def test_nothing_is_undone_before_what_ran_is_gone(rolling: Rolling, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that does not end when it is told to, and one that undoes it, would both write."""
    rollout = promoting(rolling)
    monkeypatch.setattr("interlock.road.roll.steps.GLANCE", 0.01)
    (run,) = (rolling.driver._steps._run,) if rolling.driver else ()  # nobody else can take its ears
    assert run is not None
    run.unwanted.set = lambda: None  # type: ignore[method-assign]  # a program that does not listen
    asks.abort(rolling.station, rolling.road.person("ana"), rollout, "not today")
    for _ in range(6):
        rolling.step()
    assert (rolling.world.weight, rolling.record(rollout).phase) == (0.0, "settle")
    assert "down" not in rolling.world.ran
    rolling.world.slow.clear()
    assert rolling.run(rollout).state is RolloutState.RETURNED
    assert rolling.world.ran == ["up", "usual", "down"]


def test_a_step_that_ends_well_meanwhile_is_written_down_and_gone_on_from(rolling: Rolling) -> None:
    rollout = promoting(rolling)
    ticks = rolling.record(rollout).ticks
    for _ in range(10):
        rolling.step()
    assert rolling.record(rollout).ticks >= ticks + 5
    rolling.world.slow.clear()
    ended = rolling.run(rollout)
    assert (ended.state, rolling.world.weight) == (RolloutState.COMPLETED, 0.0)
    assert verify.verify(rolling.station, rolling.road.person("ana"), rollout).exact


def test_a_pause_lets_the_step_that_runs_come_to_its_end_and_no_other_begin(rolling: Rolling) -> None:
    rolling.world.failing.add("usual")
    rollout = promoting(rolling)
    asks.pause(rolling.station, rolling.road.person("ana"), rollout, "let me look")
    rolling.step()
    rolling.world.slow.clear()
    for _ in range(10):
        time.sleep(0.01)
        rolling.step()
    held = rolling.record(rollout)
    assert (held.hold, held.step, rolling.world.ran.count("usual")) == ("paused", 0, 1)
    rolling.world.failing.clear()
    asks.resume(rolling.station, rolling.road.person("ana"), rollout)
    assert rolling.run(rollout).state is RolloutState.COMPLETED
    assert rolling.world.ran.count("usual") == 1, "it had done what it should, and was verified first"
    step = [one for one in rolling.effects(rollout) if one.target == "promote/usual"]
    assert [(one.state, one.said) for one in step] == [("done", "was done already")]


def test_whoever_takes_over_in_the_middle_of_a_step_runs_it_again_with_the_same_key(rolling: Rolling) -> None:
    rollout = promoting(rolling)
    assert rolling.driver is not None
    rolling.driver.close()
    assert rolling.world.ended == [("usual", 50.0)]
    rolling.let_go()
    rolling.world.slow.clear()
    rolling.take(rollout, owner="two")
    ended = rolling.run(rollout)
    assert (ended.state, rolling.world.ran) == (RolloutState.COMPLETED, ["up", "usual"])
    (step,) = (one for one in rolling.effects(rollout) if one.target == "promote/usual")
    assert step.state == "done"
    assert [weight for _, weight in rolling.world.weights] == [1.0, 10.0, 50.0, 0.0]


def test_more_traffic_than_was_granted_meanwhile_overtakes_no_step(rolling: Rolling) -> None:
    """One effect at a time: setting the weight again would have told of the step as of a failure."""
    rollout = promoting(rolling)
    rolling.world.weight = 80.0
    for _ in range(6):
        rolling.step()
    rolling.world.slow.clear()
    assert rolling.run(rollout).state is RolloutState.COMPLETED
    assert [one.state for one in rolling.effects(rollout) if one.kind == "step"] == ["done", "done"]


def test_a_ticket_that_is_voided_while_a_step_runs_brings_traffic_back(rolling: Rolling) -> None:
    rollout = promoting(rolling)
    ticket, actor = rolling.record(rollout).ticket, rolling.road.pipeline()
    rolling.station.store.write(lambda tx: void_in(rolling.station, tx, actor, ticket, why="a key was taken back"))
    ended = back(rolling, rollout, 8)
    assert (ended.cause, rolling.world.ended) == ("ticket-void", [("usual", 0.0)])


def test_harm_before_a_wider_weight_can_be_set_goes_back_as_harm(rolling: Rolling) -> None:
    """For five seconds nobody looked at what the narrower one did, and then it was told as something else."""

    def keep(local: LocalRecord) -> None:
        if local.granted > 10.0 and rolling.record(local.rollout).phase == "weigh":
            raise Unavailable("expected to write, got a full disk", code="rollback-file", hint="", plugin="disk")

    rolling.outside = replace(rolling.outside, keep=keep)
    rollout = rolling.begin().id
    rolling.run(rollout, until=lambda record: (record.stage, record.phase) == (2, "weigh"))
    rolling.world.canary.orders = 0.0
    assert back(rolling, rollout, 5).cause == "harm"
