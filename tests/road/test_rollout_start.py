"""What stands in the way of a rollout: all of it at once, before any traffic moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.rollout.obstacle import Obstacle
from interlock.core.rollout.record import RolloutRecord
from interlock.road import permit
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import World

Make = Callable[..., Rolling]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Rolling] = []

    def new(plan: str = PLAN, **more: object) -> Rolling:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Rolling(folder, plan=plan, **more))  # type: ignore[arg-type]  # by name
        return made[-1]

    yield new
    for each in made:
        each.close()


def codes(obstacles: tuple[Obstacle, ...]) -> list[str]:
    return [each.code for each in obstacles]


def untouched(rolling: Rolling) -> bool:
    """No traffic moved, nothing ran, and the ticket can be used still."""
    records = rolling.station.store.read(lambda tx: tx.records(RolloutRecord).find())
    return rolling.world.weights == [] and rolling.world.ran == [] and list(records) == []


def test_everything_is_said_at_once_and_recorded(make: Make) -> None:
    plan = PLAN.replace("router: {kind: fake}", "router: {kind: faek}").replace("percent: 1,", "percent: 3,")
    rolling = make(plan, world=World(weight=5.0))
    change, ticket = rolling.change()
    rolling.world.pass_by(16 * 60)
    found = rolling.start(change, ticket)
    assert codes(found.obstacles) == ["ticket-expired", "plugin-unknown"]
    assert (found.obstacles[1].path, found.obstacles[1].line) == ("rollouts/orders.yaml", 3)
    assert untouched(rolling)
    assert rolling.body(change.id, "rollout.refused")["reasons"] == codes(found.obstacles)


def test_a_ticket_is_used_once(make: Make) -> None:
    rolling = make()
    change, ticket = rolling.change()
    permit.redeem(rolling.station, rolling.road.pipeline(), ticket)
    assert codes(rolling.start(change, ticket).obstacles) == ["ticket-used"]


def test_a_second_rollout_of_the_service_waits(make: Make) -> None:
    rolling = make()
    first = rolling.begin("a")
    other, ticket = rolling.change("b")
    found = rolling.start(other, ticket)
    assert codes(found.obstacles) == ["rollout-under-way"]
    assert first.id in found.obstacles[0].text


def test_a_ticket_of_another_change_or_place_is_none(make: Make) -> None:
    rolling = make()
    change, _ = rolling.change("a")
    _, ticket = rolling.change("b")
    assert "ticket-other-change" in codes(rolling.start(change, ticket).obstacles)


def test_a_service_without_a_plan_is_refused(make: Make) -> None:
    rolling = make()
    change, ticket = rolling.change()
    found = rolling.start(change, ticket, environment="staging")
    assert codes(found.obstacles) == ["plan-missing"]
    with pytest.raises(InvalidInput) as other:
        rolling.start(change, ticket, service="email")
    assert other.value.code == "service-other"


def test_traffic_that_nobody_explains_is_refused(make: Make) -> None:
    rolling = make(world=World(weight=5.0))
    change, ticket = rolling.change()
    (found,) = rolling.start(change, ticket).obstacles
    assert found.code == "weight-not-zero"
    assert found.hint.startswith("look what runs there, then set weight 0 at the ")


@pytest.mark.parametrize(
    ("broken", "code", "line"), [("router_down", "router-unreachable", 3), ("meter_down", "meter-unreachable", 5)]
)
def test_what_cannot_be_reached_is_named_with_its_line(make: Make, broken: str, code: str, line: int) -> None:
    rolling = make(world=World(**{broken: True}))
    change, ticket = rolling.change()
    (found,) = rolling.start(change, ticket).obstacles
    assert (found.code, found.path, found.line) == (code, "rollouts/orders.yaml", line)
    assert untouched(rolling)


def test_a_metric_that_says_nothing_of_the_control_is_refused(make: Make) -> None:
    rolling = make(world=World(silent=frozenset({"control"})))
    change, ticket = rolling.change()
    assert codes(rolling.start(change, ticket).obstacles) == ["metric-unread", "metric-unread"]


def test_a_canary_that_is_up_already_must_be_counted(make: Make) -> None:
    """Where a step puts it up it is looked for afterwards; else it must be there."""
    silent = World(silent=frozenset({"canary"}))
    change, ticket = (rolling := make(world=silent)).change()
    rolling.started(rolling.start(change, ticket))
    plan = PLAN.replace("apply:\n  - {name: up, kind: artefact, run: [up], verify: [verify, up]}\n", "")
    change, ticket = (rolling := make(plan, world=silent)).change()
    assert codes(rolling.start(change, ticket).obstacles) == ["metric-unread", "metric-unread"]


def test_a_freeze_stops_it(make: Make) -> None:
    rolling = make(modes=("freeze-window",), freeze=datetime(2026, 3, 5, 9, 20, tzinfo=UTC))
    change, ticket = rolling.change()
    rolling.world.pass_by(300)
    expired, frozen = rolling.start(change, ticket).obstacles
    assert (expired.code, frozen.code, "Spring sale" in frozen.text) == ("ticket-expired", "freeze-active", True)


def test_a_first_stage_wider_than_the_ticket_is_refused(make: Make) -> None:
    """The ticket is for the first stage that was declared and judged, not for the plan's."""
    rolling = make(PLAN.replace("{percent: 1,", "{percent: 7,"), modes=("canary-plan",))
    change, ticket = rolling.staged()
    found = rolling.start(change, ticket)
    assert codes(found.obstacles)[0] == "stage-too-wide"
    assert set(codes(found.obstacles)) == {"stage-too-wide", "plan-short"}
    assert any("bake at 7 %" in each.text for each in found.obstacles)


STEPS = """\
apply:
  - {name: up, kind: artefact, run: [up], verify: [verify, up]}
promote:
  - name: usual
    kind: artefact
    run: [usual]
    verify: [looks, usual]
rollback:
  - name: down
    kind: artefact
    run: [/nope/flush]
    verify: [/nope/flush, --look]
  - {name: cold, kind: flags, run: [gone], verify: [gone, really]}
"""


def test_programs_of_steps_that_are_not_there_are_refused_with_their_lines(make: Make) -> None:
    """One of the rollback was found missing when it was needed."""
    plan = PLAN[: PLAN.index("apply:")] + STEPS
    rolling = make(plan, world=World(missing={"/nope/flush", "looks", "gone"}))
    change, ticket = rolling.change()
    found = rolling.start(change, ticket).obstacles
    lines = plan.splitlines()
    assert [(each.code, lines[each.line - 1].strip()) for each in found] == [
        ("step-program", "verify: [looks, usual]"),
        ("step-program", "run: [/nope/flush]"),
        ("step-program", "verify: [/nope/flush, --look]"),
        ("step-program", "- {name: cold, kind: flags, run: [gone], verify: [gone, really]}"),
    ]
    assert found[1].text == (
        "expected a program that can be started at `rollback.0.run`, got `/nope/flush`: there is no such file"
    )
    assert found[1].hint == "install it where interlock runs, or correct its path: steps begin in /srv"
    assert untouched(rolling)
    rolling.world.missing.clear()
    rolling.started(rolling.start(change, ticket))
