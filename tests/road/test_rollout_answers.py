"""Nobody is sent where nobody answers: what an apply step put up is looked for before it gets traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interlock.core.rollout.record import RolloutRecord, RolloutState
from interlock.core.ticket.record import Bar
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import World

Make = Callable[..., Rolling]
QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", "judge:\n  phi: {orders: {windows: [1], values: [1]}, errors: {windows: [1], values: [1]}}\n"
)
BESIDE = PLAN.replace("apply:\n  - {name: up, kind: artefact, run: [up], verify: [verify, up]}\n", "")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Rolling] = []

    def new(plan: str = QUICK, **more: object) -> Rolling:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Rolling(folder, plan=plan, world=World(**{"rate": 1000.0, **more})))  # type: ignore[arg-type]  # by name
        return made[-1]

    yield new
    for each in made:
        each.close()


def sent(rolling: Rolling) -> bool:
    """Whether the canary was ever given traffic."""
    return any(weight > 0 for _, weight in rolling.world.weights)


def calibrating(record: RolloutRecord) -> bool:
    return record.phase == "calibrate"


def test_a_canary_that_never_answered_gets_no_traffic_and_its_digest_no_bar(make: Make) -> None:
    """Its port was wrong in the plan: a refused connection was counted as no orders, and a good version barred."""
    rolling = make(gone=True)
    began = rolling.world.time
    ended = rolling.run(rolling.begin().id)
    assert (ended.state, ended.cause, sent(rolling)) == (RolloutState.RETURNED, "apply-failed", False)
    assert ended.why.startswith("not all that is counted answered in 3")
    assert (
        "metric-unread: expected counts of `orders` for the canary, got none at `rollouts/orders.yaml:7`"
        in ended.why
    )
    assert "(see that it runs and is counted; then start again)" in ended.why
    assert rolling.world.ran == ["up", "down"]
    assert 30 <= rolling.world.time - began < 45
    assert rolling.body(ended.id, "rollout.returning")["why"] == ended.why
    assert "rollout.stopped" not in rolling.kinds(ended.id)
    assert list(rolling.station.store.read(lambda tx: tx.records(Bar).find())) == []


def waited_for(rolling: Rolling) -> str:
    """A rollout whose canary was put up and has not answered for twenty ticks."""
    rollout = rolling.begin().id
    rolling.run(rollout, until=calibrating)
    for _ in range(20):
        rolling.step()
    return rollout


def test_a_service_has_a_moment_to_come_up(make: Make) -> None:
    rolling = make(gone=True)
    rollout = waited_for(rolling)
    assert (rolling.record(rollout).phase, sent(rolling)) == ("calibrate", False)
    rolling.world.gone = False
    assert rolling.run(rollout).state is RolloutState.COMPLETED


def test_whoever_takes_over_before_the_first_weight_looks_again(make: Make) -> None:
    """The one before died between the last step and the first weight; nothing on record says that it answered."""
    rolling = make(gone=True)
    rollout = waited_for(rolling)
    rolling.let_go()
    rolling.take(rollout, owner="two")
    for _ in range(20):
        rolling.step()
    assert (rolling.record(rollout).phase, sent(rolling)) == ("calibrate", False)
    ended = rolling.run(rollout)
    assert (ended.state, ended.cause, sent(rolling)) == (RolloutState.RETURNED, "apply-failed", False)


def test_one_that_answered_and_is_gone_before_its_first_weight_gets_none(make: Make) -> None:
    rolling = make(PLAN)
    rollout = rolling.begin().id
    rolling.run(rollout, until=calibrating)
    for _ in range(20):
        rolling.step()
    rolling.world.gone = True
    ended = rolling.run(rollout)
    assert (ended.state, ended.cause, sent(rolling)) == (RolloutState.RETURNED, "apply-failed", False)
    assert ended.why.startswith("not all that is counted answers any more, and no traffic was sent: metric-unread")


@pytest.mark.parametrize("owner", ["one", "two"])
def test_one_that_answered_once_crashed_when_it_refuses_and_the_stop_says_where(make: Make, owner: str) -> None:
    rolling = make()
    rollout = rolling.begin().id
    rolling.run(rollout, until=lambda record: record.phase == "weigh")
    if owner == "two":
        rolling.let_go()
        rolling.take(rollout, owner=owner)
    rolling.world.gone = True
    ended = rolling.run(rollout)
    assert (ended.state, ended.cause, sent(rolling)) == (RolloutState.RETURNED, "harm", True)
    assert ended.why.endswith("; connection refused at http://new.shop.example/metrics")
    assert rolling.body(rollout, "rollout.stopped")["why"] == ended.why


def test_harm_of_a_canary_that_answers_says_nothing_of_connections(make: Make) -> None:
    rolling = make()
    rolling.world.canary.orders = 0.0
    assert "refused" not in rolling.run(rolling.begin().id).why


def test_where_no_step_puts_it_up_it_must_answer_at_the_start(make: Make) -> None:
    rolling = make(BESIDE, gone=True)
    change, ticket = rolling.change()
    found = rolling.start(change, ticket).obstacles
    assert [each.code for each in found] == ["metric-unread", "metric-unread"]


def test_a_program_of_the_way_back_that_a_step_took_away_is_missed_before_the_first_weight(make: Make) -> None:
    """Or that this server does not have, where another one began."""
    rolling = make()
    rollout = rolling.begin().id
    rolling.world.missing.add("down")
    ended = rolling.run(rollout)
    assert (ended.cause, sent(rolling)) == ("apply-failed", False)
    assert "step-program: expected a program that can be started at `rollback.0.run`, got `down`" in ended.why
