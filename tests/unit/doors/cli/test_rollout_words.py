"""``rollout show`` and ``rollout start`` in words: what is old says so, and what comes next is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.doors.cli.rollout_words import (
    fitted,
    named_ticket,
    obstacles,
    shown,
    started,
    under_way,
)
from interlock.doors.cli.screens.rollout import screen
from interlock.doors.cli.screens.rollout_end import way_back
from interlock.doors.cli.screens.rollout_events import event, happened
from interlock.doors.cli.screens.rollout_list import listing
from interlock.doors.cli.screens.rollout_words import sentence
from interlock.doors.cli.text import columns

SCENES = json.loads((Path(__file__).parents[3] / "golden/cli/rollouts.json").read_text())
ETA = {"kind": "not-enough-data", "why": "a pass is expected in 190 s", "eta": 190.0}


def said(scene: str, record: dict[str, Any] | None = None, **changes: object) -> str:
    found = {**json.loads(json.dumps(SCENES[scene])), **changes}
    found["record"] |= record or {}
    return "\n".join(shown(found))


def test_an_estimate_of_now_is_told_as_it_is():
    assert "  a pass is expected in 190 s\n" in f"{said('waiting', verdict=ETA)}\n"


def test_an_old_estimate_says_of_when_it_is():
    """It stood there unchanged after minutes in which nobody counted, as if it were of now."""
    text = said("waiting", {"told": "a pass is expected in 999 s"}, verdict=ETA, seen_at="2026-03-05T03:28:13Z")
    assert "a pass is expected in 190 s, as of 03:28:13 UTC, 3 min ago" in text
    assert "999" not in text


def test_an_estimate_of_the_stage_before_is_not_told():
    """After a widening the estimate of the narrower stage stood there until the next count."""
    text = said("waiting", {"told": "a pass is expected in 999 s"}, verdict=ETA, seen_at="2026-03-05T03:26:58Z")
    assert "nothing is counted in this stage yet" in text
    assert "a pass is expected" not in text


@pytest.mark.parametrize("scene", ["stopped", "returned", "completed"])
def test_a_rollout_that_ended_expects_nothing_and_says_since_when_it_is_over(scene):
    text = said(scene, {"told": "a pass is expected in 999 s"}, verdict=ETA)
    assert "a pass is expected" not in text
    assert "  over since 2026-03-05 0" in text


def test_what_is_said_in_why_is_said_once():
    why = SCENES["stopped"]["record"]["why"]
    text = said("stopped", {"told": why})
    assert text.count(why) == 1
    assert "lost about 9 orders by the judge's estimate, also after the verdict, in 3.5 s" in text


def test_at_100_percent_it_says_what_watches():
    assert "only the backstop watches: all orders against their forecast" in said("full", verdict=ETA)
    assert "a pass is expected" not in said("full", verdict=ETA)
    assert "nothing watched: there was no backstop, the plan names none" in said("completed")


@pytest.mark.parametrize("given", ["ticket.json", "./missing", "out/tkt-1.json", "TKT-1", ""])
def test_a_ticket_file_that_is_not_there_is_called_that(given, tmp_path, monkeypatch):
    """It was taken for an id, and refused as an unknown one."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput) as refused:
        named_ticket(given)
    assert refused.value.code == "ticket-file-missing"
    assert f"got `{given}`, which is not there" in refused.value.message
    assert "--ticket-file" in refused.value.hint


def test_an_id_is_an_id():
    assert named_ticket("tkt-7f3akq2m2a") == "tkt-7f3akq2m2a"


def test_what_was_started_ends_with_what_to_type_next():
    begun = SCENES["starting"]["record"]
    watched = started(begun, waits=False, server="http://127.0.0.1:8000")
    assert watched[-1] == "  watch it: interlock rollout watch rol-7f3akq2m2a"
    assert started(begun, waits=False, server=None)[-1] == "  move it: interlock rollout run rol-7f3akq2m2a"
    assert len(started(begun, waits=True, server=None)) == 1


def test_a_rollout_that_nobody_judges_says_so_in_a_list_and_alone():
    """The list said running, and the screen when a pass is expected."""
    found = SCENES["unjudged"]
    name = found["record"]["id"]
    assert listing([found["record"]], {name: found}, wide=132)[1].endswith("  nobody judges it, since 40 s")
    assert "nobody" not in "".join(listing([found["record"]], {}, wide=132))
    assert "nobody" not in "".join(listing([found["record"]], {name: SCENES["waiting"]}, wide=132))
    text = said("unjudged")
    assert "  nobody judges it, since 40 s · 5 % of traffic has it\n" in text
    assert "interlock rollout run rol-7f3akq2m2a" in text
    assert "interlock rollback order-service" in text


