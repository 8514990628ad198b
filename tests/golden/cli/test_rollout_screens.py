"""The live view of a rollout, byte for byte, at three widths; ``GOLDEN=write`` writes the files anew."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from interlock.doors.cli.screens.rollout import one_line, screen
from interlock.doors.cli.text import columns

HERE = Path(__file__).parent
SCENES = json.loads((HERE / "rollouts.json").read_text())
WIDTHS = (60, 80, 132)
ROWS = 24


def compare(name: str, found: str) -> None:
    file = HERE / name
    if os.environ.get("GOLDEN") == "write":
        file.write_text(found)
    assert found == file.read_text()


@pytest.mark.parametrize("wide", WIDTHS)
def test_the_live_view_reads_as_it_was_agreed(wide):
    pictures = [f"=== {name}\n" + "\n".join(screen(shown, wide=wide)) for name, shown in SCENES.items()]
    compare(f"rollout-watch.{wide}.txt", "\n".join(pictures) + "\n")


@pytest.mark.parametrize("wide", WIDTHS)
@pytest.mark.parametrize("name", SCENES)
def test_a_picture_fits_one_screen(name, wide):
    lines = screen(SCENES[name], wide=wide, contact="no answer for 7 s: this is how it was at 03:12:40 UTC")
    assert len(lines) < ROWS
    assert [line for line in lines if columns(line) > wide] == []


def test_lines_for_a_pipe_read_as_they_were_agreed():
    compare("rollout-watch.lines.txt", "\n".join(one_line(shown) for shown in SCENES.values()) + "\n")


@pytest.mark.parametrize("name", SCENES)
def test_the_answer_is_the_first_word(name):
    words = {"stopping": "STOP", "stopped": "STOP", "held": "HOLD", "failed": "FAIL", "returned": "BACK"}
    words |= {"completed": "DONE", "starting": "START", "suspected": "HARM?", "too-little": "HOLD"}
    words |= {"unjudged": "BLIND"}
    assert screen(SCENES[name], wide=80)[0].split()[0] == words.get(name, "WAIT")


def test_nothing_that_a_name_holds_reaches_the_terminal():
    """A change's record is written by others: no control character of it may move the cursor."""
    shown = json.loads(json.dumps(SCENES["stopped"]))
    for key in ("service", "change", "started_by", "why", "environment"):
        shown["record"][key] = "a\x1b[2Jb\u202ec"
    shown["record"]["harm"]["metric"] = "orders"
    shown["effects"][1]["said"] = "\x1b]0;owned\x07"
    shown["verdict"]["why"] = "\x1b[31m"
    text = "\n".join(screen(shown, wide=80)) + one_line(shown)
    assert not [sign for sign in text if ord(sign) < 32 and sign != "\n"]
    assert "\u202e" not in text


def read(text: str) -> str:
    """Without its clock, and as one line."""
    return " ".join(re.sub(r"\b\d\d:\d\d:\d\d\b", "", text).split())


@pytest.mark.parametrize("wide", WIDTHS)
@pytest.mark.parametrize("scene", ["unjudged", "held"])
def test_who_watches_a_rollout_that_nobody_moves_is_told(scene, wide):
    """After Ctrl-C of the one who judged it said PASS, 25 % in 11 min, and that the rollout goes on."""
    shown = json.loads(json.dumps(SCENES[scene]))
    shown["seen_at"] = {"unjudged": "2026-03-05T03:31:13Z", "held": "2026-03-05T05:13:20Z"}[scene]
    text = "\n".join(screen(shown, wide=wide))
    weight = {"unjudged": 5, "held": 1}[scene]
    assert text.split()[0] == "BLIND"
    assert f"nobody judges it, since 40 s · {weight} % of traffic has it" in read(text)
    assert "BLIND" in one_line(shown)
    assert "nobody judges it, since 40 s" in one_line(shown)
    for command in ("interlock rollout run rol-7f3akq2m2a", "interlock serve", "interlock rollback order-service"):
        assert command in text
    for wrong in ("PASS", "when its bake ends", "goes on", "in about", "resume"):
        assert wrong not in text


