"""What is wrong with a catalog is named with its place."""

from __future__ import annotations

import pytest

from interlock.core.change.catalog import (
    Agent,
    Catalog,
    Dangling,
    Group,
    OwnerRule,
    Person,
    Place,
    PublicKey,
    Service,
    Tier,
)
from interlock.core.change.catalog_check import check_catalog
from interlock.core.change.parts import Finding

HERE = Place(path="c.yaml", line=7)
KEY = PublicKey(line="k", fingerprint="SHA256:k")
ANA = Person(name="ana", emails=("ana@x.y",), keys=(KEY,), groups=("pay",), place=HERE)
PAY = Group(name="pay", members=("ana",), place=HERE)
CART = Service(
    name="cart", tier=Tier.ONE, tier_declared=True, owner="pay", metric="m", alert="a", rollback="r", place=HERE
)


def catalog(*, services=(CART,), people=(ANA,), groups=(PAY,), agents=(), rules=(), dangling=()) -> Catalog:
    return Catalog(
        digest="d",
        services={service.name: service for service in services},
        people={person.name: person for person in people},
        groups={group.name: group for group in groups},
        agents={agent.name: agent for agent in agents},
        owner_rules=tuple(rules),
        dangling=tuple(dangling),
    )


def only(found: tuple[Finding, ...]) -> Finding:
    (finding,) = found
    return finding


def changed(**fields: object) -> Service:
    values = {name: getattr(CART, name) for name in CART.__dataclass_fields__}
    return Service(**(values | fields))


def test_a_sound_catalog_has_no_findings() -> None:
    assert check_catalog(catalog()) == ()


@pytest.mark.parametrize(
    ("given", "rule", "words"),
    [
        ({"services": [changed(owner=None)]}, "owner-missing", "Tier-1 `cart` has no owner"),
        ({"services": [changed(metric=None)]}, "metric-missing", "has no metric"),
        ({"services": [changed(alert=None)]}, "alert-missing", "has no alert"),
        ({"services": [changed(rollback=None)]}, "rollback-missing", "has no rollback"),
        ({"groups": [Group(name="pay", place=HERE)]}, "owner-empty", "has no people"),
        ({"services": [changed(depends_on=("cart",))]}, "dependency-cycle", "cart → cart"),
        (
            {
                "groups": [
                    Group(name="pay", parent="x", members=("ana",)),
                    Group(name="x", parent="pay", place=HERE),
                ]
            },
            "group-cycle",
            "pay → x → pay",
        ),
        (
            {"dangling": [Dangling(origin="cart", field="dependsOn", target="gone", place=HERE)]},
            "unknown-dependency",
            "`cart` names `gone` in dependsOn",
        ),
        (
            {"dangling": [Dangling(origin="cart", field="owner", target="gone", place=HERE)]},
            "unknown-owner",
            "`gone`",
        ),
        (
            {
                "people": [
                    ANA,
                    Person(name="zoe", emails=("ANA@x.y",), keys=(PublicKey(line="z", fingerprint="z"),)),
                ]
            },
            "address-shared",
            "ana@x.y` belongs to ana and zoe",
        ),
        (
            {
                "people": [
                    Person(name="ana", accounts=("ana",), keys=(KEY,)),
                    Person(
                        name="zoe",
                        emails=("12+Ana@users.noreply.github.com",),
                        keys=(PublicKey(line="z", fingerprint="z"),),
                    ),
                ]
            },
            "account-shared",
            "`ana` belongs to ana and zoe",
        ),
        (
            {"people": [ANA, Person(name="zoe", emails=("z@x.y",), keys=(KEY,), place=HERE)]},
            "key-shared",
            "SHA256:k",
        ),
        (
            {
                "people": [Person(name="ana", accounts=("Ana",), keys=(KEY,))],
                "agents": [Agent(name="bot", sponsor="ana", accounts=("ana",), place=HERE)],
            },
            "account-shared",
            "agent `bot` and person `ana`",
        ),
        (
            {"rules": [OwnerRule(pattern="*", owners=("@zoe",), place=HERE)]},
            "codeowners-nobody",
            "`*` is owned by nobody",
        ),
        ({"people": [], "services": []}, "no-people", "nobody could approve"),
    ],
)
def test_errors(given: dict[str, list[object]], rule: str, words: str) -> None:
    finding = only(check_catalog(catalog(**given)))
    assert (finding.rule, finding.level) == (f"catalog-{rule}", "error")
    assert words in finding.message
    assert finding.remedy


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"services": [changed(tier_declared=False)]}, "tier-undeclared"),
        ({"services": [changed(tier=Tier.TWO, owner=None, metric=None)]}, "owner-missing"),
        ({"people": [Person(name="ana", emails=("a@b.c",), place=HERE)]}, "key-missing"),
        (
            {
                "people": [
                    Person(name="ana", emails=("a@b.c",), keys=(PublicKey(line="", fingerprint="", revoked=True),))
                ]
            },
            "key-missing",
        ),
        ({"people": [Person(name="ana", keys=(KEY,))]}, "identity-missing"),
        ({"rules": [OwnerRule(pattern="*", owners=("ana@x.y", "@zoe"), place=HERE)]}, "codeowners-nobody"),
    ],
)
def test_warnings(given: dict[str, list[object]], rule: str) -> None:
    finding = only(check_catalog(catalog(**given)))
    assert (finding.rule, finding.level) == (f"catalog-{rule}", "warning")


def test_errors_come_first_then_place() -> None:
    late = changed(name="a", tier_declared=False, place=Place(path="a.yaml", line=1))
    found = check_catalog(catalog(services=[changed(alert=None), late]))
    assert [(finding.level, finding.path, finding.line) for finding in found] == [
        ("error", "c.yaml", 7),
        ("warning", "a.yaml", 1),
    ]


def test_an_unset_rule_of_codeowners_is_no_mistake() -> None:
    assert check_catalog(catalog(rules=[OwnerRule(pattern="/x", owners=(), place=HERE)])) == ()
