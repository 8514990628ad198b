"""A plan whose actions say one thing and whose values say another is refused: one of the two would be believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.plan import read_plan

PLANS = sorted((Path(__file__).parents[3] / "data" / "terraform-plans").glob("*/*.json"))
ROW = {"name": "orders", "deletion_protection": True}
OPEN = {**ROW, "deletion_protection": False}


def read(actions, before, after, mode="managed", **more):
    entry = {"address": "aws_db_instance.orders", "mode": mode, "type": "aws_db_instance"}
    entry["change"] = {"actions": actions, "before": before, "after": after, **more}
    document = {"format_version": "1.2", "resource_changes": [entry]}
    return read_plan("plan.json", json.dumps(document).encode())


@pytest.mark.parametrize(
    ("actions", "before", "after", "more"),
    [
        (["update"], ROW, None, {}),
        (["update"], ROW, None, {"after_unknown": {"name": False}}),
        (["update"], None, ROW, {}),
        (["update"], ROW, OPEN, {"replace_paths": [["name"]]}),
        (["no-op"], ROW, None, {}),
        (["no-op"], ROW, OPEN, {}),
        (["no-op"], None, ROW, {}),
        (["no-op"], ROW, ROW, {"after_unknown": {"name": True}}),
        (["no-op"], ROW, ROW, {"replace_paths": [["name"]]}),
        (["no-op"], ROW, OPEN, {"importing": {"id": "x"}}),
        (["read"], ROW, None, {}),
        (["read"], None, ROW, {}),
        (["create"], ROW, OPEN, {}),
        (["create"], None, None, {}),
        (["delete"], ROW, ROW, {}),
        (["delete"], ROW, None, {"after_unknown": {"name": True}}),
        (["forget"], ROW, ROW, {}),
        (["delete", "create"], ROW, None, {}),
        (["create", "forget"], ROW, None, {}),
    ],
)
def test_what_contradicts_itself_is_refused(actions, before, after, more):
    with pytest.raises(InvalidInput) as caught:
        read(actions, before, after, **more)
    assert caught.value.code == "plan-contradiction"
    assert "aws_db_instance.orders" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("actions", "before", "after", "more"),
    [
        (["update"], ROW, OPEN, {}),
        (["update"], ROW, None, {"after_unknown": True}),
        (["no-op"], ROW, ROW, {"after_unknown": {"tags": {}, "rules": [False]}}),
        (["no-op"], None, None, {}),
        (["read"], None, ROW, {"mode": "data"}),
        (["create"], None, None, {"after_unknown": {"name": True}}),
        (["delete"], ROW, None, {"after_unknown": False}),
        (["delete", "create"], ROW, OPEN, {"replace_paths": [["name"]]}),
        (["create", "delete"], ROW, OPEN, {}),
        (["forget"], ROW, None, {}),
        (["create", "forget"], ROW, ROW, {}),
    ],
)
def test_the_nearest_that_agrees_is_read(actions, before, after, more):
    assert read(actions, before, after, **more).resources[0].actions == tuple(actions)


@pytest.mark.parametrize("actions", [["update", "delete"], ["delete", "delete"], ["no-op", "create"]])
def test_a_combination_that_no_tool_writes_is_refused(actions):
    with pytest.raises(InvalidInput) as caught:
        read(actions, ROW, ROW)
    assert caught.value.code == "plan-shape"


@pytest.mark.parametrize("harmless", [["no-op"], ["update"], ["read"]])
def test_no_delete_or_replace_of_a_real_plan_can_be_renamed_to_something_harmless(harmless):
    """Every delete and replace of every shared plan, each renamed alone."""
    tried = 0
    for path in PLANS:
        top = json.loads(path.read_text("utf-8"))
        for entry in top["resource_changes"]:
            change = entry["change"]
            real = change["actions"]
            silent_update = harmless == ["update"] and "create" in real and not change.get("replace_paths")
            if "delete" not in real or silent_update:
                continue
            change["actions"] = harmless
            tried += 1
            with pytest.raises(InvalidInput) as caught:
                read_plan("p", json.dumps(top).encode())
            assert caught.value.code == "plan-contradiction"
            change["actions"] = real
    assert tried >= 12
