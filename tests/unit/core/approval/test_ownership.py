"""Services that hang on one person."""

from __future__ import annotations

from dataclasses import replace

from interlock.core.approval.ownership import single_points
from interlock.core.change.catalog import Group, Role, Service, Tier
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW


def test_a_service_with_two_owners_in_a_large_enough_catalog_hangs_on_nobody():
    assert single_points(shop.shop(), NOW) == ()


def test_a_service_with_one_owner_hangs_on_that_person():
    [point] = single_points(shop.shop(groups={"orders": Group(name="orders", members=("ben",))}), NOW)
    assert (point.service, point.person) == ("order-service", "ben")
    assert point.reason == "only ben of its owner orders has a key to approve with"


def test_owners_without_a_key_are_no_help():
    ben = replace(shop.shop().people["ben"], keys=())
    assert single_points(shop.with_person(shop.shop(), ben), NOW)[0].person == "ana"


def test_owners_who_are_one_principal_are_one():
    catalog = shop.shop()
    for name in ("ana", "ben"):
        catalog = shop.with_person(catalog, replace(catalog.people[name], emails=("one@shop.example",)))
    assert single_points(catalog, NOW)[0].person == "ana"


def test_an_owner_without_anybody_is_named():
    [point] = single_points(shop.shop(groups={"orders": Group(name="orders")}), NOW)
    assert (point.person, point.reason) == (None, "nobody of its owner orders has a key to approve with")


def test_a_tier_one_service_needs_a_catalog_that_can_spare_anybody():
    few = shop.people(ana=Role.DIRECTOR, ben=Role.SENIOR, cai=Role.ENGINEER)
    [point] = single_points(shop.shop(people=few), NOW)
    assert "has 3 people with a key" in point.reason


def test_a_tier_one_service_needs_two_seniors():
    few = shop.people(ana=Role.DIRECTOR, ben=Role.ENGINEER, cai=Role.ENGINEER, dee=Role.ENGINEER)
    [point] = single_points(shop.shop(people=few), NOW)
    assert (point.person, "1 seniors or above" in point.reason) == ("ana", True)


def test_below_tier_one_the_catalog_may_be_small():
    few = shop.people(ana=Role.DIRECTOR, ben=Role.SENIOR)
    services = {"blog": Service(name="blog", tier=Tier.THREE, owner="orders")}
    assert single_points(shop.shop(people=few, services=services), NOW) == ()
