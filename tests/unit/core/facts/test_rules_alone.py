"""A change of rules alone ships nothing; with anything beside them it may, and only what is certain counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from interlock.core.change.catalog import Catalog
from interlock.core.change.parts import Artefact, FileChange, Part
from interlock.core.change.settings import RULES_ARTEFACT, ConfigurationRule, Settings
from interlock.core.facts.blast import blast_of
from interlock.core.facts.rules_alone import rules_alone
from interlock.testing.road import submission

RULES = Artefact(name=RULES_ARTEFACT, digest="sha256:" + "1" * 64, media="file")
IMAGE = Artefact(name="image", digest="sha256:" + "2" * 64, media="file")
MODES = "policies/modes.yaml"


@pytest.mark.parametrize(
    ("paths", "more", "alone"),
    [
        (("rollouts/orders.yaml",), (RULES,), ("rollouts/orders.yaml",)),
        (("interlock.yaml", "change.md"), (), ("interlock.yaml",)),
        (("change.md",), (), ()),
        (("rollouts/orders.yaml", "src/promise.py"), (RULES,), ()),
        (("rollouts/orders.yaml",), (IMAGE,), ()),
    ],
)
def test_what_changes_rules_alone(paths, more, alone) -> None:
    assert rules_alone(submission("a", paths=paths, more=more).parts, Settings()) == alone


def only(parts: Sequence[Part], catalog: Catalog, settings: Settings | None = None) -> bool:
    return blast_of(parts, catalog=catalog, settings=settings or Settings()).rules_only


def plain(make: Any, path: str, **fields: object) -> FileChange:
    found: FileChange = make.file(path, old_mode="100644", new_mode="100644")
    return replace(found, **fields)  # type: ignore[arg-type]  # fields by name


def brought(make: Any, *files: FileChange | str, more: tuple[Part, ...] = (RULES,)) -> tuple[Part, ...]:
    """A range with a documented change, of these files besides, that brings the rules."""
    documented = [plain(make, "change.md"), *(plain(make, f) if isinstance(f, str) else f for f in files)]
    return (make.range(*documented, documents=(make.document("plan"),)), *more)


@pytest.mark.parametrize(
    "path",
    [
        "interlock.yaml",
        "CODEOWNERS",
        ".github/CODEOWNERS",
        "catalog-info.yaml",
        "catalog/people.yaml",
        "policies/base/a.cedar",
        "policies/README.md",
        MODES,
        "schemas/delivery.json",
        "rehearsals/orders.yaml",
        "scan-plans/rules/injection.yaml",
    ],
)
def test_rule_files_and_their_documentation_are_rules_only(make: Any, path: str) -> None:
    everywhere = make.catalog(make.service("shop", paths=("**",)))
    assert only(brought(make, path), everywhere)
    assert only((make.range(plain(make, path)), RULES), make.catalog())


@pytest.mark.parametrize(
    "path",
    [
        "src/promise.py",
        "src/policies/a.cedar",
        "src/interlock.yaml",
        "docs/policies/modes.yaml",
        "rehearsals/inner/orders.yaml",
        "policies.yaml",
        "policies/deploy.py",
        "policies/deploy",
        "schemas/app.js",
        "scan-plans/run.sh",
        "src/change.md",
        "readme.md",
    ],
)
def test_a_file_that_is_no_rule_file_or_could_run_is_more_than_rules(make: Any, path: str) -> None:
    assert not only(brought(make, MODES, path), make.catalog())


@pytest.mark.parametrize(
    "fields",
    [
        {"new_mode": "120000"},
        {"old_mode": "120000"},
        {"new_mode": "120000", "old_mode": "120000"},
        {"new_mode": "100755"},
        {"new_mode": "160000", "submodule": True},
        {"new_mode": "000000", "status": "deleted"},
        {"new_mode": "100644", "status": "deleted"},
        {"status": "type-changed"},
        {"status": "renamed", "old_path": "src/promise.yaml"},
        {"status": "copied", "old_path": "src/promise.yaml"},
        {"binary": True},
        {"new_mode": "000000"},
    ],
)
def test_a_rule_file_that_is_a_link_runs_is_gone_or_came_from_elsewhere_is_more(
    make: Any, fields: dict[str, object]
) -> None:
    odd = plain(make, "policies/layers/a.cedar", **fields)
    assert not only(brought(make, MODES, odd), make.catalog())
    assert not only(brought(make, odd), make.catalog())


def test_a_rule_file_may_be_new_renamed_or_lose_its_right_to_run(make: Any) -> None:
    new = plain(make, "policies/base/new.cedar", status="added", old_mode="000000")
    moved = plain(make, "policies/base/b.cedar", status="renamed", old_path="policies/base/a.cedar")
    calmed = plain(make, MODES, old_mode="100755")
    assert only(brought(make, new, moved, calmed), make.catalog())


def test_a_link_called_change_md_or_one_that_is_gone_is_more_than_rules(make: Any) -> None:
    for fields in ({"new_mode": "120000"}, {"new_mode": "000000", "status": "deleted"}):
        git = make.range(
            plain(make, "change.md", **fields), plain(make, MODES), documents=(make.document("plan"),)
        )
        assert not only((git, RULES), make.catalog())


@pytest.mark.parametrize(
    "more",
    [
        (),
        (IMAGE,),
        (RULES, IMAGE),
        (RULES, replace(RULES, digest="sha256:" + "3" * 64)),
        (replace(RULES, media="oci-image"),),
    ],
)
def test_what_brings_no_rules_or_an_artefact_beside_them_is_more(make: Any, more: tuple[Part, ...]) -> None:
    """A repository that carries no rules has files called like rule files too, which its product may read."""
    assert not only(brought(make, MODES, more=more), make.catalog())


def test_plans_a_second_repository_or_no_range_at_all_are_more_than_rules(make: Any) -> None:
    for more in (
        make.plan(make.resource("aws_s3_bucket.a", "create")),
        make.plan(),
        make.range("policies/a.cedar"),
    ):
        assert not only((*brought(make, MODES), more), make.catalog())
    assert not only((make.configuration(make.configured(MODES)), RULES), make.catalog())
    assert not only((RULES,), make.catalog())
    assert not only(brought(make), make.catalog())


def test_configuration_is_rules_only_when_it_is_what_the_range_changes_and_no_object(make: Any) -> None:
    parts = brought(make, MODES, "catalog/web.yaml")
    own = make.configured("catalog/web.yaml", documents=("backstage.io/v1alpha1/Component//web",))
    run = make.configured("catalog/web.yaml", documents=("apps/v1/Deployment/shop/web",))
    assert only((*parts, make.configuration(make.configured(MODES), own)), make.catalog())
    assert not only((*parts, make.configuration(run)), make.catalog())
    assert not only((*parts, make.configuration(make.configured("schemas/other.json"))), make.catalog())
    formerly = replace(make.configured(MODES), formerly="config/delivery.yaml")
    assert not only((*parts, make.configuration(formerly)), make.catalog())


def test_a_rule_file_that_a_service_calls_its_own_is_more_than_rules(make: Any) -> None:
    parts = brought(make, "schemas/order.json")
    claimed = make.catalog(make.service("orders", paths=("schemas/order.json",)))
    assert not only(parts, claimed)
    rule = ConfigurationRule(match="schemas/**", service="orders")
    assert not only(parts, make.catalog(make.service("orders")), Settings(configuration=(rule,)))
    assert only(parts, make.catalog(make.service("orders", paths=("src/**",))))


def test_the_file_that_declares_a_service_is_the_catalogs_in_whatever_folder(make: Any) -> None:
    settings = Settings(catalog=("services",))
    service = make.service("web", file="services/web/catalog-info.yaml", paths=("services/web/**",))
    assert only(brought(make, "services/web/catalog-info.yaml"), make.catalog(service), settings)
    assert not only(brought(make, "services/web/values.yaml"), make.catalog(service), settings)
