"""The lines of the metrics: what a stop proved is the one bound that is told of its harm."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from interlock.doors.cli.screens.rollout_metrics import metrics

READ = json.loads((Path(__file__).parents[3] / "golden/cli/rollouts.json").read_text())


def stopped(name: str, at_least: float, *, estimate: float, low: float | None, high: float | None) -> str:
    shown = copy.deepcopy(READ["stopped"])
    found = shown["standing"]["metrics"]
    found[name] = {**next(iter(found.values())), "estimate": estimate, "low": low, "high": high}
    shown["record"]["harm"] |= {"metric": name, "at_least": at_least}
    return metrics(shown, 120)[0]


@pytest.mark.parametrize(
    ("name", "at_least", "band", "told"),
    [
        ("orders", 0.20, {"estimate": 0.0, "low": None, "high": 0.85}, "−100 % (at least −20 %)"),
        ("orders", 0.20, {"estimate": 0.0, "low": None, "high": None}, "−100 % (at least −20 %)"),
        ("orders", 0.20, {"estimate": 0.3, "low": 0.1, "high": 0.7}, "−70 % (−90 % … −30 %)"),
        ("errors", 2.5, {"estimate": 9.0, "low": 1.5, "high": None}, "×9 (at least ×2.5)"),
        ("errors", 1.2, {"estimate": 9.0, "low": 1.5, "high": None}, "×9 (at least ×1.5)"),
    ],
)
def test_the_bound_is_that_of_the_stop_where_it_proved_more(name, at_least, band, told):
    assert told in stopped(name, at_least, **band)


def test_a_line_beside_a_stop_says_that_it_counts_the_whole_rollout():
    """ "12 of about 0.5 expected, ×26" stood above "12 where ~0.8 expected · 15.1 ×", and nothing said why."""
    shown = copy.deepcopy(READ["stopped"])
    (of_all, *_) = metrics(shown, 120)
    assert "since" not in of_all
    shown["record"]["harm"] |= {"canary": 0, "expected": 5.2}
    (of_all, *_) = metrics(shown, 120)
    assert "0 of ~8.7 expected since the rollout began · −100 % (at least −20 %)" in of_all
    shown["record"]["harm"] |= {"canary": None, "expected": None}
    assert "since" not in metrics(shown, 120)[0]
