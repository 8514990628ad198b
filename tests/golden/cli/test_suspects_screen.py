"""The screen of ``interlock suspects``, byte for byte; ``GOLDEN=write`` writes the files anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from interlock.doors.cli.screens.suspects import screen
from interlock.doors.cli.text import columns

HERE = Path(__file__).parent
ANSWERS = json.loads((HERE / "suspects.json").read_text())
ANSWERS["nothing"] = {**ANSWERS["some"], "items": [], "later": []}
ANSWERS["many"] = {**ANSWERS["some"], "items": [ANSWERS["some"]["items"][1]] * 12}
ROWS = 24


def compare(name: str, found: str) -> None:
    file = HERE / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(found)
    assert found == file.read_text()


@pytest.mark.parametrize("wide", [60, 80, 132])
def test_suspects_read_as_they_were_agreed(wide):
    shown = [f"=== {name}\n" + "\n".join(screen(found, wide=wide)) for name, found in ANSWERS.items()]
    compare(f"suspects.{wide}.txt", "\n".join(shown) + "\n")


@pytest.mark.parametrize("name", ANSWERS)
def test_they_fit_one_screen_and_name_no_command_twice_the_width(name):
    lines = screen(ANSWERS[name], wide=80)
    assert len(lines) <= ROWS
    assert [line for line in lines if columns(line) > 80 and "→" not in line] == []


def test_all_of_them_are_shown_whole_when_asked_for():
    lines = screen(ANSWERS["many"], wide=80, everything=True)
    assert sum("→" in line for line in lines) == 12


def test_nothing_that_a_title_holds_reaches_the_terminal():
    found = json.loads(json.dumps(ANSWERS["some"]))
    found["items"][0]["title"] = "a\x1b[2J"
    found["items"][0]["rollback"] = "x\x1b]0;owned\x07"
    assert "\x1b" not in "\n".join(screen(found, wide=80))


def test_a_change_of_rules_is_no_reason_and_goes_back_on_the_road():
    found = json.loads(json.dumps(ANSWERS["some"]))
    del found["items"][1:]
    one = found["items"][0]
    one |= {"rollback": "", "state": "redeemed"}
    one["suspect"] |= {"relation": "rules", "why": ["it changes rules alone and ships nothing: interlock.yaml"]}
    text = " ".join("\n".join(screen(found, wide=132)).split())
    assert "no change has a path to" in text
    assert "rules go back by a change of their own" in text
    assert "nobody wrote down" not in text
