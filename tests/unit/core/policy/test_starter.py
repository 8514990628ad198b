"""First rules for a repository that has none."""

from __future__ import annotations

import pytest
import yaml

from interlock.core.change.catalog_check import check_catalog
from interlock.core.change.parts import Identity
from interlock.core.facts.survey import Author, Survey
from interlock.core.policy.modes import default_modes
from interlock.core.policy.rules import load_rules
from interlock.core.policy.starter import configuration_globs, people_of, service_folders, starter
from interlock.registry import bundled_policies


def survey(*paths: str, authors: tuple[tuple[str, str, int], ...] = ()) -> Survey:
    found = tuple(
        Author(identity=Identity(name=name, email=email), commits=count) for name, email, count in authors
    )
    return Survey(name="shop", head="0" * 40, paths=paths, authors=found)


TWO = (("Ana Ruiz", "ana@shop.example", 40), ("Ben", "ben@shop.example", 9))
BUNDLED = {**bundled_policies(), "modes.yaml": default_modes(()).encode()}


def first(*paths: str, existing: frozenset[str] = frozenset(), one_person: bool = False, authors=TWO):
    return starter(survey(*paths, authors=authors), bundled=BUNDLED, existing=existing, one_person=one_person)


def test_what_is_written_loads_as_rules() -> None:
    made = first("services/cart/Dockerfile", "services/cart/main.go", "config/app.yaml")
    rules = load_rules(made.files)
    assert set(rules.catalog.services) == {"cart"}
    assert set(rules.catalog.people) == {"ana-ruiz", "ben"}
    assert [rule.match for rule in rules.settings.configuration] == ["config/**/*.yaml"]
    assert rules.bundle.policies


def test_one_committer_means_one_person_mode() -> None:
    assert yaml.safe_load(first("a.py", authors=TWO[:1]).files["interlock.yaml"])["one_person"] is True
    assert "one_person" not in yaml.safe_load(first("a.py").files["interlock.yaml"])


def test_what_exists_is_not_written_again() -> None:
    everything = first("a.py").files
    again = first("a.py", existing=frozenset(everything))
    assert again.files == {}
    assert "catalog-info.yaml" not in first("a.py", existing=frozenset({"catalog/people.yaml"})).files


@pytest.mark.parametrize(
    "email",
    [
        "49699333+dependabot[bot]@users.noreply.github.com",
        "noreply@anthropic.com",
        "198982749+Copilot@users.noreply.github.com".lower(),
        "renovate-bot@shop.example",
        "root@localhost",
    ],
)
def test_machines_become_no_people(email: str) -> None:
    assert people_of((Author(identity=Identity(name="X", email=email), commits=99),)) == {}


@pytest.mark.parametrize("name", ["Claude Monet", "Cody Ray", "Devin Smith", "Jules Verne"])
def test_people_named_like_tools_are_people(name: str) -> None:
    email = f"{name.split(maxsplit=1)[0].lower()}@shop.example"
    assert people_of((Author(identity=Identity(name=name, email=email), commits=2),))


def test_a_private_forge_address_is_a_person() -> None:
    email = "1234+ana@users.noreply.github.com"
    assert set(people_of((Author(identity=Identity(name="Ana", email=email), commits=5),))) == {"ana"}


def test_two_addresses_of_one_name_are_one_person() -> None:
    found = people_of(
        tuple(
            Author(identity=Identity(name="Ana", email=f"ana@{where}.example"), commits=3) for where in ("a", "b")
        )
    )
    assert found == {"ana": ("Ana", ("ana@a.example", "ana@b.example"))}


def test_a_single_commit_makes_no_person_beside_others() -> None:
    written = (("Ben", "ben@shop.example", 2), ("Ana", "ana@shop.example", 1))
    assert set(people_of(survey(authors=written).authors)) == {"ben"}


def test_configuration_is_named_by_its_outermost_folder() -> None:
    found = configuration_globs(("deploy/a.yaml", "deploy/k8s/b.yaml", "src/config/c.json", "src/d.yaml"))
    assert found == ("deploy/**/*.yaml", "src/config/**/*.json")


def test_test_images_are_no_services() -> None:
    assert service_folders(survey("testing/Dockerfile", "go.mod", "cmd/atlantis/main.go")) == {
        "atlantis": "cmd/atlantis/**",
        "shop": "**",
    }


def test_two_names_with_one_address_are_one_person() -> None:
    """Each name became a person of its own, and the catalog's own check refused the shared address."""
    written = (("Ana Ruiz", "ana@shop.example", 9), ("ana", "Ana@Shop.example", 4), ("ana", "7+ana@x.example", 3))
    assert people_of(survey(authors=written).authors)["ana-ruiz"] == ("Ana Ruiz", ("ana@shop.example",))
    made = first("src/a.py", authors=(*written, *TWO[1:]))
    assert not [each for each in check_catalog(load_rules(made.files).catalog) if each.rule.endswith("-shared")]


def test_where_nobody_committed_twice_everybody_counts() -> None:
    assert set(people_of(survey(authors=(("Ana", "ana@shop.example", 1),)).authors)) == {"ana"}


def test_whom_codeowners_names_the_catalog_knows() -> None:
    owners = ("@shop/Payments", "@octocat", "ana@shop.example", "@-", "@maintainers")
    made = starter(
        survey("src/a.py", authors=TWO), bundled=BUNDLED, existing=frozenset(), one_person=False, owners=owners
    )
    files = made.files | {"CODEOWNERS": b"* @shop/Payments @octocat ana@shop.example\n"}
    catalog = load_rules(files).catalog
    assert set(catalog.groups) == {"maintainers", "payments", "octocat"}
    assert not [each for each in check_catalog(catalog) if each.rule == "catalog-codeowners-nobody"]


def test_the_people_of_a_catalog_that_is_there_are_those_who_stand_for_the_rules() -> None:
    """Beside a catalog of three people one committer meant one-person mode."""
    there = frozenset({"catalog-info.yaml"})
    made = starter(
        survey("a.py", authors=TWO[:1]), bundled=BUNDLED, existing=there, one_person=False, catalogued=3
    )
    assert not made.alone
    assert "one_person" not in yaml.safe_load(made.files["interlock.yaml"])
    assert "1 committer from the history, 3 people in the catalog" in made.found
    alone = starter(survey("a.py", authors=TWO), bundled=BUNDLED, existing=there, one_person=False, catalogued=1)
    assert alone.alone
    assert yaml.safe_load(alone.files["interlock.yaml"])["one_person"] is True