@pytest.mark.parametrize(
    ("scene", "state", "told", "first"),
    [
        ("waiting", "running", "nobody judges it, since 7.0 s", "interlock rollout run"),
        ("waiting", "held", "nobody judges it, since 7.0 s", "interlock rollout run"),
        ("stopping", "returning", "nobody brings it back, since 7.0 s", "interlock rollback"),
        ("starting", "starting", "nobody starts it, since 7.0 s", "interlock rollout run"),
    ],
)
def test_what_no_worker_has_is_told_whatever_was_asked_of_it(monkeypatch, scene, state, told, first):
    """After a pause or an abort it stood there as held, or as going back, and nobody did anything."""
    monkeypatch.delenv("INTERLOCK_SERVER", raising=False)
    found = {**json.loads(json.dumps(SCENES[scene])), "unmoved": 7.0}
    found["record"]["state"] = state
    lines = shown(found)
    place = next(number for number, line in enumerate(lines) if told in line)
    assert first in lines[place + 1]
    assert told in sentence(found)
    picture = "\n".join(screen(found, wide=132))
    assert picture.startswith(" BLIND ")
    assert "interlock rollback order-service" in picture
    found["unmoved"] = 1.0
    assert told not in "\n".join(shown(found))
    assert told not in sentence({**found, "unmoved": None})


TWICE = [
    {
        "code": "ticket-used",
        "text": "expected ticket `tkt-1` to be issued, got one that is redeemed",
        "hint": "ask for a new one: interlock gate chg-a --environment production",
        "path": "",
        "line": 0,
    },
    {
        "code": "rollout-under-way",
        "text": "expected no other rollout of `shop` in `production`, got `rol-7f3akq2m2a` (running, 5 %)",
        "hint": "wait for it, or end it: interlock rollout abort rol-7f3akq2m2a",
        "path": "",
        "line": 0,
    },
]


def test_what_was_started_twice_is_told_to_be_under_way_and_asks_for_no_new_ticket():
    """The ticket stood first, with the advice to ask for another, and the reason below it."""
    assert under_way(TWICE) == "rol-7f3akq2m2a"
    assert under_way(TWICE[:1]) == ""
    own = obstacles(TWICE, "rol-7f3akq2m2a")
    assert own[0] == "refused  2 things stand in the way"
    assert "[rollout-under-way]" in own[1]
    assert own[2].strip() == "it has begun already: interlock rollout watch rol-7f3akq2m2a"
    assert own[4].strip() == "by `rol-7f3akq2m2a` itself: no new ticket is needed"
    assert "gate" not in "".join(own)
    others = obstacles(TWICE)
    assert "[rollout-under-way]" in others[1]
    assert "interlock rollout abort rol-7f3akq2m2a" in others[2]
    assert "ask for a new one" in others[4]


def test_evidence_is_written_as_on_every_other_screen():
    """It was "log E -0.662" here, "1 : 12" in the live view and "0.081 : 1" offline."""
    assert "evidence 1 : 1.9 for harm" in said("waiting", {"log_e": -0.662})
    assert "evidence 1,205 : 1 for harm" in said("waiting", {"log_e": 7.0942})


