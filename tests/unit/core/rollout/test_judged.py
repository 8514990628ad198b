"""What becomes of a rollout after a tick: the verdict, the bake, the limit, and distrust."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.judge.verdict import NotEnoughData, Passed, Stopped, Untrusted
from interlock.core.rollout.judged import LOST_WEIGHT, Seen, observed, told
from interlock.core.rollout.record import Harm, RolloutState

PASSED = Passed(ruled_out={"orders": 0.05})
STOPPED = Stopped(metric="orders", log_e=9.0, log_e_metric=9.0, estimate=0.1, at_least=0.8)
HARM = Harm(metric="orders", estimate=0.1, at_least=0.8, log_e=9.0, lost=9.0)
WAITING = NotEnoughData(ruled_out={"orders": None}, eta=None)
LIES = Untrusted(code="router-lies", why="it does")


def seen(verdict, **more):
    return Seen(verdict=verdict, worked=1.0, judged=1.0, **more)


def test_a_pass_after_the_bake_widens_by_one_stage(recorded, plan, now):
    move = observed(recorded(), plan, seen(PASSED), now)
    after = move.record
    assert (move.kind, move.widens) == ("rollout.widened", True)
    assert (after.stage, after.granted, after.wanted, after.phase) == (1, 50, 50, "weigh")
    assert (after.baked, after.spent, after.ruled_out) == (0.0, 0.0, {"orders": 0.05})


def test_a_pass_before_the_bake_waits(recorded, plan, now):
    move = observed(recorded(baked=58.0), plan, seen(PASSED), now)
    assert (move.kind, move.record.stage, move.record.baked) == ("", 0, 59.0)


def test_a_bake_without_a_pass_waits(recorded, plan, now):
    move = observed(recorded(), plan, seen(WAITING), now)
    assert (move.kind, move.record.stage) == ("", 0)


@pytest.mark.parametrize("hold", ["", "paused", "no-pass", "untrusted"])
def test_stop_acts_in_every_state_that_is_judged(recorded, plan, now, hold):
    state = RolloutState.HELD if hold else RolloutState.RUNNING
    move = observed(recorded(state=state, hold=hold), plan, seen(STOPPED, harm=HARM), now)
    after = move.record
    assert (after.state, after.phase, after.cause, after.harm) == (
        RolloutState.RETURNING,
        "withdraw",
        "harm",
        HARM,
    )
    assert (after.wanted, after.granted) == (0.0, 0.0)


def test_a_paused_rollout_does_not_widen(recorded, plan, now):
    move = observed(recorded(state=RolloutState.HELD, hold="paused"), plan, seen(PASSED), now)
    assert (move.kind, move.record.stage) == ("", 0)


def test_the_limit_holds_and_says_what_can_be_done(recorded, plan, now):
    move = observed(recorded(spent=600.0), plan, seen(WAITING), now)
    assert (move.record.state, move.record.hold) == (RolloutState.HELD, "no-pass")
    assert {"extend", "widen"} <= {word for word in str(move.body["advice"]).replace(":", " ").split() if word}
    longer = observed(recorded(spent=600.0, extended=60.0), plan, seen(WAITING), now)
    assert longer.kind == ""


def test_an_eta_beyond_the_limit_holds_but_not_before_the_bake(recorded, plan, now):
    late = replace(WAITING, eta=501.0)
    assert observed(recorded(baked=10.0), plan, seen(late), now).kind == ""
    assert observed(recorded(), plan, seen(late), now).kind == "rollout.held"
    assert observed(recorded(), plan, seen(replace(WAITING, eta=400.0)), now).kind == ""


def test_a_pass_that_comes_late_is_as_good(recorded, plan, now):
    held = recorded(state=RolloutState.HELD, hold="no-pass")
    after = observed(held, plan, seen(PASSED), now).record
    assert (after.state, after.hold, after.stage) == (RolloutState.RUNNING, "", 1)


def test_nothing_bakes_that_cannot_be_believed(recorded, plan, now):
    move = observed(recorded(baked=5.0), plan, seen(LIES), now)
    assert (move.record.baked, move.record.hold) == (5.0, "untrusted")


def test_distrust_returns_where_the_plan_says_so(recorded, planned, now):
    move = observed(recorded(), planned(untrusted="return"), seen(LIES), now)
    assert (move.record.state, move.record.cause) == (RolloutState.RETURNING, "untrusted")


def test_what_was_held_for_distrust_goes_on_by_itself(recorded, plan, now):
    held = recorded(state=RolloutState.HELD, hold="untrusted", baked=0.0)
    assert observed(held, plan, seen(WAITING, good=4), now).kind == ""
    after = observed(held, plan, seen(WAITING, good=5), now).record
    assert (after.state, after.hold) == (RolloutState.RUNNING, "")


def test_what_a_person_paused_stays_so(recorded, plan, now):
    held = recorded(state=RolloutState.HELD, hold="paused")
    assert observed(held, plan, seen(WAITING, good=100), now).record.hold == "paused"


def test_traffic_that_somebody_took_away_is_not_pushed_up_again(recorded, plan, now):
    lost = Untrusted(code=LOST_WEIGHT, why="somebody did")
    after = observed(recorded(), plan, seen(lost), now).record
    assert (after.cause, after.wanted) == ("lost-weight", 0.0)


def test_at_everything_the_bake_alone_ends_the_stage(recorded, plan, now):
    last = recorded(stage=2, granted=100, wanted=100, served=100, weight=100, alone=True)
    move = observed(last, plan, seen(WAITING), now)
    assert (move.kind, move.record.phase, move.widens) == ("rollout.passed", "promote", False)
    assert move.body["by"] == "no control and no backstop"
    backed = observed(last, plan, seen(WAITING, backed=True), now)
    assert backed.body["by"] == "backstop alone"


def test_at_everything_no_pass_is_told_and_nothing_is_ruled_out(recorded, plan, now):
    """The look of the stage before was told as a pass of this one."""
    last = recorded(
        stage=2, granted=100, wanted=100, served=100, weight=100, alone=True, ruled_out={"orders": 0.1}
    )
    look = {"verdict": "pass", "log_e": -3.0}
    move = observed(last, plan, seen(PASSED, backed=True, evidence=look), now)
    assert (move.body["by"], move.body["ruled_out"]) == ("backstop alone", {})
    assert not look.keys() & move.body.keys()
    assert move.record.ruled_out == {"orders": 0.1}


def test_the_last_stage_passes_out_of_its_hold(recorded, plan, now):
    """What was held for want of a pass goes on to be promoted, and waits for nobody there."""
    held = recorded(
        stage=2, granted=100, wanted=100, served=100, weight=100, state=RolloutState.HELD, hold="no-pass", why="w"
    )
    after = observed(held, plan, seen(WAITING), now).record
    assert (after.phase, after.state, after.hold, after.held_since) == ("promote", RolloutState.RUNNING, "", None)


@pytest.mark.parametrize("phase", ["withdraw", "settle", "undo", "over"])
def test_a_verdict_moves_nothing_in_another_phase(recorded, plan, now, phase):
    record = recorded(phase=phase)
    assert observed(record, plan, seen(STOPPED, harm=HARM), now).record == record


@pytest.mark.parametrize(("phase", "hold"), [("weigh", ""), ("promote", ""), ("promote", "promote-failed")])
def test_harm_is_harm_whatever_is_being_done_with_traffic_out(recorded, plan, now, phase, hold):
    """After a step that had failed 59,769 orders were lost in two minutes, and nobody said STOP."""
    state = RolloutState.HELD if hold else RolloutState.RUNNING
    after = observed(recorded(phase=phase, state=state, hold=hold), plan, seen(STOPPED, harm=HARM), now).record
    assert (after.phase, after.cause, after.wanted, after.harm) == ("withdraw", "harm", 0.0, HARM)


def test_promoting_is_nothing_that_passes_or_bakes(recorded, plan, now):
    record = recorded(phase="promote", stage=2, step=1)
    after = observed(record, plan, seen(PASSED), now).record
    assert (after.phase, after.step, after.baked, after.spent) == ("promote", 1, record.baked, record.spent)


@pytest.mark.parametrize(
    ("hold", "untrusted", "code", "cause"),
    [
        ("", "return", "counter-reset", None),
        ("promote-failed", "return", "counter-reset", "untrusted"),
        ("promote-failed", "hold", "counter-reset", None),
        ("promote-failed", "hold", LOST_WEIGHT, "lost-weight"),
        ("", "hold", LOST_WEIGHT, None),
        ("", "hold", "crash-loop", "untrusted"),
    ],
)
def test_distrust_while_promoting_acts_where_that_is_held(recorded, planned, now, hold, untrusted, code, cause):
    """A step that makes a version the usual one restarts the very processes that it is compared with."""
    state = RolloutState.HELD if hold else RolloutState.RUNNING
    record = recorded(phase="promote", state=state, hold=hold)
    move = observed(record, planned(untrusted=untrusted), seen(Untrusted(code=code, why="w")), now)
    assert (move.record.cause, move.record.hold if cause is None else hold) == (cause, hold)


def test_what_is_kept_has_a_canonical_form_whatever_a_tick_lasted(recorded, plan, now):
    """A tick of 1.0000037 s left microseconds in the record, which no ledger takes."""
    lasted = Seen(verdict=WAITING, worked=1.0000037, judged=1.0000037)
    after = observed(recorded(baked=3.1), plan, lasted, now).record
    assert after.bake_until.microsecond % 1000 == 0


@pytest.mark.parametrize(("eta", "says"), [(304.0, "5 min"), (42.0, "42 s"), (7_800.0, "2 h 10 min")])
def test_a_time_is_told_as_people_say_it(eta, says):
    """It said 304 s here and 5 min elsewhere."""
    assert told(NotEnoughData(ruled_out={}, eta=eta)) == f"a pass is expected in {says}"