def test_a_step_that_runs_is_not_taken_for_nobody():
    shown = json.loads(json.dumps(SCENES["moving"]))
    shown["seen_at"] = "2026-03-05T03:26:30Z"
    assert one_line(shown).split()[2] == "WAIT"
    shown["seen_at"] = "2026-03-05T03:25:30Z"
    assert one_line(shown).split()[2] == "BLIND"


def test_what_is_offered_can_be_typed():
    """``extend`` was offered without ``--by`` and ``widen`` without ``--why``, and both were refused."""
    shown = json.loads(json.dumps(SCENES["too-little"])) | {"eta": None}
    offered = "\n".join(screen(shown, wide=132))
    assert "interlock rollout extend rol-7f3akq2m2a --by 30m" in offered
    assert 'interlock rollout widen rol-7f3akq2m2a --why "…"' in offered
    shown["eta"] = 600.0
    assert "--by 11m" in "\n".join(screen(shown, wide=80))
    shown["eta"] = 90_000.0
    assert "--by 28h" in "\n".join(screen(shown, wide=80))


def test_before_anything_is_counted_nothing_widens_when_its_bake_ends():
    """All of no metrics were ruled out, so the next stage was announced."""
    shown = json.loads(json.dumps(SCENES["waiting"])) | {"standing": None, "verdict": None, "eta": None}
    text = " ".join("\n".join(screen(shown, wide=132)).split())
    assert "WAIT nothing is counted yet" in text
    assert "25 % when enough is counted, no estimate yet" in text


def of_full(**changes: object) -> str:
    shown = {**json.loads(json.dumps(SCENES["full"])), **changes}
    return " ".join("\n".join(screen(shown, wide=132)).replace("01:18:00", "").split())


def test_at_100_percent_nothing_is_said_to_be_compared_and_what_watches_is_named():
    """The screen said PASS, or that not enough was counted, where no control was left to count against."""
    watched = "WAIT all traffic has it, nothing is compared any more · only the backstop watches: all orders"
    assert of_full().startswith(watched)
    passed = of_full(verdict={"kind": "pass", "why": "", "eta": None})
    assert passed.startswith("WAIT all traffic has it, nothing is compared any more")
    assert "what is compared above is from before 100 %" in passed
    nobody = of_full(backstop="", unbacked="no meter remembers 3 days of orders")
    assert "nothing watches: there is no backstop, no meter remembers 3 days of orders" in nobody


def test_a_rollout_that_ended_says_when_and_what_watched_at_100_percent():
    done = " ".join("\n".join(screen(SCENES["completed"], wide=132)).split())
    assert "6 of 6 · 100 % of traffic · done at 2026-03-05 04:42 UTC" in done
    assert "at 100 % nothing was compared · nothing watched: there was no backstop, the plan names none" in done
    assert "all traffic has it; ruled out before: errors ×1.42 or worse" in done


def test_what_the_judge_lost_is_called_an_estimate():
    """A screen that said 14 orders beside 13 counted at the customers seemed to contradict itself."""
    shown = json.loads(json.dumps(SCENES["stopped"]))
    shown["record"]["harm"]["lost"] = 1.2
    text = " ".join("\n".join(screen(shown, wide=80)).split())
    assert "about 1 order by the judge's estimate, also after the verdict; from the last look before" in text
    assert "first request to 0 % read back: 3.5 s" in text


def test_what_is_lost_so_far_is_no_last_word():
    """A line said 19 lost, and the panel seconds later 50, of one event and without a word between them."""
    assert "lost 9 orders so far, by estimate" in one_line(SCENES["stopping"])
    assert "9 orders so far, by estimate" in "\n".join(screen(SCENES["stopping"], wide=80))


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ({"scrape-slow": 4}, "4 left out: scrape-slow"),
        ({"scrape-slow": 2}, "4 left out, the newest: 2 scrape-slow"),
        ({}, "4 left out\n"),
    ],
)
def test_what_was_left_out_is_of_the_whole_rollout(codes, says):
    """Read from its newest counts alone, 4 had become 2 minutes later."""
    shown = json.loads(json.dumps(SCENES["waiting"])) | {"discarded": codes}
    shown["standing"]["discarded"] = 4
    assert says in "\n".join(screen(shown, wide=132)) + "\n"
