"""Whom interlock proposes to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from interlock.core.approval.principals import Principals
from interlock.core.approval.reviewers import Need, need_of, panel
from interlock.core.change.catalog import Group, OwnerRule, Place, Role, Service, Tier
from interlock.core.change.parts import FileChange
from interlock.core.facts.model import Provenance, ProvenanceKind, Reversibility
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, approval, change
from interlock.testing.signing import UnsafeNamedSigner

SENIORS_CAN_BLOCK = (
    "needed: 1 with a key (senior or above) who did not write it; "
    "there are no more, so each of ana alone can block"
)


def ask(*, catalog=None, load=None, standing=(), subject=None, settings=shop.SETTINGS, describe=None):
    known, about = catalog or shop.shop(), subject or change()
    told = shop.description(about, known)
    return panel(
        change=about,
        description=describe(told) if describe else told,
        catalog=known,
        settings=settings,
        open_reviews=load or {},
        authors=Principals(known).authors(about, told).people,
        now=NOW,
        standing=standing,
    )


def names(found) -> list[str]:
    return [proposal.person for proposal in found.proposals]


def test_owners_come_first_and_one_more_is_asked_than_needed():
    found = ask()
    assert names(found) == ["ana", "ben", "dee"]
    assert found.proposals[0].reason == "owner of order-service, director"
    assert found.shortages == ()


def test_authors_are_never_asked():
    assert "ana" not in names(ask(subject=change(shop.commit("ana@shop.example"))))


def test_the_owner_with_the_least_open_comes_first():
    assert names(ask(load={"ana": 3, "ben": 1}))[:2] == ["ben", "ana"]
    assert ask(load={"ana": 3, "ben": 1}).proposals[0].open_reviews == 1


def test_who_is_at_capacity_is_asked_only_when_nobody_else_is_left():
    assert names(ask(load={"ana": 5})) == ["ben", "dee", "eve"]
    everybody = ask(load=dict.fromkeys(("ana", "ben", "dee", "eve"), 5))
    assert names(everybody) == ["ana", "ben", "dee"]
    assert everybody.proposals[0].reason.endswith("at capacity (5)")


def test_a_second_senior_is_asked_so_that_the_first_cannot_block():
    owners = Group(name="orders", members=("ben", "dee", "fay"))
    catalog = shop.with_person(shop.shop(groups={"orders": owners}), UnsafeNamedSigner("fay").person())
    assert names(ask(catalog=catalog)) == ["ben", "dee", "fay", "ana"]


def test_who_is_away_is_not_asked_and_who_stands_in_is():
    away = approval("ana", purpose="absence", subject="person:ana")
    lends = approval(
        "ana", purpose="delegation", subject="person:ana", nonce="nonce-lending", details={"delegate": "eve"}
    )
    found = ask(standing=[away, lends])
    assert names(found) == ["ben", "eve", "dee"]
    assert found.proposals[1].reason == "stands in for ana, owner of order-service, manager"


def test_who_has_no_good_key_is_not_asked():
    ana = shop.shop().people["ana"]
    ended = replace(ana, keys=(replace(ana.keys[0], not_after=NOW - timedelta(days=1)),))
    assert "ana" not in names(ask(catalog=shop.with_person(shop.shop(), ended)))


def test_one_principal_is_asked_once():
    catalog = shop.shop()
    for name in ("ana", "ben"):
        catalog = shop.with_person(catalog, replace(catalog.people[name], emails=("one@shop.example",)))
    assert names(ask(catalog=catalog)) == ["ana", "dee", "eve"]


def test_owners_are_looked_for_up_the_reporting_line():
    groups = {
        "orders": Group(name="orders", parent="shop", members=("ben",)),
        "shop": Group(name="shop", members=("eve",)),
    }
    found = ask(catalog=shop.shop(groups=groups))
    assert names(found)[:2] == ["ben", "eve"]
    assert found.proposals[1].reason == "owner of order-service through shop, manager"


def test_code_owners_of_changed_files_are_owners():
    rules = (OwnerRule(pattern="*.py", owners=("@dee-gh",), place=Place(path="CODEOWNERS", line=1)),)
    subject = change()
    git = replace(subject.submission.parts[0], files=(FileChange(path="src/promise.py", status="modified"),))
    subject = replace(subject, submission=replace(subject.submission, parts=(git,)), services=())
    found = ask(catalog=shop.shop(owner_rules=rules), subject=subject)
    assert (names(found)[0], found.proposals[0].reason) == ("dee", "code owner as @dee-gh")


def test_a_catalog_without_enough_people_is_told_so_with_a_remedy():
    found = ask(catalog=shop.shop(people=shop.people(ana=Role.DIRECTOR, cai=Role.ENGINEER)))
    assert [shortage.text for shortage in found.shortages] == [
        "needed: 2 with a key who did not write it; the catalog has 1: ana",
        SENIORS_CAN_BLOCK,
    ]
    assert all(shortage.remedy for shortage in found.shortages)


def test_just_enough_people_are_said_to_be_able_to_block():
    found = ask(catalog=shop.shop(people=shop.people(ana=Role.SENIOR, ben=Role.SENIOR, cai=Role.ENGINEER)))
    assert "each of ana, ben alone can block" in found.shortages[0].text


def test_what_is_needed_follows_tier_provenance_and_reversibility():
    told = shop.description(change(), shop.shop())
    by_hand = replace(told, provenance=Provenance(kind=ProvenanceKind.HUMAN))
    lossy = replace(told, reversibility=Reversibility(kind="irreversible"))
    small = shop.shop(services={"order-service": Service(name="order-service", tier=Tier.TWO)})
    assert need_of(told, shop.SETTINGS) == Need(people=2, seniors=1)
    assert need_of(by_hand, shop.SETTINGS) == Need(people=2, seniors=0)
    assert need_of(lossy, shop.SETTINGS) == Need(people=2, seniors=2)
    assert need_of(shop.description(change(), small), shop.SETTINGS) == Need(people=1, seniors=0)
    assert need_of(told, replace(shop.SETTINGS, one_person=True)) == Need(people=0, seniors=0)


def test_a_change_of_the_rules_needs_two_whatever_it_touches():
    told = shop.description(change(services=()), shop.shop())
    rules = replace(told, blast=replace(told.blast, rules_touched=True))
    assert need_of(rules, shop.SETTINGS).people == 2
