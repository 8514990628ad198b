"""What the engine answers at every step of a rollout can be drawn, in every state, on the smallest screen."""

from __future__ import annotations

import pytest

from interlock.core.change.canonical import plain
from interlock.doors.cli.screens.rollout import one_line, screen
from interlock.doors.cli.text import columns
from interlock.road.roll.asks import pause
from interlock.road.roll.show import show
from interlock.testing.rolling import Rolling
from interlock.testing.rollout import Arm, World

OFTEN = {"errors": 0.05}


@pytest.fixture
def rolling(tmp_path):
    made = Rolling(tmp_path, world=World(rate=1000.0, control=Arm(**OFTEN), canary=Arm(**OFTEN)))
    yield made
    made.close()


def watched(rolling, *, act=None, steps: int = 400):
    """The first words and the phases of all pictures of one rollout, in order, each once."""
    begun = rolling.begin()
    driver = rolling.take(begun.id)
    words: list[tuple[str, str]] = []
    for step in range(steps):
        shown = plain(show(rolling.station, rolling.road.person("ana"), begun.id))
        for wide in (60, 80, 132):
            lines = screen(shown, wide=wide)
            assert len(lines) < 24
            assert [line for line in lines if columns(line) > wide] == []
        assert "\n" not in one_line(shown)
        seen = (lines[0].split()[0], shown["record"]["phase"])
        words += [] if seen in words else [seen]
        if act and step == 75:
            act(begun.id)
        wait = driver.step()
        if wait is None:
            break
        rolling.world.pass_by(max(wait, 0.01))
    return words, screen(plain(show(rolling.station, rolling.road.person("ana"), begun.id)), wide=80)


def test_a_rollout_that_is_stopped_reads_start_wait_stop(rolling):
    rolling.world.canary.orders = 0.005
    words, last = watched(rolling)
    assert [word for word, _ in words if word != "HARM?"] == ["START"] * 3 + ["WAIT"] + ["STOP"] * 4
    text = "\n".join(last)
    assert "orders: 0 of about" in last[0]
    assert "(at least −" in last[0]
    assert "✓ weight 0 %" in text
    assert "✓ down" in text
    assert "wake nobody: it is over" in text


def test_a_rollout_that_somebody_holds_says_so_and_how_to_go_on(rolling):
    words, last = watched(
        rolling, act=lambda name: pause(rolling.station, rolling.road.person("ana"), name), steps=80
    )
    assert words[-1][0] == "HOLD"
    assert "interlock rollout resume" in "\n".join(last)
