"""``interlock policy check`` over the plans of producers: no plan, not taken by its plug-ins, or doubtful."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.doors.cli.test_policy import HARBOUR, run

REHEARSAL = """\
service: harbour
environment: staging
driver: {kind: command}
apply: [{name: on, run: [touch, on], verify: [test, -e, on]}]
rollback: [{name: off, run: [rm, -f, "on"], verify: ["true"]}]
probes:
  - {name: board, kind: files, path: ["*.on"]}
"""
ALERTS = """\
service: harbour
rules: ["monitoring/*.yaml"]
shapes: [{series: bookings_total, per_second: 40}]
modes: [{name: bookings drop, kind: drop, series: bookings_total}]
"""


@pytest.fixture
def rehearsed(tree) -> Path:
    (tree / "interlock.yaml").write_text(
        "version: 1\nenvironments: {production: {production: true}, staging: {}}\n"
    )
    (tree / "catalog-info.yaml").write_text(HARBOUR)
    for folder in ("rehearsals", "alert-plans"):
        (tree / folder).mkdir()
    return tree


def test_check_looks_at_the_plans_of_producers_too(rehearsed, capsys) -> None:
    """What a probe does not take was found only when the rehearsal was to start."""
    (rehearsed / "rehearsals" / "harbour.yaml").write_text(REHEARSAL)
    (rehearsed / "alert-plans" / "harbour.yaml").write_text(ALERTS)
    code, out, _ = run("policy", "check", "--json", capsys=capsys)
    said = json.loads(out)
    assert code == 1
    assert [(one["producer"], one["service"]) for one in said["producer_plans"]] == [
        ("rehearsal", "harbour"),
        ("alerts", "harbour"),
    ]
    (doubt,) = said["plan_doubts"]
    assert (doubt["code"], "`rehearsals/harbour.yaml:7`" in doubt["message"]) == ("input-shape", True), doubt
    (rehearsed / "rehearsals" / "harbour.yaml").write_text(REHEARSAL.replace("path:", "paths:"))
    code, out, _ = run("policy", "check", capsys=capsys)
    assert code == 0
    assert "harbour in staging: rehearsal, command, 1 probe · rehearsals/harbour.yaml" in " ".join(out.split())
    assert "harbour: alerts, 1 failure mode · alert-plans/harbour.yaml" in " ".join(out.split())


def test_check_doubts_a_step_that_goes_back_to_a_branch(rehearsed, capsys) -> None:
    """Once the change is merged the branch is the new version, and going back by it changes nothing."""
    moved = REHEARSAL.replace("path:", "paths:").replace('[rm, -f, "on"]', '[git, checkout, main, --, "on"]')
    (rehearsed / "rehearsals" / "harbour.yaml").write_text(moved)
    code, out, _ = run("policy", "check", "--json", capsys=capsys)
    (doubt,) = json.loads(out)["plan_doubts"]
    assert (code, doubt["code"], "`rehearsals/harbour.yaml:5`" in doubt["message"]) == (1, "step-moving", True), (
        doubt
    )


SCAN = "scanners: [{kind: bandit}, {kind: semgrepp, rules: semgrep}]\n"
TESTED = "service: harbour\nproduct: [src/]\n"
SAVED = (
    "service: harbour\nenvironment: production\ndatabase: HARBOUR_URL\ntake: pg_dump\nfile: backups/{run}.dump\n"
)


def test_check_looks_at_every_producers_plans(rehearsed, capsys) -> None:
    for folder, text in (("scan-plans", SCAN), ("test-plans", TESTED), ("snapshot-plans", SAVED)):
        (rehearsed / folder).mkdir()
        (rehearsed / folder / "harbour.yaml").write_text(text)
    code, out, _ = run("policy", "check", "--json", capsys=capsys)
    said = json.loads(out)
    assert code == 1, said["plan_doubts"]
    assert [one["producer"] for one in said["producer_plans"]] == ["tests", "snapshot", "scan"], said
    (doubt,) = said["plan_doubts"]
    assert (doubt["code"], "`semgrepp` (did you mean `semgrep`?)" in doubt["message"]) == ("plugin-unknown", True)


def test_check_of_a_producers_plan_that_is_none_is_an_input_error(rehearsed, capsys) -> None:
    (rehearsed / "alert-plans" / "harbour.yaml").write_text(ALERTS.replace("kind: drop", "kind: dropp"))
    code, out, _ = run("policy", "check", capsys=capsys)
    assert (code, "alert-plans/harbour.yaml:4" in out) == (2, True), out
