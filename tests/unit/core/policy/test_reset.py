from dataclasses import replace
from datetime import date

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.evaluate import decide
from interlock.core.policy.reset import RULES, reset_layer, reset_name
from interlock.testing.cases import build, question, read_cases

START = date(2026, 3, 9)
RUNS = {"canary-plan", "rollback-rehearsed", "tests-pass", "scanned"}


def test_the_layer_loads_without_a_doubt_and_says_its_days(bundled) -> None:
    text = reset_layer(days=90, tier=1, start=START)
    bundle = load_bundle({**bundled, "layers/reset-2026-03-09.cedar": text.encode()})
    rules = [policy for policy in bundle.policies.values() if policy.layer == "reset-2026-03-09"]
    assert len(rules) == len(RULES)
    assert {(p.effect, p.mode, p.scope) for p in rules} == {("forbid", "enforce", (("tier", "1"),))}
    assert {(p.span.end - p.span.start).days for p in rules} == {90}
    assert bundle.lints == ()
    assert "2026-06-07" in rules[0].reason


def test_two_resets_stand_beside_each_other(bundled) -> None:
    layers = {
        f"layers/{reset_name(START, tier)}.cedar": reset_layer(days=30, tier=tier, start=START).encode()
        for tier in (1, 2)
    }
    assert len(load_bundle({**bundled, **layers}).layers) == 3


@pytest.mark.parametrize(
    ("days", "tier", "code"), [(0, 1, "reset-days"), (367, 1, "reset-days"), (90, 4, "reset-tier")]
)
def test_a_reset_without_an_end_or_a_tier_is_refused(days, tier, code) -> None:
    with pytest.raises(InvalidInput) as caught:
        reset_layer(days=days, tier=tier, start=START)
    assert code == caught.value.code


def test_what_is_said_on_the_terminal_names_no_placeholder() -> None:
    assert all("{" not in rule.plain and "()" not in rule.plain for rule in RULES)


def test_a_reset_asks_a_change_of_the_rules_alone_for_nothing_that_only_what_runs_can_show(bundled) -> None:
    layer = reset_layer(days=90, tier=1, start=START)
    bundle = load_bundle({**bundled, "layers/reset-2026-03-09.cedar": layer.encode()})
    cases, bases = read_cases(bundle.tests)
    case = next(each for each in cases if each.name == "two people approved a change of the rules alone")
    for only, asked in ((True, {"director-audit"}), (False, RUNS | {"director-audit"})):
        given = build(case, bases)
        blast = replace(given.description.blast, rules_only=only)
        told = replace(given, description=replace(given.description, blast=blast))
        found = {reason.id for reason in decide(question(told), bundle).reasons if reason.id.startswith("reset-")}
        assert found == {f"reset-2026-03-09-{name}" for name in asked}
