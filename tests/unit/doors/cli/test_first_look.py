"""The screen of ``interlock init``: the report of the past is whole, or says what it leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from interlock.core.change.parts import Identity
from interlock.core.facts.survey import PastChange
from interlock.core.policy.starter import Starter
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
