"""What a rollout's counts come to, in words that agree with each other."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from interlock.doors.cli.screens.rollout import one_line
from interlock.doors.cli.screens.rollout_sums import excluded, lost
from interlock.doors.cli.screens.rollout_words import sentence

READ = json.loads((Path(__file__).parents[3] / "golden/cli/rollouts.json").read_text())


def test_what_stopped_it_is_no_chance_though_its_band_reaches_to_none():
    """A stop at 138 : 1 was "lost 55 orders (chance may do that)" in a pipe."""
    shown = copy.deepcopy(READ["stopping"])
    shown["standing"]["metrics"]["orders"] |= {"high": 1.02, "lost": 55.0}
    assert lost(shown) == "55 orders so far, by estimate"
    assert "lost 55 orders so far, by estimate" in one_line(shown)
    shown["record"]["harm"] = None
    assert lost(shown) == "55 orders (chance may do that)"


def test_what_is_excluded_is_told_as_what_is_asked_for():
    """ "+159 × (asked: +900 %)" read as if 159 times were less than 900 %."""
    shown = copy.deepcopy(READ["waiting"])
    shown["stages"][1]["margin"] = 0.9
    shown["standing"]["metrics"]["errors"]["ruled_out"] = 159.0
    assert "errors worse than ×160 (asked: ×10)" in excluded(shown)
    assert "orders worse than −19 % ✓" in excluded(shown)


def test_what_a_completed_rollout_excluded_is_told_likewise():
    assert sentence(READ["completed"]).endswith("ruled out before: errors ×1.42 or worse")
