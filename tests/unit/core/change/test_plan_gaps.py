"""A partial plan is read and says what it leaves unsaid."""

from __future__ import annotations

import json

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.plan import read_plan

ROW = {"name": "orders"}
DATABASE = {"address": "aws_db_instance.orders", "mode": "managed", "type": "aws_db_instance"}
DELETE = {**DATABASE, "change": {"actions": ["delete"], "before": ROW, "after": None}}
UPDATE = {**DATABASE, "change": {"actions": ["update"], "before": ROW, "after": {"name": "o"}}}


def read(**top):
    document = {"format_version": "1.2", **top}
    return read_plan("plan.json", json.dumps(document).encode())


def state(*resources, module=None):
    root = {"resources": list(resources)} | ({"child_modules": [module]} if module else {})
    return {"values": {"root_module": root}}


def values(*resources, **more):
    return state(*resources, **more)["values"]


def held(address="aws_db_instance.orders", mode="managed", **more):
    return {"address": address, "mode": mode, "type": "aws_db_instance", "values": ROW} | more


@pytest.mark.parametrize(
    ("top", "words"),
    [
        ({"resource_changes": [], "errored": True}, "ended in an error"),
        ({"resource_changes": [], "complete": False}, "calls itself incomplete"),
        ({"resource_changes": [UPDATE], "applyable": False}, "cannot be applied"),
        ({"resource_changes": [], "deferred_changes": [{"reason": "x", "resource_change": DELETE}]}, "deferred"),
        ({"resource_changes": [], "deferred_action_invocations": [{}]}, "deferred_action_invocations"),
        ({"configuration": {}}, "neither resource_changes nor planned_values"),
        ({"resource_changes": None, "configuration": {}}, "neither resource_changes nor planned_values"),
        ({"planned_values": {"root_module": {}}, "prior_state": state(held())}, "disappear"),
        ({"resource_changes": [], "planned_values": {}, "prior_state": state(held())}, "disappear"),
        ({"planned_values": values(held()), "prior_state": state()}, "appear without"),
        ({"planned_values": values(held(values={})), "prior_state": state(held())}, "differ afterwards"),
        (
            {
                "planned_values": values(),
                "prior_state": state(module={"resources": [held("module.a.aws_db_instance.x")]}),
            },
            "module.a.aws_db_instance.x",
        ),
    ],
)
def test_each_gap_is_told(top, words):
    assert words in " · ".join(read(**top).incomplete)


@pytest.mark.parametrize(
    "top",
    [
        {"resource_changes": [], "complete": True, "errored": False},
        {"resource_changes": [], "applyable": False},
        {"planned_values": {}},
        {"planned_values": {"outputs": {}, "root_module": {}}, "prior_state": state()},
        {"planned_values": values(held()), "prior_state": state(held())},
        {"resource_changes": [DELETE], "planned_values": values(), "prior_state": state(held())},
        {
            "resource_changes": [
                {**UPDATE, "address": "aws_db_instance.new", "previous_address": DATABASE["address"]}
            ],
            "planned_values": values(held("aws_db_instance.new")),
            "prior_state": state(held()),
        },
        {"planned_values": values(), "prior_state": state(held(mode="data"))},
        {"planned_values": values(held("a.b[0]")), "prior_state": state(held("a.b", index=0))},
    ],
)
def test_a_whole_plan_has_none(top):
    assert read(**top).incomplete == ()


@pytest.mark.parametrize("key", ["errored", "complete", "applyable"])
@pytest.mark.parametrize("value", ["true", 1, [], {}])
def test_a_mark_that_is_neither_true_nor_false_is_refused(key, value):
    with pytest.raises(InvalidInput) as caught:
        read(resource_changes=[UPDATE], **{key: value})
    assert caught.value.code == "plan-shape"


def test_a_deferred_delete_is_among_the_resources_and_says_that_it_is_put_off():
    found = read(resource_changes=[], deferred_changes=[{"reason": "absent_prereq", "resource_change": DELETE}])
    (one,) = found.resources
    assert (one.actions, one.reason) == (("delete",), "deferred: absent_prereq")


def test_what_is_deferred_may_not_know_its_sides_yet():
    waiting = {**DATABASE, "change": {"actions": ["update"], "before": None, "after": None}}
    assert read(deferred_changes=[{"reason": "x", "resource_change": waiting}], planned_values={}).resources


@pytest.mark.parametrize("deferred", [{"a": 1}, [1], [{}], [{"resource_change": {}}]])
def test_deferred_changes_of_another_form_are_refused(deferred):
    with pytest.raises(InvalidInput) as caught:
        read(resource_changes=[], deferred_changes=deferred)
    assert caught.value.code == "plan-shape"


def test_provider_actions_are_named():
    found = read(resource_changes=[], action_invocations=[{"address": "action.aws_lambda_invoke.x"}, {}])
    assert found.invokes == ("action.aws_lambda_invoke.x", "an action")
    with pytest.raises(InvalidInput):
        read(resource_changes=[], action_invocations=["x"])
