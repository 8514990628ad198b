from importlib import resources

import pytest

from interlock.core.change.errors import InvalidInput, NotFound
from interlock.core.policy.explain import explain_rule, first_facts, read_facts
from interlock.core.policy.facts import FACTS, NOTHING, SCHEMA_TEXT

KINDS = {"Set<String>": [], "Bool": False, "Long": 1, "String": "x"}
GIVEN = {
    name: fact.values[0] if fact.values else KINDS[fact.type]
    for name, fact in FACTS.items()
    if not fact.optional and fact.nothing is None
}


def test_a_rule_is_shown_with_the_meaning_of_what_it_reads(bundle) -> None:
    found = explain_rule("tier1-two-approvals", bundle)
    assert found.policy.place.path == "base/approvals.cedar"
    assert ("approvals", FACTS["approvals"].meaning) in found.reads
    assert found.source.startswith('@id("tier1-two-approvals")')


def test_a_near_miss_is_named(bundle) -> None:
    with pytest.raises(NotFound, match="did you mean `tier1-presence`"):
        explain_rule("tier1-presense", bundle)


def test_given_facts_must_be_whole_and_shown_ones_are_not_shown() -> None:
    facts = read_facts(GIVEN)
    assert facts["approvals"] == 0
    assert facts["rehearsal"] == "missing"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "facts-shape"),
        ({}, "fact-missing"),
        (GIVEN | {"teir": 1}, "fact-unknown"),
        (GIVEN | {"tier": "1"}, "fact-type"),
        (GIVEN | {"tier": True}, "fact-type"),
        (GIVEN | {"tier": 1 << 60}, "fact-type"),
        (GIVEN | {"agent": 1}, "fact-type"),
        (GIVEN | {"provenance": "robot"}, "fact-type"),
        (GIVEN | {"services": "orders"}, "fact-type"),
        (GIVEN | {"services": ["a", 1]}, "fact-type"),
        (GIVEN | {"services": ["a"] * 10_001}, "fact-type"),
    ],
)
def test_facts_that_do_not_fit_are_refused(value, code) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_facts(value)
    assert code == caught.value.code


def test_the_schema_file_beside_the_policies_is_the_schema() -> None:
    file = resources.files("interlock.core.policy.bundled") / "interlock.cedarschema"
    assert file.read_text() == SCHEMA_TEXT


def test_a_whole_set_of_facts_to_start_from_is_one_that_can_be_explained() -> None:
    given = first_facts()
    assert set(given) == set(FACTS)
    assert read_facts(given) == {name: given[name] for name in sorted(given)}
    assert {name: given[name] for name in NOTHING} == NOTHING


def test_what_is_missing_says_where_a_whole_set_is() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_facts({"tier": 1})
    assert "interlock policy facts" in refused.value.hint
