from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.plan import read_plan

PLANS = sorted((Path(__file__).parents[3] / "data" / "terraform-plans").glob("*/*.json"))


def resource(actions, before=None, after=None, **more):
    change = {key: more.pop(key) for key in list(more) if key in {
        "after_unknown", "before_sensitive", "after_sensitive", "replace_paths", "importing"}}  # fmt: skip
    change |= {"actions": actions, "before": before, "after": after}
    return {"address": "a.b", "mode": "managed", "type": "a", "change": change} | more


def plan(*resources, **more):
    return {"format_version": "1.2", "resource_changes": list(resources)} | more


def read(document):
    return read_plan("plan.json", json.dumps(document).encode())


def only(*arguments, **more):
    (found,) = read(plan(resource(*arguments, **more))).resources
    return found


def told(found):
    return [(one.pointer, one.op, one.before, one.after) for one in found.changes]


def counted(text):
    """What a reader that knows nothing of ours finds in the raw text: addresses by kind of action."""
    deletes, replaces = [], []
    for entry in json.loads(text).get("resource_changes") or []:
        actions = entry["change"]["actions"]
        if "delete" in actions:
            (replaces if "create" in actions else deletes).append((entry["address"], entry.get("deposed")))
    return sorted(deletes, key=str), sorted(replaces, key=str)


def test_there_are_73_real_plans_with_9_deletes_and_4_replaces():
    found = [counted(path.read_text("utf-8")) for path in PLANS]
    assert len(PLANS) == 73
    assert (sum(len(one) for one, _ in found), sum(len(one) for _, one in found)) == (9, 4)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem[-60:])
def test_each_real_plan_is_read_and_each_delete_and_replace_found_and_none_invented(path):
    found = read_plan("p", path.read_bytes())
    assert found.incomplete == () == found.invokes
    deletes = [
        (one.address, one.deposed) for one in found.resources if "delete" in one.actions and not one.replaces
    ]
    replaces = [(one.address, one.deposed) for one in found.resources if one.replaces]
    assert (sorted(deletes, key=str), sorted(replaces, key=str)) == counted(path.read_text("utf-8"))


def marked(change, side):
    """Top-level texts of one side that the plan itself marks sensitive."""
    marks, values = change.get(f"{side}_sensitive"), change.get(side)
    if not isinstance(marks, dict) or not isinstance(values, dict):
        return {}
    return {f"/{name}": values[name] for name, mark in marks.items() if mark is True and values.get(name)}


def test_what_real_plans_mark_sensitive_is_told_by_digest_only():
    seen = 0
    for path in PLANS:
        entries = json.loads(path.read_text("utf-8"))["resource_changes"]
        for entry, found in zip(entries, read_plan("p", path.read_bytes()).resources, strict=True):
            for change in found.changes:
                for side in ("before", "after"):
                    if change.pointer in marked(entry["change"], side):
                        assert set(getattr(change, side)) == {"redacted"}
                        seen += 1
    assert seen > 3


def test_an_update_tells_the_keys_that_differ():
    before = {"size": 1, "tags": {"a": "x", "b": "y"}, "rules": [{"port": 1}, {"port": 2}]}
    after = {"size": 2, "tags": {"a": "x", "c": "z"}, "rules": [{"port": 2}]}
    assert told(only(["update"], before, after)) == [
        ("/size", "changed", 1, 2),
        ("/tags/c", "added", None, "z"),
        ("/tags/b", "removed", "y", None),
        ("/rules/0/port", "removed", 1, None),
    ]


def test_a_created_resource_tells_what_is_set_and_what_is_unknown():
    found = only(["create"], None, {"a": 1, "b": None}, after_unknown={"id": True, "list": [False, True]})
    assert told(found) == [
        ("/a", "added", None, 1),
        ("/id", "added", None, {"unknown": True}),
        ("/list/1", "added", None, {"unknown": True}),
    ]


def test_a_value_that_becomes_unknown_is_a_change():
    found = only(
        ["update"], {"id": "i", "a": [1]}, {"id": "i", "a": [1]}, after_unknown={"id": True, "a": [False]}
    )
    assert told(found) == [("/id", "changed", "i", {"unknown": True})]


def test_a_null_in_an_update_is_told():
    assert told(only(["update"], {"a": 7}, {"a": None})) == [("/a", "changed", 7, None)]


@pytest.mark.parametrize("mark", [True, {"p": True}, {"p": {"inner": True}}, {"p": [False, True]}])
def test_sensitive_values_are_told_by_digest(mark):
    before, after = {"p": {"inner": "hunter2"}}, {"p": ["hunter2", "hunter3"]}
    (change,) = only(["update"], before, after, before_sensitive=mark, after_sensitive=mark).changes
    assert "hunter" not in repr(change)
    assert change.before != change.after


def test_a_sensitive_value_that_stays_is_no_change():
    found = only(["update"], {"p": "x", "q": 1}, {"p": "x", "q": 2}, before_sensitive={"p": True},
                 after_sensitive={"p": True})  # fmt: skip
    assert told(found) == [("/q", "changed", 1, 2)]


