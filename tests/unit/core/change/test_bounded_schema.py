"""A schema that comes with a change cannot make its own judgement run without end."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.core.change import bounded_schema
from interlock.core.change.bounded_schema import (
    MAX_PATTERN,
    Budget,
    Unbounded,
    bounded,
    in_one_dialect,
    refuse_unevaluated,
)

KIND = jsonschema.Draft202012Validator
EVIL = "^(a+)+$"
LONG = "a" * 5_000 + "!"


def errors(schema, value, budget=None, kind=KIND):
    return sorted(str(e.validator) for e in bounded(kind, budget or Budget())(schema).iter_errors(value))


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"pattern": EVIL}, LONG, ["pattern"]),
        ({"pattern": EVIL}, "aaa", []),
        ({"patternProperties": {EVIL: False}}, {LONG: 1}, []),
        ({"patternProperties": {EVIL: {"type": "string"}}}, {"aa": 1}, ["type"]),
        ({"patternProperties": {EVIL: True}, "additionalProperties": False}, {LONG: 1}, ["additionalProperties"]),
        ({"patternProperties": {EVIL: True}, "additionalProperties": False}, {"aa": 1}, []),
        ({"propertyNames": {"pattern": EVIL}}, {LONG: 1}, ["pattern"]),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": EVIL}, LONG, ["pattern"]),
        ({"pattern": "é+"}, "caféé", []),
        ({"pattern": "x"}, "\ud800", ["pattern"]),
    ],
)
def test_an_expression_that_takes_ages_elsewhere_costs_a_few_steps(schema, value, expected):
    """The engine before needed 2^5000 steps for this; the budget here would not last for a thousandth of it."""
    budget = Budget(steps=1_000)
    assert errors(in_one_dialect(schema), value, budget) == expected
    assert budget.steps > 0


def test_a_part_that_names_a_dialect_is_judged_by_the_same_rules():
    part = {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": EVIL}
    assert errors(in_one_dialect({"properties": {"a": part}}), {"a": LONG}, Budget(steps=1_000)) == ["pattern"]
    assert in_one_dialect({"properties": {"$schema": {"type": "string"}}})["properties"] == {
        "$schema": {"type": "string"}
    }


@pytest.mark.parametrize("pattern", ["(?!a)b", r"(a)\1", "a{1000}{1000}", "(", "a" * (MAX_PATTERN + 1)])
def test_an_expression_that_has_no_bound_is_refused(pattern):
    with pytest.raises(Unbounded):
        errors({"pattern": pattern}, "text")


def doubling(depth):
    """References that each ask twice: 2^depth steps."""
    parts = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(depth)}
    return {"$ref": "#/$defs/p0", "$defs": {**parts, f"p{depth}": {"type": "integer"}}}


def test_references_that_multiply_end_with_the_budget():
    assert errors(doubling(4), 1) == []
    with pytest.raises(Unbounded):
        errors(doubling(60), 1, Budget(steps=10_000))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"enum": list(range(20_000))}, -1),
        ({"items": {"enum": list(range(200))}}, [-1] * 100),
        ({"uniqueItems": True}, [{"a": n} for n in range(200)]),
        ({"uniqueItems": True}, ["a", 1] * 100),
        ({"anyOf": [{"type": "string"}] * 20_000}, 1),
    ],
)
def test_long_lists_cost_what_they_take(schema, value):
    with pytest.raises(Unbounded):
        errors(schema, value, Budget(steps=15_000))


def test_one_budget_lasts_for_a_whole_run():
    budget = Budget(steps=100)
    for _ in range(20):
        errors({"type": "integer"}, 1, budget)
    assert budget.steps == 80
    for _ in range(80):
        errors({"type": "integer"}, 1, budget)
    with pytest.raises(Unbounded):
        errors({"type": "integer"}, 1, budget)


@pytest.mark.parametrize("pattern", [EVIL, "(a|b)", "a*b*", "[a-z]+x+"])
def test_unevaluated_properties_beside_an_expression_is_refused(pattern):
    schema = {"patternProperties": {pattern: True}, "allOf": [{"unevaluatedProperties": False}]}
    with pytest.raises(Unbounded):
        refuse_unevaluated([schema])
    with pytest.raises(Unbounded):
        refuse_unevaluated([{"unevaluatedProperties": False}, {"patternProperties": {pattern: True}}])


def test_a_plain_expression_beside_it_is_not():
    schema = {"patternProperties": {"^x-": True}, "unevaluatedProperties": False}
    refuse_unevaluated([schema])
    assert errors(schema, {"x-a": 1}) == []
    assert errors(schema, {"y": 1}) == ["unevaluatedProperties"]


@pytest.mark.parametrize(
    "kind",
    [
        jsonschema.Draft3Validator,
        jsonschema.Draft4Validator,
        jsonschema.Draft7Validator,
        jsonschema.Draft201909Validator,
    ],
)
def test_every_dialect_is_bounded(kind):
    assert errors({"pattern": EVIL}, LONG, Budget(steps=1_000), kind) == ["pattern"]


SCHEMAS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", "array", "string", "integer"]),
        "required": st.lists(st.sampled_from("abc"), unique=True),
        "properties": st.dictionaries(st.sampled_from("abc"), st.sampled_from([{"type": "integer"}, False, {}])),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$", "[bc]"]), st.sampled_from([{}, False])),
        "additionalProperties": st.sampled_from([True, False, {"type": "string"}]),
        "pattern": st.sampled_from(["^a", "b+$"]),
        "uniqueItems": st.booleans(),
        "enum": st.just([1, "a", {"a": 1}]),
        "minItems": st.integers(0, 3),
    },
)
VALUES = st.recursive(
    st.integers(0, 3) | st.sampled_from(["a", "ab", "bb"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c", "ab"]), inner),
    max_leaves=8,
)


@given(SCHEMAS, VALUES)
def test_it_judges_as_the_library_does(schema, value):
    expected = sorted(str(e.validator) for e in KIND(schema).iter_errors(value))
    assert errors(json.loads(json.dumps(schema)), value) == expected


def test_the_limits_are_what_the_page_says():
    assert (bounded_schema.MAX_STEPS, MAX_PATTERN) == (1_000_000, 4_096)