@pytest.mark.parametrize("given", [".", "out", "./out/"])
def test_a_folder_is_no_ticket_and_is_called_that(given, tmp_path, monkeypatch):
    """It said that the folder is not there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidInput) as refused:
        named_ticket(given)
    assert refused.value.message == f"expected a ticket's id, or its file, got `{given}`, which is a folder"


def test_the_place_of_an_obstacle_is_said_once():
    missing = {"code": "series-missing", "hint": "look", "path": "rollouts/harbour.yaml", "line": 13}
    said = obstacles([{**missing, "text": "expected a series, got none at `rollouts/harbour.yaml:13`"}])
    assert said[1] == "  ✗ expected a series, got none at `rollouts/harbour.yaml:13`  [series-missing]"
    said = obstacles([{**missing, "text": "expected a series, got none"}])
    assert said[1] == "  ✗ expected a series, got none  [series-missing]  rollouts/harbour.yaml:13"


def test_a_rollout_that_ends_below_100_percent_has_not_all_traffic():
    """It said "all traffic has it" of 90 %, with nothing that promotes."""
    scene = json.loads(json.dumps(SCENES["completed"]))
    assert sentence(scene).startswith("all traffic has it")
    scene["record"]["served"] = 90.0
    assert sentence(scene).startswith("90 % of traffic has it, the rest stays with the version before")


ALL = [scene["record"] for scene in SCENES.values()]


@pytest.mark.parametrize("wide", [60, 80, 120, 132])
def test_a_list_fits_its_width_and_says_what_each_column_is(wide):
    """It was over 100 columns wide at every width, and had no header."""
    judged = {"rol-7f3akq2m2a": SCENES["unjudged"]}
    lines = listing(ALL, judged, wide=wide)
    assert [line for line in lines if columns(line) > wide] == []
    assert sum("rol-7f3akq2m2a" in line for line in lines) == len(ALL)
    text = " ".join(" ".join(lines).split())
    told = "started, UTC" if wide > 120 else "5 % of traffic · 91be…04 · started 2026-03-05"
    assert told in text
    assert text.startswith("rollout service → environment version") == (wide > 120)


def test_what_is_typed_out_for_a_log_is_whole_and_breaks_where_somebody_looks(monkeypatch):
    """The advice ended in its middle, behind two digests."""
    advice = "wait longer: interlock rollout extend rol-7f3akq2m2a --by 30m; or " + "answer for it " * 20
    body = {"record": "sha256:" + "a" * 64, "hold": "no-pass", "advice": advice, "none": ""}
    item = {"index": 7, "at": "2026-03-05T03:12:41.123Z", "kind": "rollout.held", "body": body}
    line = event(item)
    assert f"hold no-pass, advice {advice}, record sha256:" in line
    monkeypatch.delenv("COLUMNS", raising=False)
    assert fitted([line]) == [line]
    monkeypatch.setenv("COLUMNS", "80")
    broken = fitted([line, "    short"])
    assert [part for part in broken if columns(part) > 80] == []
    assert " ".join(" ".join(broken[:-1]).split()) == " ".join(line.split())
    assert broken[1].startswith("  ")
    assert broken[-1] == "    short"


def test_two_estimates_of_two_moments_say_so():
    """ "a pass is expected in 4 min, beyond the limit" stood above "a pass is expected in 2 min"."""
    held = {"hold": "no-pass", "state": "held", "why": "a pass is expected in 4 min, beyond the limit of 3 min"}
    text = said("waiting", held, verdict=ETA)
    assert "  a pass is expected in 4 min, beyond the limit of 3 min\n" in text
    assert "  by what is counted now: a pass is expected in 190 s\n" in f"{text}\n"


def test_a_version_that_was_never_put_up_had_no_traffic():
    """It had "ended in 1 of 3 · 10 % of traffic", though 0 % was ever served."""
    scene = json.loads(json.dumps(SCENES["returned"]))
    scene["record"] |= {"cause": "apply-failed", "stage_since": None, "stage": 0}
    scene["effects"] = []
    text = " ".join("\n".join(screen(scene, wide=80)).split())
    assert "ended before stage 1 of 6, no traffic had it · at 2026-03-05 03:18 UTC" in text
    assert "of traffic" not in text
    scene["effects"].append({"kind": "weight", "target": "1", "state": "done", "said": "", "number": 9})
    assert "ended in 1 of 6 · 1 % of traffic" in " ".join("\n".join(screen(scene, wide=80)).split())


def test_a_completed_rollout_that_went_back_shows_its_way_back_once():
    """The canary's end, of when its version became the usual one, stood there as if it had gone back twice."""
    zero = {"kind": "weight", "target": "0", "state": "done", "said": "serves 0 %"}
    step = {"kind": "step", "target": "rollback/berths", "state": "done", "said": ""}
    shown = {**SCENES["returned"], "effects": [{**zero, "target": "100"}, zero, zero, step]}
    lines = way_back(shown, 80)
    assert [line.split()[-4:] for line in lines if "weight 0 %" in line] == [["·", "serves", "0", "%"]]
    failed = {**step, "state": "failed", "said": "cp ended with 1"}
    again = {**SCENES["returned"], "effects": [zero, failed, zero, step]}
    assert way_back(again, 80) == way_back({**again, "effects": [zero, step]}, 80)


def test_what_was_only_counted_does_not_bury_what_happened():
    """Sixty lines of counts stood between a widening and the STOP."""

    def entry(index: int, kind: str) -> dict[str, Any]:
        return {"index": index, "at": f"2026-03-05T03:00:{index:02}.000Z", "kind": kind, "body": {"n": index}}

    kinds = ["started", *["observed"] * 2, "widened", *["observed"] * 40, "stopped"]
    lines = happened([entry(index, f"rollout.{kind}") for index, kind in enumerate(kinds)])
    assert [line.split()[2] for line in lines] == [
        "rollout.started",
        "rollout.observed",
        "rollout.observed",
        "rollout.widened",
        "rollout.observed",
        "rollout.stopped",
    ]
    assert "40 times, the last #43 at 03:00:43.000" in lines[4]