@pytest.mark.parametrize("actions", [["delete", "create"], ["create", "delete"]])
def test_delete_with_create_in_either_order_is_a_replace(actions):
    found = only(actions, {"a": 1}, {"a": 2}, replace_paths=[["a"], ["b", 0, "c/d"]])
    assert found.replaces
    assert found.actions == tuple(actions)
    assert found.replace_paths == ("/a", "/b/0/c~1d")


@pytest.mark.parametrize(
    ("actions", "after", "more", "expected"),
    [
        (["no-op"], {"a": 1}, {"importing": {"id": "x"}}, ("import",)),
        (["update"], {"a": 1}, {"importing": {"id": "x"}}, ("update", "import")),
        (["forget"], None, {}, ("forget",)),
        (["create", "forget"], {"a": 1}, {}, ("create", "forget")),
        (["read"], {"a": 1}, {"mode": "data"}, ("read",)),
    ],
)
def test_imports_forgets_and_reads_are_actions(actions, after, more, expected):
    found = only(actions, {"a": 1}, after, **more)
    assert found.actions == expected
    assert not found.replaces


def test_moved_deposed_and_reason_are_kept():
    found = only(["delete"], {"a": 1}, None, deposed="00000001", previous_address="a.old",
                 action_reason="delete_because_no_resource_config")  # fmt: skip
    assert (found.deposed, found.previous_address) == ("00000001", "a.old")
    assert found.reason == "delete_because_no_resource_config"


def test_drift_and_errors_are_marked():
    found = read(plan(resource_drift=[resource(["update"])], errored=True, terraform_version="1.9.0"))
    assert (found.drifted, found.errored, found.tool_version) == (("a.b",), True, "1.9.0")


def test_numbers_are_exact():
    content = (
        b'{"format_version":"1.0","resource_changes":[{"address":"a","type":"t","change":{"actions":["update"],'
    )
    content += b'"before":{"n":12345678901234567890,"f":0.1},"after":{"n":12345678901234567891,"f":1e400}}}]}'
    assert told(read_plan("p", content).resources[0]) == [
        ("/n", "changed", {"number": "12345678901234567890"}, {"number": "12345678901234567891"}),
        ("/f", "changed", 0.1, {"number": "1e400"}),
    ]


def test_the_digest_ignores_when_it_was_planned_key_order_and_the_order_of_relevant_attributes():
    attributes = [{"resource": "a", "attribute": ["x"]}, {"resource": "b", "attribute": [0]}]
    one = plan(timestamp="2026-01-01T00:00:00Z", relevant_attributes=attributes)
    other = dict(reversed(plan(timestamp="2027-01-01T00:00:00Z", relevant_attributes=attributes[::-1]).items()))
    assert read(one).plan_digest == read(other).plan_digest
    assert read_plan("elsewhere", json.dumps(one, indent=1).encode()).identity() == read(one).identity()


@pytest.mark.parametrize(
    "more",
    [
        {"terraform_version": "1"},
        {"configuration": {"a": 1}},
        {"output_changes": {}},
        {"prior_state": {"timestamp": 1}},
    ],
)
def test_the_digest_covers_everything_else(more):
    assert read(plan(**more)).plan_digest != read(plan()).plan_digest


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04tfplan", "plan-unreadable"),
        (b"", "plan-unreadable"),
        (b" \n", "plan-unreadable"),
        (b"Terraform will perform the following actions:", "plan-unreadable"),
        (b'{"@level":"info"}\n{"@level":"info"}\n', "plan-unreadable"),
        (b'{"resource_changes":[]}', "plan-unreadable"),
        (b'{"format_version":1.2,"resource_changes":[]}', "plan-unreadable"),
        (b'{"format_version":"1.0","values":{}}', "plan-unreadable"),
        (b'{"format_version":"2.0","resource_changes":[]}', "plan-version"),
        (b'{"format_version":"0.3","resource_changes":[]}', "plan-version"),
        (b'{"format_version":"1.2x","resource_changes":[]}', "plan-version"),
        (b"[]", "plan-shape"),
        (b'{"format_version":"1.2","resource_changes":', "json-malformed"),
        (b'{"format_version":"1.2","format_version":"1.1","resource_changes":[]}', "json-malformed"),
        (b'{"format_version":"1.2","resource_changes":{}}', "plan-shape"),
        (b'{"format_version":"1.2","resource_changes":[1]}', "plan-shape"),
        (b'{"format_version":"1.2","resource_changes":[{}]}', "plan-shape"),
        (b'{"format_version":"1.2","resource_changes":[{"change":{}}]}', "plan-shape"),
        (json.dumps(plan(resource([]))).encode(), "plan-shape"),
        (json.dumps(plan(resource(["explode"]))).encode(), "plan-shape"),
        (json.dumps(plan(resource([1]))).encode(), "plan-shape"),
        (json.dumps(plan(resource(["create"], None, {}, replace_paths=["a"]))).encode(), "plan-shape"),
        (json.dumps(plan(resource(["update"], replace_paths={}) | {"address": ""})).encode(), "plan-shape"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_way_to_make_one(content, code):
    with pytest.raises(InvalidInput) as caught:
        read_plan("p", content)
    assert caught.value.code == code
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_plan_written_by_powershell_is_read():
    assert read_plan("p", json.dumps(plan()).encode("utf-16")).format_version == "1.2"
