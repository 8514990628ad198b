from __future__ import annotations

import json

from hypothesis import assume, given, strategies

from interlock.core.change.configuration import read_configuration
from interlock.core.change.parts import Configuration
from interlock.plugins.validators.bounds import Bounds
from interlock.plugins.validators.null_value import NullValue
from interlock.testing.materials import HostileMaterial, reading

numbers = strategies.integers(-(10**12), 10**12) | strategies.floats(-1e12, 1e12, allow_nan=False)
values = strategies.recursive(
    strategies.booleans() | numbers | strategies.text(max_size=6),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


def found(validator, before, after, settings=None):
    old, new = json.dumps(before).encode(), json.dumps(after).encode()
    part = Configuration(files=(read_configuration("a.json", old, new),))
    seen = validator.validate([reading(part, HostileMaterial({"a.json": old}, {"a.json": new}))], settings or {})
    return [finding for validation in seen for finding in validation.findings]


@given(numbers, numbers, strategies.floats(1.01, 100))
def test_a_step_and_the_step_back_are_judged_alike(before, after, factor):
    """Except from zero, where there is nothing to compare with."""
    assume(before and after)
    there = found(Bounds(), {"a": before}, {"a": after}, {"factor": factor})
    back = found(Bounds(), {"a": after}, {"a": before}, {"factor": factor})
    edge = abs(max(abs(before / after), abs(after / before)) - factor) < 1e-9 * factor
    assert edge or [f.rule for f in there] == [f.rule for f in back]


@given(numbers, strategies.floats(1.5, 50), strategies.floats(1, 1_000))
def test_a_larger_factor_never_finds_more(before, factor, times):
    small = found(Bounds(), {"a": before}, {"a": before * times}, {"factor": factor})
    large = found(Bounds(), {"a": before}, {"a": before * times}, {"factor": factor * 2})
    assert len(large) <= len(small)


@given(values, values)
def test_without_a_null_afterwards_there_is_no_null_to_tell(before, after):
    assert [f for f in found(NullValue(), before, after) if f.rule != "null-value/blank"] == []


@given(
    strategies.dictionaries(
        strategies.text(min_size=1, max_size=4), numbers | strategies.booleans(), min_size=1, max_size=5
    ),
    strategies.randoms(),
)
def test_each_lost_value_is_told_once_and_nothing_else_is(before, chance):
    lost = {key for key in before if chance.random() < 0.5}
    after = {key: None if key in lost else value for key, value in before.items()}
    told = found(NullValue(), before, after)
    assert sorted(f.pointer or "" for f in told) == sorted(
        "/" + key.replace("~", "~0").replace("/", "~1") for key in lost
    )
    assert {f.level for f in told} <= {"error"}
