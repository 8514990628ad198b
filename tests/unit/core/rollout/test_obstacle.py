"""What stands in the way of a rollout comes with something that can be done, or typed."""

from __future__ import annotations

from interlock.core.rollout.obstacle import of_weight
from interlock.core.rollout.record import RolloutState


def test_a_version_that_was_left_at_the_canary_has_a_way_on_and_a_way_back_that_can_be_typed(planned, recorded):
    """The hint was to make it the usual version and to set a weight, which no command does."""
    left = recorded(state=RolloutState.COMPLETED, weight=100.0)
    (found,) = of_weight(100.0, planned(), left)
    assert "`rol-1` of change `chg-1` left it so" in found.text
    assert found.hint.startswith("the version before: interlock rollback order-service;")
    assert "set weight 0 at the fake, give rollouts/a.yaml its `promote` steps: docs/how-to/" in found.hint
    (elsewhere,) = of_weight(100.0, planned(environment="staging", promote=planned().apply), left)
    assert "interlock rollback order-service --environment staging;" in elsewhere.hint
    assert "`promote` steps" not in elsewhere.hint


def test_no_command_that_knows_nothing_of_it_is_offered_for_traffic_that_nobody_explains(planned, recorded):
    (found,) = of_weight(5.0, planned(), recorded(weight=0.0, state=RolloutState.RETURNED, phase="over"))
    assert "left it so" not in found.text
    assert found.hint.startswith("look what runs there")
    assert "interlock rollback" not in found.hint
    assert not list(of_weight(0.0, planned(), recorded(weight=100.0)))


def test_of_traffic_that_a_rollout_under_way_has_nothing_is_said(planned, recorded):
    """Its remedies would have ended it, one line below that it is under way."""
    assert list(of_weight(5.0, planned(), recorded(weight=5.0))) == []
