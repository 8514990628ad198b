"""Every bundled rule is needed: taken away alone, the change that it refuses is let through."""

from importlib import resources

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.bundle import Bundle, load_bundle
from interlock.core.policy.decision import Outcome
from interlock.core.policy.statements import read_statements
from interlock.testing.cases import Case, Tree, judge

BASE = resources.files("interlock.core.policy.bundled") / "base"
STATEMENTS = [
    (f"base/{item.name}", statement)
    for item in sorted(BASE.iterdir(), key=lambda item: item.name)
    if item.name.endswith(".cedar")
    for statement in read_statements(item.name, item.read_bytes())
]
RULES = [(path, statement.est["annotations"]["id"]) for path, statement in STATEMENTS]
GATES = [rule for rule in RULES if rule[1] != "road-open"]


def without(rule: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for path, statement in STATEMENTS:
        if statement.est["annotations"]["id"] != rule:
            files[path] = files.get(path, b"") + statement.text.encode() + b"\n"
    return files


@pytest.mark.parametrize(("path", "rule"), RULES)
def test_every_rule_has_a_change_that_passes(path: str, rule: str, bundle: Bundle, corpus, built) -> None:
    cases, _ = corpus
    passing = [case for case in cases if case.rule == rule and case.expect == "passes"]
    assert passing
    assert [judge(case, built[case.name], bundle).decision.outcome for case in passing] == [Outcome.ALLOW] * len(
        passing
    )


@pytest.mark.parametrize(("path", "rule"), GATES)
def test_every_rule_has_a_change_that_only_it_refuses(path: str, rule: str, bundle: Bundle, corpus, built) -> None:
    for case in refused(rule, corpus):
        assert [rule] == [reason.id for reason in judge(case, built[case.name], bundle).decision.reasons], (
            case.name
        )


@pytest.mark.parametrize(("path", "rule"), GATES)
def test_removing_a_rule_lets_its_refused_change_through(path: str, rule: str, corpus, built) -> None:
    mutant = load_bundle(without(rule))
    for case in refused(rule, corpus):
        verdict = judge(case, built[case.name], mutant)
        assert verdict.decision.outcome is Outcome.ALLOW, case.name
        assert not verdict.held


@pytest.mark.parametrize(("path", "rule"), GATES)
def test_removing_a_rule_fails_no_other_rule_s_cases(path: str, rule: str, corpus, built) -> None:
    cases, _ = corpus
    mutant = load_bundle(without(rule))
    failing = {case.rule for case in cases if not judge(case, built[case.name], mutant).held}
    assert {rule} == failing


def test_removing_the_only_permit_is_refused_at_load() -> None:
    with pytest.raises(InvalidInput) as refused_load:
        load_bundle(without("road-open"))
    assert refused_load.value.code == "policies-empty"


def refused(rule: str, corpus: tuple[tuple[Case, ...], dict[str, Tree]]) -> list[Case]:
    found = [case for case in corpus[0] if case.rule == rule and case.expect == "refused"]
    assert found, f"no refused case for {rule}"
    return found
