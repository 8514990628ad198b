"""Differences of a catalog that give somebody more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.core.approval.privileges import privileged_changes
from interlock.core.change.catalog import Agent, Group, OwnerRule, Place, Role, Service, Tier
from interlock.testing import approvals as shop
from interlock.testing.signing import UnsafeNamedSigner

OLD = shop.shop()


def person(name: str, **replaced):
    return shop.with_person(OLD, replace(OLD.people[name], **replaced))


def service(**replaced):
    return shop.shop(services={"order-service": replace(OLD.services["order-service"], **replaced)})


FAY_IS_NEW = ["identity-added", "identity-added", "person-added"]
RULE = OwnerRule(pattern="*", owners=("@dee-gh",), place=Place(path="CODEOWNERS", line=1))


@pytest.mark.parametrize(
    ("new", "kinds"),
    [
        (person("dee", role=Role.VP), ["role-raised"]),
        (person("dee", on_call=True), ["role-raised"]),
        (person("dee", accounts=("dee-gh", "other")), ["identity-added"]),
        (person("dee", emails=("dee@shop.example", "x@y.example")), ["identity-added"]),
        (person("dee", accounts=()), ["identity-removed"]),
        (person("dee", accounts=("new",)), ["identity-added", "identity-removed"]),
        (person("dee", keys=(UnsafeNamedSigner("dee", 1).public_key,)), ["key-added"]),
        (shop.with_person(OLD, replace(UnsafeNamedSigner("fay").person(), keys=())), FAY_IS_NEW),
        (shop.shop(agents={}), ["agent-removed"]),
        (shop.shop(agents={"codey": Agent(name="codey", sponsor="dee")}), ["agent-changed"]),
        (shop.shop(agents={**OLD.agents, "new": Agent(name="new", sponsor="dee")}), ["agent-changed"]),
        (service(tier=Tier.TWO), ["tier-lowered"]),
        (service(owner="user:dee"), ["owner-changed"]),
        (shop.shop(services={}), ["service-removed"]),
        (shop.shop(groups={"orders": Group(name="orders", members=("ana", "ben", "dee"))}), ["group-changed"]),
        (shop.shop(groups={}), ["group-changed"]),
        (shop.shop(owner_rules=(RULE,)), ["owner-changed"]),
    ],
)
def test_what_widens_rights_is_listed(new, kinds):
    assert [change.kind for change in privileged_changes(OLD, new)] == kinds


def test_a_path_that_leaves_a_service_lowers_its_protection():
    old = service(paths=("src/**", "config/**"))
    assert [one.kind for one in privileged_changes(old, service(paths=("src/**",)))] == ["tier-lowered"]
    assert privileged_changes(service(paths=("src/**",)), old) == ()


def without(name: str):
    return shop.shop(people={key: value for key, value in OLD.people.items() if key != name})


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        person("ana", role=Role.ENGINEER),
        person("ana", keys=()),
        shop.shop(services={**OLD.services, "new": Service(name="new")}),
    ],
)
def test_what_only_tightens_is_not(new):
    assert privileged_changes(OLD, new) == ()


def test_a_person_who_is_gone_hides_what_was_theirs():
    assert {one.kind for one in privileged_changes(OLD, without("dee"))} == {"identity-removed"}


def test_each_is_said_in_one_line():
    [raised] = privileged_changes(OLD, person("dee", role=Role.SENIOR))
    assert raised.text == "dee was engineer, becomes senior"
