"""Moves that follow from acts: what they leave behind, and what a record can hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.change.canonical import canonical
from interlock.core.change.errors import IllegalTransition
from interlock.core.rollout import transition
from interlock.core.rollout.plan import StagePlan
from interlock.core.rollout.record import Harm, RolloutState


def test_every_moment_is_one_that_a_record_holds(recorded, planned, now):
    """A bake of a third of a second used to be refused by the ledger, three times, and then traffic went back."""
    stage = StagePlan(percent=1, bake=1 / 3, margin=0.9, limit=600)
    odd = planned(stages=(stage, replace(stage, percent=50)), keep=1 / 7)
    begun = transition.calibrated(recorded(state=RolloutState.STARTING), odd, None, "", now).record
    served = transition.weighed(begun, odd, 1.0, now).record
    wider = transition.widened(served, odd, {}, now, body={}).record
    done = transition.completed(wider, odd, now).record
    for record in (begun, served, wider, done):
        assert canonical(record)


def test_the_first_weight_makes_it_run_and_a_person_stays_in_charge(recorded, plan, now):
    starting = recorded(state=RolloutState.STARTING, phase="weigh")
    assert transition.weighed(starting, plan, 1.0, now).record.state is RolloutState.RUNNING
    paused = recorded(state=RolloutState.HELD, hold="paused", phase="weigh")
    assert transition.weighed(paused, plan, 1.0, now).record.hold == "paused"


def test_weight_0_comes_before_the_ticket_and_the_artefact(recorded, plan, now):
    back = transition.returning(recorded(), "harm", "orders").record
    assert (back.phase, back.wanted, back.step) == ("withdraw", 0.0, 0)
    served = transition.weighed(back, plan, 0.0, now).record
    settled = transition.settled(served).record
    assert (served.phase, settled.phase) == ("settle", "undo")


def test_harm_is_timed_from_the_first_request_to_weight_0(recorded, plan, now):
    harm = Harm(metric="orders", estimate=0.1, at_least=0.8, log_e=9, lost=9)
    back = recorded(phase="withdraw", state=RolloutState.RETURNING, wanted=0.0, harm=harm, exposed_at=now)
    move = transition.weighed(back, plan, 0.0, transition.later(now, 2.25))
    assert move.record.harm == replace(harm, seconds=2.25)


@pytest.mark.parametrize("phase", ["apply", "calibrate", "weigh", "withdraw", "settle", "undo", "over"])
def test_nothing_widens_but_what_is_judged(recorded, plan, now, phase):
    with pytest.raises(IllegalTransition):
        transition.widened(recorded(phase=phase), plan, {}, now, body={})


def test_going_back_is_begun_once(recorded):
    back = transition.returning(recorded(), "harm", "orders").record
    assert transition.returning(back, "abort", "later").record == back


def test_promoting_ends_with_the_canary_out_and_without_steps_at_once(recorded, plan, planned, now):
    last = recorded(phase="promote", stage=2, granted=100, wanted=100, served=100, weight=100)
    assert transition.set_through(last, plan, now).record.state is RolloutState.COMPLETED
    steps = planned(promote=plan.apply)
    retiring = transition.set_through(replace(last, step=1), steps, now).record
    assert (retiring.phase, retiring.wanted) == ("retire", 0.0)
    assert transition.weighed(retiring, steps, 0.0, now).record.state is RolloutState.COMPLETED


def test_a_step_that_fails_leads_where_its_set_says(recorded, now):
    where = {
        "apply": (RolloutState.RETURNING, "apply-failed"),
        "promote": (RolloutState.HELD, None),
        "undo": (RolloutState.FAILED, None),
    }
    for phase, expected in where.items():
        after = transition.stepped(recorded(phase=phase), now, done=False, said="no").record
        assert (after.state, after.cause) == expected
