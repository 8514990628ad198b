"""What a person's signed widening says, and what it is held against."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.approval.model import SignedStatement, Statement
from interlock.core.change.catalog import Tier
from interlock.core.change.errors import Conflict, Forbidden, IllegalTransition, InvalidInput
from interlock.core.change.settings import Settings, Trust
from interlock.core.judge.verdict import MetricStanding, Standing
from interlock.core.rollout import asked, widening
from interlock.core.rollout.record import ENDED, RolloutState

WORDS = "errors: only ×1.9 and worse is ruled out; orders: nothing is ruled out"


@pytest.fixture
def said(recorded, plan, now):
    record = recorded()
    return Statement(
        purpose="widen",
        subject=record.id,
        digest=record.digest,
        environment=record.environment,
        approver="ana",
        nonce="nonce-0000000001",
        issued_at=now,
        expires_at=now + timedelta(minutes=60),
        details=widening.details(plan, record.stage, WORDS, "quiet night"),
    )


def test_it_says_where_it_goes_as_people_count(plan):
    assert widening.details(plan, 0, WORDS, "why") == {
        "stage": "2 of 3",
        "percent": "50",
        "not_ruled_out": WORDS,
        "why": "why",
    }
    assert widening.following(plan, 2) == ("promotion", "100")


def test_what_is_true_now_passes(said, recorded, plan):
    widening.check_said(said, recorded(), plan, WORDS)


@pytest.mark.parametrize(
    "differs",
    [
        {"purpose": "approve"},
        {"subject": "rol-2"},
        {"digest": f"sha256:{'9' * 64}"},
        {"environment": "staging"},
        {"answers": {"breaks": "x"}},
        {"details": {}},
        {"details": {"stage": "2 of 3", "percent": "50", "not_ruled_out": WORDS}},
    ],
)
def test_more_less_or_something_else_is_not_about_this_rollout(said, recorded, plan, differs):
    with pytest.raises(InvalidInput) as refused:
        widening.check_said(replace(said, **differs), recorded(), plan, WORDS)
    assert refused.value.code == "widening-bound"


def test_a_statement_about_an_earlier_stage_is_about_what_is_over(said, recorded, plan):
    for record in (recorded(stage=1), recorded(stage=2)):
        with pytest.raises(Conflict) as moved:
            widening.check_said(said, record, plan, WORDS)
        assert moved.value.code == "widening-moved"


@pytest.mark.parametrize("words", ["", WORDS.upper(), f" {WORDS}", "everything is ruled out"])
def test_the_words_are_the_records_own(said, recorded, plan, words):
    with pytest.raises(InvalidInput) as other:
        widening.check_said(said, recorded(), plan, words)
    assert other.value.code == "widening-words"


@pytest.mark.parametrize(
    ("why", "code"), [("", "reason-missing"), (" \n", "reason-missing"), ("a\x07", "reason-text")]
)
def test_a_reason_is_one_that_people_can_read(why, code):
    with pytest.raises(InvalidInput) as refused:
        widening.check_why(why)
    assert refused.value.code == code
    assert "--why" in refused.value.hint


@pytest.mark.parametrize("state", [state for state in RolloutState if state in ENDED])
def test_what_is_over_is_not_widened(recorded, state):
    with pytest.raises(IllegalTransition):
        widening.check_open(recorded(state=state, phase="over"))


def test_pausing_is_no_way_around_distrust(recorded, now):
    """Paused or resumed, what cannot be believed could be widened."""
    held = recorded(state=RolloutState.HELD, hold="untrusted", verdict="untrusted")
    paused = asked.pause(held, "why", now).record
    for record in (held, paused, asked.resume(paused).record, asked.resume(held).record):
        with pytest.raises(IllegalTransition):
            widening.check_open(record)


def test_a_weight_that_is_not_served_is_widened_by_nobody(recorded):
    with pytest.raises(IllegalTransition):
        widening.check_open(recorded(wanted=5.0, served=1.0))
    widening.check_open(recorded())


def test_what_somebody_paused_is_widened_by_nobody(recorded, now):
    """A signature from before the pause took it one stage further all the same."""
    paused = asked.pause(recorded(), "orders are missing", now).record
    with pytest.raises(IllegalTransition) as refused:
        widening.check_open(paused)
    assert "a rollout that nobody paused" in refused.value.message
    widening.check_open(asked.resume(paused).record)


def test_a_stage_is_watched_for_its_bake_before_anybody_answers_for_it(recorded, plan):
    with pytest.raises(IllegalTransition) as early:
        widening.check_baked(recorded(baked=59.0), plan)
    assert early.value.code == "widening-early"
    assert "expected a stage that baked 60 s" in early.value.message
    widening.check_baked(recorded(baked=60.0), plan)
    widening.check_baked(recorded(baked=3.0, state=RolloutState.HELD, hold="no-pass"), plan)


ORDERS = MetricStanding(
    canary=120, control=9000, expected=145.0, log_e=2.7, ruled_out=None, estimate=0.83, low=0.7, high=1.0
)
ERRORS = MetricStanding(canary=2, control=50, expected=2.0, log_e=0.1, ruled_out=None)


@pytest.mark.parametrize(("record", "stood"), [(2.71, 0.0), (0.0, 2.71)])
def test_nobody_answers_for_harm_that_is_suspected(recorded, record, stood):
    """What was signed said that nothing is ruled out, at 15 : 1 for harm."""
    standing = Standing(t=9.0, log_e=stood, stops_at=4.6, metrics={"errors": ERRORS, "orders": ORDERS})
    with pytest.raises(IllegalTransition) as harm:
        widening.check_harm(recorded(log_e=record), standing)
    assert harm.value.code == "widening-harm"
    assert harm.value.message == (
        "expected evidence of harm below 10 : 1, got 15 : 1 for `rol-1`: orders: 120 of about 145 expected, −17 %"
    )
    assert harm.value.hint.startswith("harm is suspected: interlock rollout abort rol-1, or wait")


def test_less_evidence_than_the_judge_passes_with_stops_nobody(recorded):
    standing = Standing(t=9.0, log_e=2.3, stops_at=4.6, metrics={"orders": ORDERS})
    widening.check_harm(recorded(log_e=2.3), standing)
    widening.check_harm(recorded(log_e=-1.0), None)
    with pytest.raises(IllegalTransition) as harm:
        widening.check_harm(recorded(log_e=2.31), None)
    assert harm.value.message == "expected evidence of harm below 10 : 1, got 10 : 1 for `rol-1`"


def test_who_wrote_it_does_not_answer_for_it_at_tier_1():
    with pytest.raises(Forbidden) as author:
        widening.check_author("ana", {"ana", "omar"}, Tier.ONE)
    assert author.value.code == "widening-author"
    widening.check_author("ben", {"ana", "omar"}, Tier.ONE)
    widening.check_author("ana", {"ana", "omar"}, Tier.TWO)


@pytest.mark.parametrize(
    ("software_keys", "tier", "presence", "enough"),
    [
        ("below-tier-1", Tier.ONE, "possession", False),
        ("below-tier-1", Tier.ONE, "present", False),
        ("below-tier-1", Tier.ONE, "verified", True),
        ("below-tier-1", Tier.TWO, "possession", True),
        ("all", Tier.ONE, "possession", True),
        ("none", Tier.THREE, "possession", False),
        ("none", Tier.THREE, "verified", True),
    ],
)
def test_a_software_key_counts_where_it_counts_for_an_approval(software_keys, tier, presence, enough):
    settings = Settings(trust=Trust(software_keys=software_keys))
    if enough:
        widening.check_presence(presence, tier, settings)
        return
    with pytest.raises(Forbidden) as refused:
        widening.check_presence(presence, tier, settings)
    assert refused.value.code == "widening-presence"


def test_the_record_and_the_entry_tell_who_signed(said, recorded, plan, now):
    signed = SignedStatement(
        id="sig-1",
        statement=said,
        signature="armour",
        fingerprint="SHA256:x",
        presence="verified",
        received_at=now,
        received_from="ana",
    )
    move = widening.widen(recorded(), plan, signed, now, more={"observation": 3})
    assert (move.kind, move.widens, move.record.stage, move.record.granted) == ("rollout.widened", True, 1, 50)
    (kept,) = move.record.widenings
    assert (kept.by, kept.statement, kept.stage, kept.percent) == ("ana", "sig-1", "2 of 3", "50")
    told = {"by": "ana", "statement": "sig-1", "signature": "armour", "presence": "verified", "observation": 3}
    assert told.items() <= move.body.items()
