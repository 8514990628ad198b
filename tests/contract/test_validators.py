"""What every validator owes, whoever wrote it: found through the entry points, as a user's own would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.configuration import format_of, read_configuration
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Artefact, Configuration, ConfigurationFile, TerraformPlan, Validation
from interlock.core.change.plan import read_plan
from interlock.registry import validators
from interlock.testing.materials import HostileMaterial, reading

DATA = Path(__file__).parents[1] / "data"
PLANS = sorted(DATA.glob("terraform-plans/*/*.json"))
SHOP = (DATA / "microservices-demo/kubernetes-manifests.yaml").read_bytes()
EVERY = validators()
EVERYTHING = {
    "artefact-size": {"match": ["**"]},
    "bounds": {"limits": [{"pointer": "/**", "maximum": 1e9}]},
    "json-schema": {"schemas": [{"match": "**", "schema": "schema.json"}]},
    "references": {
        "files": [{"match": "**", "pointer": "/**"}],
        "names": [{"match": "**", "pointer": "/**", "to": {"file": "schema.json", "pointer": "/**"}}],
        "closed": True,
    },
}
SCHEMA = json.dumps({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}}).encode()

texts = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=8),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())
objects = strategies.builds(
    lambda kind, inner: b'{"apiVersion":"v1","kind":"%s","metadata":{"name":"a"},"spec":%s}' % (kind, inner),
    strategies.sampled_from([b"Pod", b"Service", b"Secret", b"Ingress", b"Role", b"Deployment", b"Odd"]),
    texts,
)
contents = strategies.none() | strategies.binary(max_size=64) | texts | objects
paths = strategies.sampled_from(
    ["a.yaml", "a.json", "a.toml", "a.env", "data/a", "kustomization.yaml", "Ünï/x.yml"]
)


def readings_of(before, after):
    """One reading of each kind over the same hostile material."""
    beside = {} if "schema.json" in after else {"schema.json": SCHEMA}
    material = HostileMaterial(before, after, unchanged=beside)
    files = []
    for path in material.changed():
        old, new = before.get(path), after.get(path)
        try:
            files.append(read_configuration(path, old, new))
        except InvalidInput:
            digests = [None if side is None else sha256(side) for side in (old, new)]
            kind = format_of(path) or "yaml"
            files.append(
                ConfigurationFile(
                    path=path, format=kind, before_digest=digests[0], after_digest=digests[1], changes=()
                )
            )
    found = [reading(Configuration(files=tuple(files)), material)]
    for path, content in after.items():
        part = TerraformPlan(
            path=path, format_version="1.2", tool_version="1", plan_digest="sha256:" + "0" * 64, resources=()
        )
        if content != before.get(path):
            found.append(reading(part, material))
    artefact = Artefact(name="shop", digest="sha256:" + "0" * 64, media="file", size=9, previous_size=4)
    return [*found, reading(artefact, material)]


def test_the_built_in_validators_are_found_by_their_entry_points():
    names = [validator.name for validator in EVERY]
    assert names == sorted(set(names))
    assert set(EVERYTHING) < set(names)
    assert {"kubernetes-schema", "manifest-rules", "null-value", "plan-rules"} < set(names)


@pytest.mark.parametrize("validator", EVERY, ids=lambda validator: validator.name)
@given(
    before=strategies.dictionaries(paths, contents, max_size=3),
    after=strategies.dictionaries(paths, contents, max_size=3),
)
def test_whatever_the_bytes_it_answers_the_same_twice_and_names_only_what_there_is(validator, before, after):
    before = {path: content for path, content in before.items() if content is not None}
    after = {path: content for path, content in after.items() if content is not None}
    for settings in ({}, EVERYTHING.get(validator.name, {})):
        first = validator.validate(readings_of(before, after), settings)
        assert validator.validate(readings_of(before, after), settings) == first
        assert isinstance(first, tuple)
        known = {*before, *after, "shop", "schema.json", ""}
        for validation in first:
            assert isinstance(validation, Validation)
            assert validation.validator == validator.name
            assert validation.path in known
            assert validation.path or validation.findings
            for finding in validation.findings:
                assert finding.path == validation.path
                assert finding.rule.partition("/")[1]
                assert finding.message
                assert "\n" not in finding.message + finding.remedy
                assert finding.line is None or finding.line >= 1
        assert len({validation.path for validation in first}) == len(first)
        assert canonical(first)


@pytest.mark.parametrize("validator", EVERY, ids=lambda validator: validator.name)
def test_the_order_of_readings_does_not_matter_for_what_is_found(validator):
    before = {"a.yaml": b"a: 1\nb: [1]", "b.env": b"X=1"}
    after = {"a.yaml": b"a: 1000\nb: null", "b.env": b"X=", "k.yaml": SHOP, "plan.json": PLANS[0].read_bytes()}
    found = readings_of(before, after)
    there = validator.validate(found, {})
    back = validator.validate(found[::-1], {})
    assert sorted(there, key=repr) == sorted(back, key=repr)


@pytest.mark.parametrize("validator", EVERY, ids=lambda validator: validator.name)
@pytest.mark.parametrize("settings", [{"no-such-setting": 1}, {"": None}])
def test_an_unknown_setting_is_refused_even_when_there_is_nothing_to_look_at(validator, settings):
    with pytest.raises(InvalidInput) as refused:
        validator.validate([], settings)
    assert refused.value.code == "input-shape"
    assert f"validators.{validator.name}" in refused.value.message


@pytest.mark.parametrize("validator", EVERY, ids=lambda validator: validator.name)
def test_nothing_changed_is_nothing_seen(validator):
    material = HostileMaterial({"a.yaml": b"a: 1"}, {"a.yaml": b"a: 1"})
    assert validator.validate([reading(Configuration(files=()), material)], {}) == ()
    assert validator.validate([], {}) == ()


@pytest.mark.parametrize("validator", EVERY, ids=lambda validator: validator.name)
def test_a_file_that_is_too_large_to_read_breaks_nothing(validator):
    material = HostileMaterial({}, {"a.yaml": b"a: 1"}, broken=["big.yaml", "plan.json", "data/big.bin"])
    part = TerraformPlan(
        path="plan.json", format_version="1.2", tool_version="1", plan_digest="sha256:" + "0" * 64, resources=()
    )
    found = validator.validate(
        [reading(Configuration(files=()), material), reading(part, material)], EVERYTHING.get(validator.name, {})
    )
    assert all(finding.message for validation in found for finding in validation.findings)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem[-50:])
def test_every_real_plan_is_read_without_a_fault(plan):
    content = plan.read_bytes()
    readings = [reading(read_plan(plan.name, content), HostileMaterial({}, {plan.name: content}))]
    for validator in EVERY:
        assert isinstance(validator.validate(readings, {}), tuple)
