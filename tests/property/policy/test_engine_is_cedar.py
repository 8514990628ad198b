"""The folded engine says exactly what Cedar says of the policies as written, over the whole record of facts."""

import json
from importlib import resources

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.change.canonical import canonical
from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.engine import SPECIAL, ask
from interlock.core.policy.facts import ACTION, FACTS, NOTHING, PRINCIPALS, Fact, Facts, FactValue
from interlock.core.policy.written import written

ROOT = resources.files("interlock.core.policy.bundled") / "base"
HARD = b"""
@id("hard-if") @outcome("deny") @reason("r") @remedy("m")
forbid(principal is Agent, action, resource)
when { if context.frozen_like then context.services.contains("a") else !context.production }
unless { context.services == ["b"] || context.environment like "a*" };
@id("hard-nested") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action == Action::"enter", resource)
when { context.tier == 1 || !context.approvals_ok }
when { context has fleet_percent && context.fleet_percent * 2 > 50 };
@id("hard-overflow") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { context.lines * 4611686018427387904 > 0 && context.tier == 2 };
@id("hard-sets") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { context.secrets.containsAny(context.services) || context.conflicts == ["a"] || context.secrets.isEmpty() }
unless { context has documented && context.documented };
@id("hard-order") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { context.files * 4611686018427387904 > 0 } when { context.tier == 3 };
@id("plain-mirrored") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { 1 < context.files && 3 >= context.lines && !(context.approvals >= 2) };
@id("plain-two-counts") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { context.files <= context.lines && !(context.lines <= context.limit_services) };
@id("plain-words") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { context.environment != "a" && !(context.scan != "shown") && !!context.documented };
@id("plain-cannot") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { "a" == context.environment || context.actor == context.environment };
@id("plain-optional") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource)
when { context has orders_percent && context.orders_percent >= context.files };
""".replace(b"context.frozen_like", b"context.agent").replace(b"context.approvals_ok", b"(context.approvals > 1)")

BUNDLED = {f"base/{item.name}": item.read_bytes() for item in ROOT.iterdir() if item.name.endswith(".cedar")}
BUNDLE = load_bundle(BUNDLED | {"base/hard.cedar": HARD})
ENGINE = load_bundle(BUNDLED).engine
PLAIN = cedarpy.PolicySet.from_json_str(
    json.dumps(
        {
            "staticPolicies": {name: {**p.est, "effect": "forbid"} for name, p in BUNDLE.policies.items()},
            "templates": {},
            "templateLinks": [],
        }
    )
)


def values(fact: Fact) -> st.SearchStrategy:
    if fact.name == "tier":
        return st.integers(1, 3)
    if fact.type == "Bool":
        return st.booleans()
    if fact.type == "Long":
        return st.integers(0, 6) | st.integers(0, 200)
    if fact.type == "String":
        return st.sampled_from(fact.values or ("production", "a", "staging", ""))
    return st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3).map(sorted)


records = st.fixed_dictionaries(
    {name: values(fact) for name, fact in FACTS.items() if not fact.optional},
    optional={name: values(fact) for name, fact in FACTS.items() if fact.optional},
)


def plainly(facts: Facts) -> tuple[set[str], bool]:
    question = {
        "principal": {"type": PRINCIPALS[str(facts["actor"])], "id": ""},
        "action": {"type": "Action", "id": ACTION},
        "resource": {"type": "Change", "id": ""},
        "context": facts,
    }
    answer = cedarpy.is_authorized(question, PLAIN, [])
    return set(answer.diagnostics.reasons), bool(answer.diagnostics.errors)


@settings(max_examples=400, deadline=None)
@given(records)
def test_the_same_rules_fire_and_the_same_errors_are_seen(facts: Facts) -> None:
    fired = ask(facts, BUNDLE.engine)
    full, full_errs = plainly(facts)
    bare, bare_errs = plainly(facts | NOTHING)
    assert full - {"road-open"} == set(fired.rules)
    assert bare - {"road-open"} == set(fired.stripped)
    assert bool(fired.errors) is (full_errs or bare_errs)
    assert fired.permitted


@settings(max_examples=200, deadline=None)
@given(records)
def test_what_is_digested_is_canonical(facts: Facts) -> None:
    said = {name: value for name, value in facts.items() if value is not False and value != []}
    assert canonical(said) == written(facts).encode()


@settings(max_examples=100, deadline=None)
@given(records, st.sampled_from([True, "2", 1 << 63, -(1 << 63) - 1, ["2"]]))
def test_a_count_of_another_kind_is_an_error_without_cedar_too(facts: Facts, value: FactValue) -> None:
    ordinary = dict.fromkeys(SPECIAL, False) | {"production": True, "tier": 1}
    fired = ask(facts | ordinary | {"approvals": value}, ENGINE)
    assert fired.errors
    assert not fired.permitted


def test_the_bundled_rules_leave_cedar_nothing_for_an_ordinary_change() -> None:
    """What the figures of the benchmark rest on; other rules are still put to Cedar."""
    assert [folded.policies for folded in load_bundle(BUNDLED).engine.folded.values()] == [None]
    assert None not in [folded.policies for folded in BUNDLE.engine.folded.values()]


def test_the_hard_policies_do_fire_and_do_fail_somewhere() -> None:
    """Otherwise the comparison above would be one of nothing with nothing."""
    base = {
        name: ([] if f.type == "Set<String>" else f.values[0] if f.values else "x") for name, f in FACTS.items()
    }
    base |= {name: False for name, f in FACTS.items() if f.type == "Bool"}
    base |= {name: 1 for name, f in FACTS.items() if f.type == "Long"}
    assert "hard-sets" in plainly(base)[0]
    assert plainly(base | {"lines": 3, "tier": 2})[1]
    assert ask(base | {"files": 3, "tier": 1}, BUNDLE.engine).errors
