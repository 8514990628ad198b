"""What is shown of a rollout is of now, or says of when it is; and at 100 % it says what watches."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.road.roll import asks, show
from interlock.testing.rolling import PLAN, Rolling
from interlock.testing.rollout import World

FULL = PLAN[: PLAN.index("stages:")] + "stages: [{percent: 100, bake: 30s}]\n" + PLAN[PLAN.index("tick:") :]


def test_what_is_shown_from_the_record_says_of_when_it_is(tmp_path: Path) -> None:
    """A server that does not move the rollout itself showed what was written down as if it were of now."""
    rolling = Rolling(tmp_path, plan=PLAN, world=World(seed=3))
    rollout, ana = rolling.begin().id, rolling.road.person("ana")
    rolling.run(rollout, until=lambda record: record.baked > 5)
    fresh = show.show(rolling.station, ana, rollout)
    assert fresh.seen_at is not None
    assert (fresh.now - fresh.seen_at).total_seconds() == 1
    rolling.station.live.drop(rollout)
    rolling.world.pass_by(60.0)
    old = show.show(rolling.station, ana, rollout)
    assert old.seen_at is not None
    assert (old.now - old.seen_at).total_seconds() >= 60
    assert old.standing is not None
    rolling.close()


def test_what_the_judge_expected_does_not_outlive_its_stage(tmp_path: Path) -> None:
    """A pass was expected in 40 s there after the stage had been left by a signature, or gone back from."""
    rolling = Rolling(tmp_path, plan=PLAN, world=World(seed=3))
    rollout, ana = rolling.begin().id, rolling.road.person("ana")
    waiting = rolling.run(
        rollout, until=lambda record: record.baked >= 10 and "pass is expected" in record.told, most=900
    )
    assert waiting.stage == 0
    said = rolling.said(rollout)
    assert said.details["not_ruled_out"] == show.show(rolling.station, ana, rollout).not_ruled_out
    rolling.hand_in(said)
    wider = rolling.record(rollout)
    assert (wider.stage, wider.told) == (1, "")
    assert asks.abort(rolling.station, ana, rollout).told == ""
    rolling.close()


@pytest.mark.parametrize(
    ("named", "says"),
    [("", "the plan names none"), ("  backstop: {metric: orders}\n", "no meter remembers 3 days of orders")],
)
def test_at_100_percent_it_is_shown_what_watches(tmp_path: Path, named: str, says: str) -> None:
    plan = FULL.replace("judge:\n", f"judge:\n{named}")
    rolling = Rolling(tmp_path, plan=plan, world=World(seed=3))
    rollout, ana = rolling.begin().id, rolling.road.person("ana")
    before = rolling.run(rollout, until=lambda record: record.phase == "calibrate")
    assert not before.alone
    shown = show.show(rolling.station, ana, rollout)
    assert (shown.backstop, shown.unbacked) == ("", "")
    rolling.run(rollout, until=lambda record: record.alone and record.phase == "watch")
    shown = show.show(rolling.station, ana, rollout)
    assert (shown.backstop, shown.unbacked) == ("", says)
    rolling.close()
