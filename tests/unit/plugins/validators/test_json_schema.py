from __future__ import annotations

import json

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.parts import Configuration
from interlock.plugins.validators.json_schema import JsonSchema
from interlock.testing.materials import HostileMaterial, reading

DELIVERY = json.dumps(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://shop.example/delivery.json",
        "type": "object",
        "required": ["delivery"],
        "additionalProperties": False,
        "properties": {"delivery": {"$ref": "#/$defs/delivery"}},
        "$defs": {
            "delivery": {
                "properties": {"max_days": {"type": "integer", "minimum": 1}, "zone": {"enum": ["eu", "us"]}}
            }
        },
    }
)
RULES = {"schemas": [{"match": "config/*.yaml", "schema": "schemas/delivery.json"}]}
PATH = "config/delivery.yaml"


@pytest.fixture
def checked(files):
    def run(before, after, schema=DELIVERY, settings=RULES, **beside):
        reading = files(
            {} if before is None else {PATH: before},
            {} if after is None else {PATH: after},
            unchanged={"schemas/delivery.json": schema, **beside} if schema is not None else beside,
        )
        return JsonSchema().validate([reading], settings)

    return run


@pytest.mark.parametrize(
    ("after", "rule", "message", "line"),
    [
        ("delivery:\n  max_days: soon\n", "type", 'delivery.max_days is "soon", expected type integer, was 7', 2),
        ("delivery:\n  max_days: 0\n", "minimum", "delivery.max_days is 0, expected minimum 1, was 7", 2),
        ("delivery:\n  zone: mars\n", "enum", "delivery.zone is mars, expected one of eu, us", 2),
        ("delivery: {}\nextra: 1\n", "additionalProperties", "the document has unknown keys: extra", 1),
        ("{}\n", "required", "the document lacks delivery", 1),
        ("delivery:\n  max_days: null\n", "type", "delivery.max_days is null, expected type integer, was 7", 2),
    ],
)
def test_what_does_not_fit_is_told_with_what_was_and_the_line(checked, after, rule, message, line):
    (validation,) = checked("delivery: {max_days: 7}", after)
    (finding,) = validation.findings
    assert (finding.level, finding.rule, finding.message) == ("error", f"json-schema/{rule}", message)
    assert (finding.path, finding.line) == (PATH, line)


def test_a_file_that_fits_is_named_without_findings(checked):
    (validation,) = checked(None, "delivery: {max_days: 3, zone: eu}")
    assert (validation.path, validation.findings) == (PATH, ())


def test_a_deleted_file_and_one_that_no_rule_matches_are_not_looked_at(checked, files):
    assert checked("delivery: {}", None) == ()
    assert JsonSchema().validate([files({}, {"other.yaml": "a: 1"})], RULES) == ()
    assert checked(None, "delivery: {}", settings={}) == ()


def test_every_document_of_a_file_is_checked(checked):
    (validation,) = checked(None, "delivery: {}\n---\ndelivery: {max_days: no}\n")
    assert [finding.line for finding in validation.findings] == [3]


def test_a_schema_may_refer_to_other_files_of_the_repository(checked):
    schema = '{"properties": {"delivery": {"$ref": "parts/d.json"}}}'
    part = '{"required": ["max_days"]}'
    (validation,) = checked(None, "delivery: {}", schema, **{"schemas/parts/d.json": part})
    assert [f.message for f in validation.findings] == ["delivery lacks max_days"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ('{"$ref": "https://json.example/x"}', "leads nowhere inside the repository"),
        ('{"$ref": "http://127.0.0.1/x"}', "leads nowhere inside the repository"),
        ('{"$ref": "/etc/passwd"}', "leads nowhere inside the repository"),
        ('{"$ref": "../../../etc/passwd"}', "leads nowhere inside the repository"),
        ('{"$ref": "file:///etc/passwd"}', "leads nowhere inside the repository"),
        ('{"$ref": "missing.json"}', "leads nowhere inside the repository"),
        ('{"$ref": "#"}', "refers to itself without end"),
        ('{"type": 7}', "is no schema"),
        ("[1]", "holds no schema"),
        ("{", "cannot be read"),
        (None, "does not exist"),
    ],
)
def test_a_schema_that_cannot_be_used_is_an_error_on_the_file(checked, schema, words):
    (validation,) = checked(None, "delivery: {}", schema)
    (finding,) = validation.findings
    assert (finding.level, finding.rule, finding.path) == ("error", "json-schema/schema", PATH)
    assert words in finding.message


def test_a_file_that_cannot_be_read_is_an_error(files):
    material = HostileMaterial({}, {PATH: b"a: [1"}, unchanged={"schemas/delivery.json": DELIVERY.encode()})
    (validation,) = JsonSchema().validate([reading(Configuration(files=()), material)], RULES)
    assert [f.rule for f in validation.findings] == ["json-schema/unreadable"]


def test_the_schema_is_read_as_it_is_after_the_change(files):
    reading = files(
        {PATH: "delivery: {}", "schemas/delivery.json": "{}"},
        {PATH: "delivery: {max_days: no}", "schemas/delivery.json": DELIVERY},
    )
    (validation,) = JsonSchema().validate([reading], RULES)
    assert len(validation.findings) == 1


def test_many_errors_are_cut_short_and_counted(checked):
    body = "\n".join(f"k{n}: 1" for n in range(40))
    (validation,) = checked(None, body, '{"additionalProperties": {"type": "string"}}')
    assert len(validation.findings) == 21
    assert validation.findings[-1].message == "20 more places do not fit the schema"


@pytest.mark.parametrize(
    "settings",
    [
        {"schemas": [{"match": "*.yaml", "schema": "../x.json"}]},
        {"schemas": [{"match": "*.yaml", "schema": "/x.json"}]},
        {"schemas": [{"match": "", "schema": "x.json"}]},
        {"schemas": [{"match": "*.yaml"}]},
        {"schema": []},
    ],
)
def test_settings_that_mean_nothing_are_refused(checked, settings):
    with pytest.raises(InvalidInput):
        checked(None, "delivery: {}", settings=settings)


def test_a_schema_that_would_never_end_is_judged_or_refused_at_once(checked):
    """The change that brings the schema brings the value too: `check` and the gate used to hang on this."""
    evil = {"properties": {"zone": {"pattern": "^(a+)+$"}}}
    ((one,),) = [found.findings for found in checked("zone: a\n", f"zone: {'a' * 5000}!\n", json.dumps(evil))]
    assert one.rule == "json-schema/pattern"
    parts = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(60)}
    doubling = {"$ref": "#/$defs/p0", "$defs": {**parts, "p60": {}}}
    ((two,),) = [found.findings for found in checked("zone: a\n", "zone: b\n", json.dumps(doubling))]
    assert (two.rule, two.level) == ("json-schema/schema", "error")
    assert "too many steps" in two.message


@pytest.mark.parametrize(
    "schema", [{"pattern": "(?=a)"}, {"patternProperties": {"(a+)+": {}}, "unevaluatedProperties": False}]
)
def test_a_schema_without_a_bound_is_an_error_on_the_file(checked, schema):
    ((one,),) = [found.findings for found in checked('"a"\n', '"b"\n', json.dumps(schema))]
    assert (one.rule, one.level) == ("json-schema/schema", "error")
