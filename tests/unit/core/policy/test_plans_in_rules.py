"""Rollout plans are rules: the digest covers them, and a broken one leaves no rules at all."""

from pathlib import Path

import pytest

from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Settings, is_plan_file, is_rule_file
from interlock.core.policy.rules import load_plans, load_rules, rules_digest_of
from interlock.plugins.rule_sources.folder import FolderRules

PLAN = b"""\
service: harbour
environment: production
router: {kind: envoy}
meters: [{kind: scrape, metrics: {orders: {}}}]
judge: {metrics: {orders: {kind: good}}}
"""


def test_a_plan_is_among_the_rules_and_in_their_digest(files) -> None:
    before = load_rules(files)
    assert before.plans == {}
    after = load_rules(files | {"rollouts/harbour.yaml": PLAN})
    assert after.plans["harbour", "production"].path == "rollouts/harbour.yaml"
    assert "rollouts/harbour.yaml" in after.files
    edited = load_rules(files | {"rollouts/harbour.yaml": PLAN + b"tick: 2s\n"})
    assert len({before.digest, after.digest, edited.digest}) == 3


def test_without_a_plan_the_digest_is_what_it_was(files) -> None:
    used = {path: content for path, content in files.items() if not path.endswith("README.md")}
    assert rules_digest_of(used) == rules_digest_of(
        used | {"rollouts/README.md": b"# ours", "rollout.yaml": b"a: 1"}
    )


def test_a_broken_plan_leaves_no_rules(files) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_rules(files | {"rollouts/harbour.yaml": PLAN.replace(b"harbour", b"harbor")})
    assert refused.value.message == (
        "expected a service of the catalog (did you mean `harbour`?), got `harbor` at `rollouts/harbour.yaml:1`"
    )


def test_where_there_are_no_plans_the_catalog_is_not_read(files) -> None:
    assert load_plans(files | {"catalog-info.yaml": b"["}) == {}


def test_a_plan_in_the_folder_of_the_catalog_is_no_entity(files) -> None:
    settings = b"version: 1\ncatalog: [catalog-info.yaml, deploy]\nrollouts: deploy/plans\n"
    found = load_rules(files | {"interlock.yaml": settings, "deploy/plans/harbour.yml": PLAN})
    assert [plan.path for plan in found.plans.values()] == ["deploy/plans/harbour.yml"]


@pytest.mark.parametrize(
    ("path", "is_plan"),
    [
        ("rollouts/a.yaml", True),
        ("rollouts/a.yml", True),
        ("rollouts/a.json", False),
        ("rollouts/old/a.yaml", False),
        ("shop/rollouts/a.yaml", False),
        ("rollouts.yaml", False),
    ],
)
def test_a_plan_lies_directly_in_its_folder(path, is_plan) -> None:
    assert is_plan_file(path, Settings()) is is_rule_file(path, Settings()) is is_plan


@pytest.mark.parametrize("folder", ["''", ".", "./", "/plans", "../plans"])
def test_the_folder_of_plans_is_one_below_the_root(files, folder) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_rules(files | {"interlock.yaml": f"version: 1\nrollouts: {folder}\n".encode()})
    assert refused.value.code == "settings-range"


def test_plans_are_found_in_a_working_tree(files, tmp_path: Path) -> None:
    for path, content in {**files, "rollouts/harbour.yaml": PLAN, "rollouts/notes.md": b"x"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    found = FolderRules(tmp_path).files()
    assert found["rollouts/harbour.yaml"] == PLAN
    assert "rollouts/notes.md" not in found
