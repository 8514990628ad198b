"""One decision: everything at once, fail closed, and nothing that was not asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interlock.core.approval.model import Tally
from interlock.core.change.settings import Environment
from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.decision import Outcome
from interlock.core.policy.evaluate import LIFETIME, Standing, decide, decide_facts
from interlock.core.policy.question import DecisionInput, Grant
from interlock.core.policy.request import facts_of
from interlock.core.policy.reset import reset_layer
from interlock.testing.cases import build, enforced, question

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
OVERFLOW = b"""
@id("overflowing") @outcome("deny") @reason("r") @remedy("m")
forbid(principal, action, resource) when { context.lines * 9223372036854775807 > 0 };
"""


@pytest.fixture
def ready(corpus) -> DecisionInput:
    cases, bases = corpus
    return question(build(next(c for c in cases if c.base == "tier1-ready" and not c.differs), bases))


@pytest.fixture
def bare(ready: DecisionInput) -> DecisionInput:
    return replace(ready, tally=Tally(authors=ready.tally.authors), evidence=())


def test_all_that_is_missing_is_said_at_once(bare, bundle) -> None:
    decision = decide(bare, bundle)
    assert decision.outcome is Outcome.NEEDS
    assert [one.id for one in decision.reasons] == [
        "tier1-two-approvals",
        "ai-senior-approval",
        "rollback-rehearsed",
        "alert-proven",
        "tests-pass",
        "tests-bite",
        "scanned",
    ]
    assert all(one.text and one.remedy and one.layer == "base" for one in decision.reasons)
    assert {one.id for one in decision.obligations if not one.met} == {one.id for one in decision.reasons}


def test_what_was_shown_is_an_obligation_met(ready, bundle) -> None:
    decision = decide(ready, bundle)
    assert decision.outcome is Outcome.ALLOW
    assert decision.reasons == decision.observed == ()
    progress = {one.id: one.progress for one in decision.obligations if one.met}
    assert progress["tier1-two-approvals"] == "2 of 2"
    assert progress["alert-proven"] == "1 of 1"
    assert len(progress) == 7


def test_half_an_obligation_says_how_far_it_got(ready, bundle) -> None:
    one = replace(ready, tally=replace(ready.tally, counted=ready.tally.counted[:1]))
    (obligation,) = [o for o in decide(one, bundle).obligations if o.id == "tier1-two-approvals"]
    assert (obligation.met, obligation.progress) == (False, "1 of 2")


def test_a_reason_names_the_facts_that_it_read(bare, bundle) -> None:
    first = decide(bare, bundle).reasons[0]
    assert first.facts == {
        "production": True,
        "tier": 1,
        "rules_touched": False,
        "approvals": 0,
        "approvals_required": 2,
    }


def test_what_is_observed_stops_nothing_and_is_said(bare, bundled) -> None:
    watched = load_bundle({**bundled, "modes.yaml": b"default: observe"})
    decision = decide(bare, watched)
    assert decision.outcome is Outcome.ALLOW
    assert len(decision.observed) == 7
    assert {one.mode for one in decision.observed} == {"observe"}


@pytest.mark.parametrize("tier", [1, 2])
def test_a_rule_that_errors_denies(ready, bundled, tier) -> None:
    broken = load_bundle({**bundled, "base/broken.cedar": OVERFLOW})
    facts = facts_of(ready, ()) | {"tier": tier}
    decision = decide_facts(facts, broken, Standing(now=NOW))
    assert decision.outcome is Outcome.DENY
    assert decision.reasons[0].id == "evaluation-error"
    assert "overflowing" in decision.reasons[0].text


def test_a_rule_that_errors_denies_even_where_it_is_observed(ready, bundled) -> None:
    files = {**bundled, "base/broken.cedar": OVERFLOW, "modes.yaml": b"default: observe"}
    assert decide(ready, load_bundle(files)).outcome is Outcome.DENY


@pytest.mark.parametrize("name", ["tier", "production", "approvals", "freezes", "digest_drift", "environment"])
def test_a_missing_fact_denies(ready, bundle, name) -> None:
    facts = facts_of(ready, ())
    del facts[name]
    decision = decide_facts(facts, bundle, Standing(now=NOW))
    assert decision.outcome is Outcome.DENY
    assert f"`{name}` is missing" in decision.reasons[0].text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tier", 4),
        ("tier", True),
        ("tier", "1"),
        ("production", 1),
        ("approvals", "2"),
        ("actor", "ghost"),
        ("approvals", 1 << 70),
    ],
)
def test_a_fact_of_the_wrong_kind_denies(ready, bundle, name, value) -> None:
    assert decide_facts(facts_of(ready, ()) | {name: value}, bundle, Standing(now=NOW)).outcome is Outcome.DENY


def test_a_permit_that_does_not_hold_denies(ready, bundled) -> None:
    files = {path: text for path, text in bundled.items() if path != "base/road.cedar"}
    files["base/p.cedar"] = b'@id("people") permit(principal is Person, action, resource);'
    narrow = load_bundle({**files, "modes.yaml": b"default: observe"})
    assert decide(ready, narrow).outcome is Outcome.ALLOW
    decision = decide(replace(ready, actor="pipeline"), narrow)
    assert (decision.outcome, [one.id for one in decision.reasons]) == (Outcome.DENY, ["no-permit"])


def test_an_environment_nobody_named_is_production_and_denied(ready, bundle) -> None:
    decision = decide(replace(ready, environment="prodution"), bundle)
    assert decision.outcome is Outcome.DENY
    assert decision.reasons[0].id == "environment-unknown"


def test_a_service_nobody_knows_is_denied(ready, bundle) -> None:
    decision = decide(replace(ready, change=replace(ready.change, services=("ghost",))), bundle)
    assert [one.id for one in decision.reasons] == ["service-unknown"]


def test_outside_production_the_gates_of_production_rest(bare, bundle) -> None:
    settings = replace(
        bare.settings, environments={"production": Environment(production=True), "staging": Environment()}
    )
    assert decide(replace(bare, settings=settings, environment="staging"), bundle).outcome is Outcome.ALLOW


def test_a_lone_surrogate_is_a_refusal_and_no_crash(ready, bundle) -> None:
    about = ready.description
    odd = replace(about, documentation=replace(about.documentation, cites=("\ud800",)))
    assert decide(replace(ready, description=odd), bundle).outcome is Outcome.DENY


def test_a_declared_service_can_only_raise_the_tier(corpus, bundle) -> None:
    cases, bases = corpus
    case = next(case for case in cases if case.name == "small and safe takes the fast lane")
    small = question(build(case, bases))
    assert decide(small, bundle).outcome is Outcome.ALLOW
    raised = decide(replace(small, change=replace(small.change, services=("wiki", "orders"))), bundle)
    assert "tier1-two-approvals" in {one.id for one in raised.reasons}
    assert raised.marks == ()


def test_an_author_s_own_approval_counts_for_nothing_once_there_is_a_second_person(ready, bundle) -> None:
    settings = replace(ready.settings, one_person=True)
    mine = replace(ready.tally, counted=tuple(replace(one, person="eve") for one in ready.tally.counted))
    decision = decide(replace(ready, settings=settings, tally=mine), bundle)
    assert decision.marks == ("one-person",)
    assert {one.id for one in decision.reasons} == {"one-person-presence", "tier1-two-approvals"}
    assert decision.reasons[0].facts["approvals"] == 0


def grant(ready: DecisionInput, **more: object) -> Grant:
    base = {
        "id": "exc-1",
        "kind": "exception",
        "rule": "scanned",
        "change": ready.change.id,
        "people": ("ana", "ben"),
        "reason": "scanner is down",
        "expires_at": NOW + timedelta(minutes=5),
    }
    return Grant(**(base | more))  # type: ignore[arg-type]  # a test names fields of Grant


def test_a_grant_lifts_its_rule_alone_and_is_said(bare, bundle) -> None:
    decision = decide(replace(bare, grants=(grant(bare),)), bundle)
    assert "scanned" not in {one.id for one in decision.reasons}
    assert [(one.id, one.lifted_by) for one in decision.observed] == [("scanned", "exc-1")]
    assert len(decision.reasons) == 6
    assert "lifted:exc-1" in decision.marks
    (obligation,) = [one for one in decision.obligations if one.id == "scanned"]
    assert (obligation.met, obligation.progress) == (False, "lifted by exc-1")
    assert decision.expires == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "more",
    [{"change": "chg-other"}, {"expires_at": NOW}, {"rule": "tests-pass"}],
    ids=["change", "expired", "rule"],
)
def test_a_grant_for_something_else_lifts_nothing(bare, bundle, more) -> None:
    assert "scanned" in {one.id for one in decide(replace(bare, grants=(grant(bare, **more),)), bundle).reasons}


def test_broken_glass_lifts_all_but_what_protects_the_road(bare, bundle) -> None:
    glass = grant(bare, kind="break-glass", rule="*", audit=True)
    assert decide(replace(bare, grants=(glass,)), bundle).outcome is Outcome.ALLOW
    drifted = replace(bare, grants=(glass,), offered_digest="sha256:" + "9" * 64)
    assert [one.id for one in decide(drifted, bundle).reasons] == ["digest-drift"]


def test_a_layer_tightens_inside_its_days_and_its_scope(ready, bundled) -> None:
    start = NOW.date() - timedelta(days=1)
    layer = reset_layer(days=2, tier=1, start=start).encode()
    bundle = load_bundle({**bundled, "layers/reset.cedar": layer, "modes.yaml": b"default: observe"})
    decision = decide(ready, bundle)
    assert [one.id for one in decision.reasons] == [f"reset-{start}-director-audit"]
    assert [name for name, _ in decision.layers] == ["base", "reset"]
    later = replace(ready, now=NOW + timedelta(days=1))
    assert decide(later, bundle).reasons == ()
    assert [name for name, _ in decide(later, bundle).layers] == ["base"]
    wiki = replace(ready.change, services=("wiki",))
    untouched = replace(ready.description, blast=replace(ready.description.blast, touched=()))
    below = replace(ready, change=wiki, description=untouched)
    assert decide(below, bundle).reasons == ()


def test_a_decision_ends_when_something_it_stands_on_ends(ready, bundle) -> None:
    assert decide(ready, bundle).expires == NOW + LIFETIME
    soon = NOW + timedelta(minutes=3)
    evidence = (replace(ready.evidence[0], expires_at=soon), *ready.evidence[1:])
    assert decide(replace(ready, evidence=evidence), bundle).expires == soon


def test_marks_say_what_is_special(corpus, bundle) -> None:
    cases, bases = corpus
    by_name = {case.name: case for case in cases}
    small = question(build(by_name["small and safe takes the fast lane"], bases))
    alone = question(build(by_name["the only person was there"], bases))
    assert decide(small, bundle).marks == ("fast-lane",)
    assert decide(alone, bundle).marks == ("one-person", "first-stage")


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        (b"default: enforce", ("first-stage",)),
        (b"default: observe", ()),
        (b"{default: observe, rules: {canary-plan: enforce}}", ("first-stage",)),
        (b"{default: enforce, rules: {canary-plan: observe}}", ()),
        (b'{default: observe, rules: {canary-plan: {scopes: [{scope: "tier:2", mode: enforce}]}}}', ()),
    ],
)
def test_a_canary_plan_binds_where_an_enforced_rule_asks_for_it(ready, bundled, modes, expected) -> None:
    """Every Tier-1 ticket was once for 5 % for ever, asked for or not."""
    assert decide(ready, load_bundle({**bundled, "modes.yaml": modes})).marks == expected


def test_a_wide_change_below_tier_1_that_planned_a_canary_starts_with_it(ready, bundled) -> None:
    """It was once let through for its canary plan, and then shipped to everybody at once."""
    bundle = load_bundle({**bundled, "modes.yaml": b"default: enforce"})
    facts = {**facts_of(ready, ()), "tier": 2, "too_wide": True}
    assert "first-stage" in decide_facts(facts, bundle, Standing(now=NOW)).marks
    assert "first-stage" not in decide_facts({**facts, "vp_approvals": 1}, bundle, Standing(now=NOW)).marks
    refused = decide_facts({**facts, "canary_complete": False}, bundle, Standing(now=NOW))
    assert (refused.outcome, refused.marks) == (Outcome.NEEDS, ())


def test_who_lifts_the_canary_rule_lifts_its_ceiling(ready, bundle) -> None:
    grant = Grant(
        id="exc-1",
        kind="exception",
        rule="canary-plan",
        people=("ana", "ben"),
        reason="no splitter here",
        expires_at=NOW + timedelta(hours=1),
        change=ready.change.id,
        audit=False,
    )
    assert decide(replace(ready, grants=(grant,)), bundle).marks == ()
    other = replace(grant, rule="scanned")
    assert decide(replace(ready, grants=(other,)), bundle).marks == ("first-stage",)


def test_digests_follow_facts_and_rules(ready, bare, bundle, bundled) -> None:
    other = load_bundle({**bundled, "modes.yaml": b"default: observe"})
    assert decide(ready, bundle).input_digest == decide(ready, other).input_digest
    assert decide(ready, bundle).bundle_digest != decide(ready, other).bundle_digest
    assert decide(ready, bundle).input_digest != decide(bare, bundle).input_digest


def test_evidence_from_the_future_does_not_count(ready, bundle) -> None:
    future = tuple(replace(one, issued_at=NOW + timedelta(seconds=1)) for one in ready.evidence)
    assert "scanned" in {one.id for one in decide(replace(ready, evidence=future), enforced(bundle)).reasons}
