"""The screen of ``interlock init``: the report of the past is whole, or says what it leaves out."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from interlock.core.change.parts import Identity
from interlock.core.facts.survey import PastChange
from interlock.core.policy.starter import Starter
from interlock.doors.cli.main import main
from interlock.doors.cli.screens.first_look import MOST_FINDINGS, MOST_RULES, first_look
from interlock.doors.cli.text import PIPE_WIDTH, columns
from interlock.road.report import LookBack, PastJudgement, RuleCount

NOW = datetime(2026, 3, 5, tzinfo=UTC)
PAST = PastChange(
    base="a" * 40, head="b" * 40, subject="Merge", author=Identity(name="ana", email="a@shop.example"), at=NOW
)
NOTHING = Starter(files={}, found=())
JUDGED = PastJudgement(change=PAST, provenance="unknown", tier=2, findings=("a.yaml: x is null",) * 7)
EMPTY = LookBack(since=NOW, judged=(), unreadable=(), rules=(), quiet=(), provenance={})


def rule(number: int, *, asks: bool = True) -> RuleCount:
    text = "words that go on and on " * 9
    return RuleCount(id=f"rule-{number}", text=text, times=1, asks=asks, mode="observe", example=PAST)


def screen(report: LookBack) -> str:
    return "\n".join(first_look(NOTHING, report, days=90, dry_run=False))


def test_an_empty_past_says_how_to_look_further_back() -> None:
    shown = screen(EMPTY)
    assert "no merge in 90 days" in shown
    assert "interlock init --look-back 365d --dry-run" in shown
    assert "would have refused" not in shown


def test_what_is_left_out_is_counted() -> None:
    rules = tuple(rule(number) for number in range(MOST_RULES + 2))
    shown = screen(replace(EMPTY, judged=(JUDGED,), rules=rules, provenance={"unknown": 1}))
    assert "and 2 rules more, see --json" in shown
    assert f"and {7 - MOST_FINDINGS} more, see --json" in shown
    assert "would have refused  none" in shown


def test_merges_that_cannot_be_read_are_counted_and_named() -> None:
    broken = replace(JUDGED, error="the object is gone")
    shown = screen(replace(EMPTY, unreadable=(broken,) * 5))
    assert "past     5 merges" in shown
    assert "5 merges could not be read, such as" in shown
    assert shown.count("bbbbbbbb the object is gone") == 3
    assert "would have refused" not in shown


@pytest.mark.parametrize(("tier", "said"), [(1, False), (2, True), (None, True)])
def test_a_past_without_tier_one_says_why_little_was_asked_for(tier: int | None, said: bool) -> None:  # noqa: FBT001  # a column
    report = replace(EMPTY, judged=(replace(JUDGED, tier=tier),), rules=(rule(1),))
    assert ("give services their tier" in screen(report)) is said


def test_no_line_is_wider_than_the_page() -> None:
    report = replace(EMPTY, judged=(JUDGED,), rules=(rule(1), rule(2, asks=False)), quiet=("long-name",) * 40)
    wide = [line for line in screen(report).splitlines() if columns(line) > PIPE_WIDTH]
    assert wide == []


def test_it_says_how_a_service_goes_out_in_stages() -> None:
    """It ended at the gate: nobody learned there that rollouts have plans."""
    shown = " ".join(screen(EMPTY).split())
    assert "rollouts no plan yet: what follows the gate is yours." in shown
    assert "write rollouts/SERVICE.yaml (docs/how-to/rollout-plan.md): interlock policy check" in shown


def test_plans_that_are_there_are_counted_and_foreign_objects_told_apart() -> None:
    """A folder of Argo's rollouts made the first rules unreadable, without a word about it."""
    ours = "\n".join(first_look(NOTHING, EMPTY, days=90, dry_run=False, plans=2))
    assert "rollouts 2 plans, read by interlock policy check" in ours
    theirs = "\n".join(first_look(NOTHING, EMPTY, days=90, dry_run=False, plans=1, foreign="rollouts/argo.yaml"))
    assert "rollouts rollouts/argo.yaml is no rollout plan of interlock" in theirs
    assert "interlock.yaml (rollouts: release/plans)" in theirs


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n", "rollouts/shop.yaml is no rollout plan"),
        (b"service: shop\n", "rollouts 1 plan, read by"),
        (None, "rollouts no plan yet"),
    ],
)
def test_init_looks_where_plans_would_lie(tmp_path, monkeypatch, capsys, content, says) -> None:
    person = ("-c", "user.name=a", "-c", "user.email=a@shop.example")
    for words in (["init", "-q"], [*person, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    if content is not None:
        (tmp_path / "rollouts").mkdir()
        (tmp_path / "rollouts/shop.yaml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["init", "--look-back", "0d", "--dry-run"])
    assert not left.value.code
    assert says in capsys.readouterr().out


USER = "kind: User\nmetadata: {name: NAME}\n"


@pytest.mark.parametrize(
    ("people", "settings", "who"),
    [
        (0, None, "when you stand for these rules, alone"),
        (3, None, "when two people stand for these rules"),
        (3, "version: 1\none_person: true\n", "when you stand for these rules, alone"),
    ],
)
def test_init_counts_the_people_of_the_catalog_that_is_there(
    tmp_path, monkeypatch, capsys, people, settings, who
) -> None:
    """It wrote one-person mode beside a catalog of three, and then spoke of two people."""
    person = ("-c", "user.name=a", "-c", "user.email=a@shop.example")
    for words in (["init", "-q"], [*person, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    if people:
        text = "---\n".join(USER.replace("NAME", f"p{number}") for number in range(people))
        (tmp_path / "catalog-info.yaml").write_text(text)
    if settings:
        (tmp_path / "interlock.yaml").write_text(settings)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["init", "--look-back", "0d"])
    assert not left.value.code
    assert who in capsys.readouterr().out
    assert ("one_person: true" in (tmp_path / "interlock.yaml").read_text()) is ("alone" in who)
