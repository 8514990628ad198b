"""Rehearsal plans are rules: what must come back cannot be edited by the change that is rehearsed."""

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Settings, is_rehearsal_file, is_rule_file
from interlock.core.policy.rules import load_rehearsals, load_rules
from interlock.core.rollout.plan_faults import PlanFaults

SETTINGS = b"version: 1\nenvironments: {production: {production: true}, staging: {}}\n"
PLAN = b"""\
service: harbour
environment: staging
driver: {kind: command}
apply: [{name: up, run: [./up], verify: [./is-up]}]
rollback: [{name: down, run: [./down], verify: [./is-down]}]
probes: [{name: configuration, kind: files, paths: [etc]}]
"""
PATH = "rehearsals/harbour.yaml"


@pytest.fixture
def files(files) -> dict[str, bytes]:
    return files | {"interlock.yaml": SETTINGS}


def test_a_rehearsal_is_among_the_rules_and_in_their_digest(files) -> None:
    before, after = load_rules(files), load_rules(files | {PATH: PLAN})
    edited = load_rules(files | {PATH: PLAN + b"objective: 2m\n"})
    assert before.rehearsals == {}
    assert after.rehearsals["harbour", "staging"].path == PATH
    assert PATH in after.files
    assert edited.rehearsals["harbour", "staging"].objective == 120.0
    assert len({before.digest, after.digest, edited.digest}) == 3


def test_a_broken_rehearsal_leaves_no_rules_and_all_that_is_wrong_is_told(files) -> None:
    broken = PLAN.replace(b"staging", b"production").replace(b"harbour", b"harbor") + b"objective: soon\n"
    with pytest.raises(PlanFaults) as refused:
        load_rules(files | {PATH: broken})
    assert [(one.code, one.message.rpartition(":")[2]) for one in refused.value.faults] == [
        ("rehearsal-service", "1`"),
        ("rehearsal-production", "2`"),
        ("rehearsal-plan", "7`"),
    ]


def test_where_there_are_no_rehearsals_the_catalog_is_not_read(files) -> None:
    assert load_rehearsals(files | {"catalog-info.yaml": b"["}) == {}


def test_a_rehearsal_in_the_folder_of_the_catalog_is_no_entity(files) -> None:
    settings = SETTINGS + b"catalog: [catalog-info.yaml, deploy]\nrehearsals: deploy/tries/\n"
    found = load_rules(files | {"interlock.yaml": settings, "deploy/tries/harbour.yml": PLAN})
    assert [plan.path for plan in found.rehearsals.values()] == ["deploy/tries/harbour.yml"]


@pytest.mark.parametrize(
    ("path", "is_one"), [("rehearsals/a.yml", True), ("rehearsals/old/a.yaml", False), ("rehearsals.yaml", False)]
)
def test_a_rehearsal_lies_directly_in_its_folder(path, is_one) -> None:
    assert is_rehearsal_file(path, Settings()) is is_one
    assert is_rule_file(path, Settings()) is is_one


@pytest.mark.parametrize("line", [b"rehearsals: rollouts/\n", b"rehearsals: ../there\n", b"rehearsals: .\n"])
def test_their_folder_is_one_of_their_own(files, line) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_rules(files | {"interlock.yaml": SETTINGS + line})
    assert refused.value.code == "settings-range"
    assert "`rehearsals`" in refused.value.message
