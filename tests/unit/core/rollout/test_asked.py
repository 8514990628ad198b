"""What may be asked of a rollout, and when not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.change.errors import IllegalTransition, InvalidInput
from interlock.core.rollout import asked
from interlock.core.rollout.act import RunStep, Watch, next_act
from interlock.core.rollout.record import ENDED, Harm, RolloutState
from interlock.core.rollout.transition import weighed


@pytest.mark.parametrize("state", [state for state in RolloutState if state in ENDED])
def test_what_is_over_is_not_taken_up_again(recorded, now, state):
    over = recorded(state=state, phase="over")
    acts = [
        lambda: asked.pause(over, "", now),
        lambda: asked.resume(over),
        lambda: asked.extend(over, 60),
        lambda: asked.abort(over, ""),
    ]
    if state is RolloutState.RETURNED:
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


def test_what_failed_on_its_way_back_goes_back_once_more_for_the_same_cause(recorded, now):
    harm = Harm(metric="orders", estimate=0.1, at_least=0.8, log_e=9, lost=9, seconds=4.2)
    failed = recorded(state=RolloutState.FAILED, phase="over", cause="harm", harm=harm, ended_at=now, why="cp: 1")
    back = asked.roll_back(failed, "try again", now)
    after = back.record
    assert (after.state, after.phase, after.wanted) == (RolloutState.RETURNING, "withdraw", 0.0)
    assert (after.cause, after.harm, after.ended_at, after.why) == ("harm", harm, None, "try again")
    assert back.kind == "rollout.rolled-back"
    assert asked.roll_back(after, "and again", now).record == after


def test_harm_that_was_told_of_is_not_told_of_again(recorded, plan, now):
    harm = Harm(metric="orders", estimate=0.1, at_least=0.8, log_e=9, lost=9, seconds=4.2)
    again = recorded(state=RolloutState.RETURNING, phase="withdraw", cause="harm", harm=harm, exposed_at=now)
    after = weighed(again, plan, 0.0, now + timedelta(hours=3)).record
    assert (after.phase, after.harm) == ("undo", harm)
    first = weighed(replace(again, harm=replace(harm, seconds=None)), plan, 0.0, now + timedelta(seconds=4)).record
    assert (first.phase, first.harm.seconds) == ("settle", 4.0)


def test_going_back_twice_is_going_back_once(recorded, now):
    back = asked.roll_back(recorded(), "slow", now).record
    assert asked.roll_back(back, "again", now).record == back
    assert asked.abort(back, "again").record == back


@pytest.mark.parametrize("seconds", [0, -1, 31 * 86_400.0, float("nan")])
def test_an_extension_has_a_range(recorded, seconds):
    with pytest.raises(InvalidInput) as refused:
        asked.extend(recorded(), seconds)
    assert refused.value.code == "extension-range"
    assert "e+" not in refused.value.message


@pytest.mark.parametrize("hold", ["", "promote-failed"])
def test_whoever_pauses_while_a_version_is_made_the_usual_one_stops_it(recorded, planned, plan, now, hold):
    """Pausing what had failed to be promoted promoted it."""
    full = planned(promote=plan.apply)
    state = RolloutState.HELD if hold else RolloutState.RUNNING
    paused = asked.pause(recorded(phase="promote", state=state, hold=hold), "why", now).record
    assert next_act(paused, full) == Watch()
    assert isinstance(next_act(asked.resume(paused).record, full), RunStep)


def test_the_reason_of_a_second_pause_is_put_on_record(recorded, now):
    """Whoever paused it once more was answered as if that had been written down."""
    first = asked.pause(recorded(), "night", now).record
    again = asked.pause(first, "orders look odd", now + timedelta(minutes=5))
    assert (again.kind, again.body) == ("rollout.paused", {"why": "orders look odd"})
    assert (again.record.why, again.record.held_since) == ("orders look odd", now)
    assert asked.pause(again.record, "", now).record == again.record
    assert asked.pause(again.record, "orders look odd", now).kind == ""


@pytest.mark.parametrize(
    ("state", "ask", "hint"),
    [
        (RolloutState.STARTING, lambda one, now: asked.pause(one, "", now), "interlock rollout abort"),
        (RolloutState.RUNNING, lambda one, _: asked.resume(one), "interlock rollout run"),
    ],
)
def test_what_cannot_be_asked_now_says_what_can(recorded, now, state, ask, hint):
    with pytest.raises(IllegalTransition) as refused:
        ask(recorded(state=state), now)
    assert f"{hint} {recorded().id}" in refused.value.hint


def test_a_rise_is_held_against_the_factor_that_its_margin_permits(now):
    """A margin of 50 % permits twice the errors: 0.8 more is ruled out well enough."""
    kinds = {"errors": "bad", "orders": "good", "slow": "bad"}
    standing = {"errors": 0.8, "orders": 0.5, "slow": 1223.96}
    assert asked.not_ruled_out(standing, 0.5, kinds) == "slow: nothing is ruled out"
    worse = asked.not_ruled_out({"errors": 4.0, "orders": 0.95}, 0.5, kinds)
    assert worse == "errors: only ×5 and worse is ruled out; orders: only −95 % and worse is ruled out"
    assert asked.not_ruled_out({"errors": 4.0}, 1.0, kinds) == "everything is ruled out"
