"""What is measured is told as measured, and who was woken as the ledger says."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from interlock.testing.replay.outcome import Outcome
from interlock.testing.replay.table import measured, shown_before

STACK = SimpleNamespace(rate=292.0, proxy=SimpleNamespace(name="envoy"))
RAN = Outcome(
    rollout="rol-a",
    state="returned",
    cause="harm",
    metric="orders",
    at_least=0.5,
    why="orders: 0 of about 9.1 expected",
    seconds=3.14,
    met=11,
    lost=10,
    requests=1_100,
    weight=0.0,
    undone=1.25,
    verified=True,
    effects=2,
)


def test_what_was_counted_is_what_is_told():
    told = measured(RAN, STACK)
    assert told["exposure"] == "11 of 1,100 customers met it (1.0 %)"
    assert told["duration"] == "3.1 s at the customers: from the first who met it to 0 % read at the proxy"
    assert told["orders lost"] == "10 orders of 292 a second, counted at the customers"
    assert told["woken"].startswith("nobody: no notice sent")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"notices": 2}, "2 notices were sent"),
        ({"notices": 1}, "1 notice was sent"),
        ({"people": ("local:ana@shop.example",)}, "0 notices were sent, and local:ana@shop.example did something"),
    ],
)
def test_somebody_who_was_woken_is_told(changed, told):
    assert measured(replace(RAN, **changed), STACK)["woken"] == told


def test_what_the_judge_estimated_is_told_beside_what_was_counted():
    """14 orders on one screen and 13 in the table below it seemed to contradict each other."""
    told = measured(replace(RAN, lost=1, estimated=13.6), STACK)["orders lost"]
    assert told == (
        "1 order of 292 a second, counted at the customers; the judge's own estimate, from metrics: about 14"
    )


def test_what_never_ended_has_no_duration():
    assert measured(replace(RAN, seconds=None), STACK)["duration"].startswith("never")


def test_what_a_runner_had_shown_before_stands_beside_what_happened():
    now = {"rollback": "by itself", "alerts": "STOP on orders", "woken": "nobody"}
    shown = {
        "rehearsal": {"seconds": 0.81, "objective_seconds": 30.0},
        "alerts": {"proven": ["orders drop", "carts time out"]},
    }
    assert shown_before(now, shown) == {
        "rollback": "rehearsed before (0.8 s of at most 30 s); then by itself",
        "alerts": "proven before for 2 failures; then STOP on orders",
        "woken": "nobody",
    }
    assert shown_before(now, {}) == now
