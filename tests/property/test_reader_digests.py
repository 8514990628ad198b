"""The same content gives the same digest, however it was read; other content gives another."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change.canonical import canonical
from interlock.core.change.change import change_digest
from interlock.core.change.configuration import read_configuration
from interlock.core.change.errors import InterlockError
from interlock.core.change.parts import Configuration
from interlock.core.change.plan import read_plan

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff"), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | texts
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)
mappings = st.dictionaries(texts, trees, min_size=1, max_size=5)


def shuffled(value, random):
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


def plan_of(before, after):
    change = {"actions": ["update"], "before": before, "after": after}
    entry = {"address": "a.b", "type": "a", "change": change}
    return {"format_version": "1.2", "resource_changes": [entry]}


@given(mappings, mappings, st.randoms())
def test_a_plan_reads_the_same_whatever_order_its_keys_were_written_in(before, after, random):
    document = plan_of(before, after)
    one = read_plan("p", json.dumps(document).encode())
    other = read_plan("p", json.dumps(shuffled(document, random), indent=1, ensure_ascii=False).encode())
    assert change_digest((one,)) == change_digest((other,))
    assert sorted(map(canonical, one.resources[0].changes)) == sorted(map(canonical, other.resources[0].changes))


@given(mappings, mappings)
def test_an_update_tells_nothing_exactly_when_nothing_differs(before, after):
    (found,) = read_plan("p", json.dumps(plan_of(before, after)).encode()).resources
    assert (found.changes == ()) == (json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True))


@given(mappings)
def test_yaml_and_json_of_one_value_have_the_same_keys(value):
    as_json = read_configuration("a.json", None, json.dumps(value).encode())
    as_yaml = read_configuration("a.yaml", None, yaml.safe_dump(value, sort_keys=False).encode())
    told = [[(one.pointer, one.before, one.after) for one in file.changes] for file in (as_json, as_yaml)]
    assert told[0] == told[1]


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4, unique_by=lambda pair: pair[0]), st.randoms())
def test_the_order_in_which_parts_were_read_does_not_move_the_change(values, random):
    parts = [
        Configuration(files=(read_configuration("a.json", None, json.dumps(list(pair)).encode()),))
        for pair in values
    ]
    mixed = list(parts)
    random.shuffle(mixed)
    assert change_digest(tuple(parts)) == change_digest(tuple(mixed))


def refusal(read, *arguments):
    """The message of the refusal, nothing when it was read; anything but a refusal is a crash."""
    try:
        read(*arguments)
    except InterlockError as error:
        return error.message
    return ""


SYNTAX = "{}[]:,&*!|>'\"#-\n \\=.a1<%@`?~"


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.toml", "a.env"])
@given(content=st.binary(max_size=60) | st.text(alphabet=SYNTAX, max_size=60).map(str.encode))
def test_whatever_bytes_come_a_file_is_read_or_refused_in_one_line(name, content):
    assert "\n" not in refusal(read_configuration, name, None, content)


@given(st.binary(max_size=80) | trees.map(lambda value: json.dumps(value).encode()))
def test_whatever_bytes_come_a_plan_is_read_or_refused_in_one_line(content):
    assert "\n" not in refusal(read_plan, "p", content)


KEYS = [
    "actions",
    "before",
    "after",
    "after_unknown",
    "before_sensitive",
    "after_sensitive",
    "replace_paths",
    "importing",
    "address",
    "type",
    "change",
    "deposed",
    "format_version",
    "resource_changes",
    "resource_drift",
    "relevant_attributes",
]
odd = st.recursive(
    scalars | st.sampled_from(["1.2", "create", "delete", "update", "a.b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)
changes = st.fixed_dictionaries({"actions": st.just(["update"]) | odd}, optional=dict.fromkeys(KEYS[1:8], odd))
entries = st.fixed_dictionaries(
    {"address": st.just("a.b") | odd, "type": st.just("a"), "change": changes | odd}, optional={"deposed": odd}
)
plans = st.fixed_dictionaries(
    {"format_version": st.just("1.2"), "resource_changes": st.lists(entries, max_size=3) | odd},
    optional=dict.fromkeys(KEYS[-2:], odd) | {"errored": odd},
)


@given(plans)
def test_whatever_shape_a_plan_has_it_is_read_or_refused_in_one_line(document):
    content = json.dumps(document).encode()
    message = refusal(read_plan, "p", content)
    assert "\n" not in message
    assert message or change_digest((read_plan("p", content),))
