"""What may be asked of a rollout, and when not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from interlock.core.change.errors import IllegalTransition, InvalidInput
from interlock.core.rollout import asked
from interlock.core.rollout.act import RunStep, Wait, next_act
from interlock.core.rollout.record import ENDED, RolloutState


@pytest.mark.parametrize("state", [state for state in RolloutState if state in ENDED])
def test_what_is_over_is_not_taken_up_again(recorded, plan, now, state):
    over = recorded(state=state, phase="over")
    acts = [
        lambda: asked.pause(over, "", now),
        lambda: asked.resume(over),
        lambda: asked.extend(over, 60),
        lambda: asked.abort(over, ""),
        lambda: asked.widen(over, plan, wanted="w", repeated="w", by="ana", why="y", now=now),
    ]
    if state is not RolloutState.COMPLETED:
        acts.append(lambda: asked.roll_back(over, "", now))
    for act in acts:
        with pytest.raises(IllegalTransition):
            act()


@pytest.mark.parametrize("state", [state for state in RolloutState if state not in ENDED])
def test_aborting_is_always_allowed(recorded, now, state):
    after = asked.abort(recorded(state=state), "why").record
    assert after.state is RolloutState.RETURNING
    assert after.wanted == 0.0 or state is RolloutState.RETURNING


def test_a_completed_rollout_goes_back_while_it_is_kept(recorded, now):
    done = recorded(state=RolloutState.COMPLETED, phase="over", kept_until=now + timedelta(hours=1))
    after = asked.roll_back(done, "slow", now).record
    assert (after.state, after.phase, after.cause, after.ended_at) == (
        RolloutState.RETURNING,
        "withdraw",
        "rollback",
        None,
    )
    with pytest.raises(IllegalTransition) as late:
        asked.roll_back(done, "slow", now + timedelta(hours=1))
    assert late.value.code == "not-kept"


def test_going_back_twice_is_going_back_once(recorded, now):
    back = asked.roll_back(recorded(), "slow", now).record
    assert asked.roll_back(back, "again", now).record == back
    assert asked.abort(back, "again").record == back


def test_widening_takes_the_very_words_and_a_reason(recorded, plan, now):
    words = asked.not_ruled_out({"orders": None, "errors": 0.95, "latency": 0.1}, 0.1, {"errors": "bad"})
    assert words == "errors: only ×1.9 and worse is ruled out; orders: nothing is ruled out"
    for repeated, why in (("", "y"), (words.upper(), "y"), (words, " ")):
        with pytest.raises(InvalidInput):
            asked.widen(recorded(), plan, wanted=words, repeated=repeated, by="ana", why=why, now=now)
    move = asked.widen(recorded(), plan, wanted=words, repeated=f" {words} ", by="ana", why="y", now=now)
    assert (move.record.stage, move.body["not_ruled_out"], move.body["by"]) == (1, words, "ana")


def test_what_cannot_be_believed_is_widened_by_nobody(recorded, plan, now):
    held = recorded(state=RolloutState.HELD, hold="untrusted")
    with pytest.raises(IllegalTransition):
        asked.widen(held, plan, wanted="w", repeated="w", by="ana", why="y", now=now)


@pytest.mark.parametrize("seconds", [0, -1, 31 * 86_400.0, float("nan")])
def test_an_extension_has_a_range(recorded, seconds):
    with pytest.raises(InvalidInput) as refused:
        asked.extend(recorded(), seconds)
    assert refused.value.code == "extension-range"


def test_pausing_is_no_way_around_distrust(recorded, plan, now):
    """Paused or resumed, what cannot be believed could be widened."""
    held = recorded(state=RolloutState.HELD, hold="untrusted", verdict="untrusted")
    paused = asked.pause(held, "why", now).record
    for record in (paused, asked.resume(paused).record, asked.resume(held).record):
        with pytest.raises(IllegalTransition):
            asked.widen(record, plan, wanted="w", repeated="w", by="ana", why="y", now=now)


def test_a_weight_that_is_not_served_is_widened_by_nobody(recorded, plan, now):
    unserved = recorded(wanted=5.0, served=1.0)
    with pytest.raises(IllegalTransition):
        asked.widen(unserved, plan, wanted="w", repeated="w", by="ana", why="y", now=now)


@pytest.mark.parametrize("hold", ["", "promote-failed"])
def test_whoever_pauses_while_a_version_is_made_the_usual_one_stops_it(recorded, planned, plan, now, hold):
    """Pausing what had failed to be promoted promoted it."""
    full = planned(promote=plan.apply)
    state = RolloutState.HELD if hold else RolloutState.RUNNING
    paused = asked.pause(recorded(phase="promote", state=state, hold=hold), "why", now).record
    assert next_act(paused, full) == Wait()
    assert isinstance(next_act(asked.resume(paused).record, full), RunStep)


def test_a_rise_is_held_against_the_factor_that_its_margin_permits(now):
    """A margin of 50 % permits twice the errors: 0.8 more is ruled out well enough."""
    kinds = {"errors": "bad", "orders": "good", "slow": "bad"}
    standing = {"errors": 0.8, "orders": 0.5, "slow": 1223.96}
    assert asked.not_ruled_out(standing, 0.5, kinds) == "slow: nothing is ruled out"
    worse = asked.not_ruled_out({"errors": 4.0, "orders": 0.95}, 0.5, kinds)
    assert worse == "errors: only ×5 and worse is ruled out; orders: only −95% and worse is ruled out"
    assert asked.not_ruled_out({"errors": 4.0}, 1.0, kinds) == "everything is ruled out"
