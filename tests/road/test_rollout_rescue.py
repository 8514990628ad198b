"""What goes on record of traffic that nobody could judge is what was read, never what was hoped for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from interlock.core.change.errors import Unavailable
from interlock.core.rollout.local import LocalRecord
from interlock.road.roll.kit import Kit
from interlock.road.roll.rescue import Rescue
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import Arm, World

PHI = "{windows: [1], values: [1]}"
QUICK = PLAN.replace("baseline: 60s", "baseline: 0").replace(
    "judge:\n", f"judge:\n  phi: {{orders: {PHI}, errors: {PHI}}}\n"
)


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    world = World(rate=1000.0, control=Arm(errors=0.05), canary=Arm(errors=0.05))
    made = Rolling(tmp_path, plan=QUICK, world=world)
    yield made
    made.close()


def silent(_: object) -> bool:
    """No database."""
    return False


def at_the_brink(rolling: Rolling, monkeypatch: pytest.MonkeyPatch, away: float) -> tuple[str, Kit]:
    """A driver that ended while neither the database nor, for so many seconds more, its router answers."""
    rollout = rolling.begin().id
    rolling.run(rollout, until=lambda record: record.phase == "watch")
    assert rolling.driver is not None
    rolling.driver.kit.book.read()
    monkeypatch.setattr("interlock.road.roll.rescue._answers", silent)
    rolling.world.pass_by(3599.0)
    rolling.world.router_down = True
    back_at, passes = rolling.world.time + away, rolling.world.pass_by

    def pass_by(seconds: float) -> None:
        passes(seconds)
        rolling.world.router_down = rolling.world.time < back_at

    monkeypatch.setattr(rolling.world, "pass_by", pass_by)
    return rollout, rolling.driver.kit


def rescued(rolling: Rolling, rollout: str, kit: Kit) -> str:
    rescue = Rescue(rolling.station, rolling.outside, lambda _, error: pytest.fail(str(error)))
    rescue.unless_answered(kit)
    return rescue.unjudged(rollout)


@pytest.mark.parametrize("away", [0.3, 0.6, 30.0])
def test_a_router_that_does_not_answer_at_the_brink_is_asked_until_it_does(
    rolling: Rolling, monkeypatch: pytest.MonkeyPatch, away: float
) -> None:
    """It was asked once, and what it said was not heard."""
    rollout, kit = at_the_brink(rolling, monkeypatch, away)
    said = rescued(rolling, rollout, kit)
    assert rolling.world.weight == 0.0
    assert said.endswith("nobody could judge: the weight was set to 0")


@pytest.mark.parametrize("lie", ["down", "ignores"])
def test_a_weight_that_is_not_served_is_not_put_on_record_as_served(
    rolling: Rolling, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    """At 1 %, with the router away, the record said that the weight had been set to 0."""
    rollout, kit = at_the_brink(rolling, monkeypatch, 1e9 if lie == "down" else 0.0)
    rolling.world.ignores = True
    said = rescued(rolling, rollout, kit)
    assert rolling.world.weight == 1.0
    assert "weight 0 was asked for and is not known to be served" in said
    assert ("got none" if lie == "down" else "1 % are served") in said


def test_where_the_database_is_back_first_the_next_holder_goes_on(
    rolling: Rolling, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout, kit = at_the_brink(rolling, monkeypatch, 1e9)
    began = rolling.world.time
    monkeypatch.setattr("interlock.road.roll.rescue._answers", lambda _: rolling.world.time > began + 2)
    assert "not known to be served" in rescued(rolling, rollout, kit)
    assert rolling.world.time < began + 4


def test_a_stage_whose_way_back_cannot_be_kept_is_not_begun_in_the_second_attempt_either(rolling: Rolling) -> None:
    """The old way back could be kept: that was taken for the new one, and it widened in the same second."""
    refused: list[str] = []
    full = [True]

    def keep(local: LocalRecord) -> None:
        if local.granted > 1.0 and full[0]:
            refused.append(rolling.record(local.rollout).phase)
            raise Unavailable("expected to write, got a full disk", code="rollback-file", hint="", plugin="disk")

    rolling.outside = replace(rolling.outside, keep=keep)
    rollout = rolling.begin().id
    held = rolling.run(rollout, until=lambda record: record.hold == "untrusted")
    for _ in range(60):
        rolling.step()
    after = rolling.record(rollout)
    assert (held.stage, after.stage, after.hold, after.phase) == (0, 0, "untrusted", "watch")
    assert "full disk" in after.why
    assert set(refused) == {"watch"}
    assert rolling.kinds(rollout).count("rollout.held") == 1
    full[0] = False
    assert rolling.run(rollout).weight == 100.0
