"""Standing in for somebody: what a delegation lends, and when it lends nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.approval.delegation import absent
from interlock.core.approval.principals import Principals
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, approval, change, count
from interlock.testing.signing import UnsafeNamedSigner


def delegation(delegator: str = "ana", delegate: str = "dee", *, until=NOW + timedelta(days=7), **details: str):
    return approval(
        delegator,
        purpose="delegation",
        subject="person:" + delegator,
        environment=details.pop("environment", "*"),
        nonce=f"nonce-{delegator}-to-{delegate}",
        expires_at=until,
        details={"delegate": delegate, **details},
    )


def stand_in(delegate: str = "dee", delegator: str = "ana", **replaced):
    return approval(delegate, on_behalf_of=delegator, nonce=f"nonce-{delegate}-for-{delegator}", **replaced)


def reasons(result) -> list[str]:
    return [item.reason for item in result.rejected]


def test_a_delegate_counts_as_themself_with_the_rank_they_were_lent():
    result = count(stand_in(), standing=[delegation()])
    [counted] = result.counted
    assert (counted.person, counted.role, counted.on_behalf_of) == ("dee", "director", "ana")


def test_a_higher_rank_of_ones_own_is_kept():
    [counted] = count(stand_in("ana", "dee"), standing=[delegation("dee", "ana")]).counted
    assert counted.role == "director"


def test_who_stands_in_and_approves_in_person_too_is_one_person():
    result = count(stand_in(), approval("dee"), standing=[delegation()])
    assert [item.person for item in result.counted] == ["dee"]
    assert reasons(result) == ["second approval by the same person: `dee` counts once"]


def test_what_is_lent_is_used_once():
    result = count(stand_in("dee"), stand_in("eve"), standing=[delegation(), delegation("ana", "eve")])
    assert [(item.person, item.role, item.on_behalf_of) for item in result.counted] == [
        ("dee", "director", "ana"),
        ("eve", "manager", None),
    ]


def test_who_approved_in_person_lends_nothing_any_more():
    result = count(stand_in(), approval("ana"), standing=[delegation()])
    assert [(item.person, item.role) for item in result.counted] == [("ana", "director"), ("dee", "engineer")]


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        ([], "not delegated by `ana`: no delegation is on record"),
        ([delegation("ana", "eve")], "not delegated by `ana`: no delegation is on record"),
        ([delegation("ben", "dee")], "not delegated by `ana`: no delegation is on record"),
        (
            [delegation("ana", "eve"), delegation("eve", "dee")],
            "not delegated by `ana`: it was passed on, and a delegation cannot be",
        ),
        ([delegation(until=NOW)], "the delegation by `ana` expired on 2026-03-05 14:00 UTC"),
        ([delegation(starts="2026-03-05T14:00:00.001Z")], "the delegation by `ana` has not begun"),
        ([delegation(starts="soon")], "the delegation by `ana` has not begun"),
        ([delegation(starts="2026-03-05T10:00:00")], "the delegation by `ana` has not begun"),
        ([delegation(environment="staging")], "the delegation by `ana` is for environment staging"),
        ([delegation(services="cart, payments")], "the delegation by `ana` does not cover order-service"),
        ([replace(delegation(), revoked_at=NOW)], "the delegation by `ana` was taken back"),
    ],
)
def test_a_delegation_that_does_not_reach_so_far_lends_nothing(standing, reason):
    result = count(stand_in(), standing=standing)
    assert (result.counted, reasons(result)) == ((), [reason])


@pytest.mark.parametrize(
    "reaching",
    [
        delegation(environment="production"),
        delegation(services="cart,order-service"),
        delegation(services="*"),
        delegation(starts="2026-03-05T14:00:00Z"),
        delegation(starts="2026-03-05T15:00:00+01:00"),
    ],
)
def test_a_delegation_that_just_reaches_is_enough(reaching):
    assert count(stand_in(), standing=[reaching]).counted[0].on_behalf_of == "ana"


def test_one_good_delegation_among_bad_ones_is_enough():
    assert count(stand_in(), standing=[delegation(until=NOW), delegation()]).counted


def test_an_author_can_lend_nothing():
    result = count(stand_in("dee", "cai"), standing=[delegation("cai", "dee")])
    assert reasons(result) == ["on behalf of an author: `cai` cannot lend what they do not have"]


def test_an_author_cannot_borrow():
    result = count(stand_in("cai", "ana"), standing=[delegation("ana", "cai")])
    assert reasons(result)[0].startswith("by an author: `cai`")


def test_a_delegation_whose_signature_was_made_by_another_lends_nothing():
    forged = replace(delegation(), signature=delegation("ben").signature)
    assert reasons(count(stand_in(), standing=[forged]))[0].startswith("the delegation by `ana` does not verify")


def test_a_delegation_for_longer_than_the_longest_lends_nothing_however_it_came_on_record():
    said = replace(delegation().statement, expires_at=NOW + timedelta(days=365))
    kept = replace(delegation(), statement=said, signature=UnsafeNamedSigner("ana").sign(said))
    assert reasons(count(stand_in(), standing=[kept])) == ["the delegation by `ana` is for longer than 90 days"]


def test_a_delegation_by_a_revoked_key_lends_nothing():
    ana = shop.shop().people["ana"]
    revoked = replace(ana, keys=(replace(ana.keys[0], revoked=True),))
    result = count(stand_in(), standing=[delegation()], catalog=shop.with_person(shop.shop(), revoked))
    assert "the key is revoked" in reasons(result)[0]


def test_a_delegation_from_somebody_unknown_lends_nothing():
    assert reasons(count(stand_in("dee", "mallory"))) == ["`mallory` is no person of the catalog"]


def test_one_principal_cannot_stand_in_for_itself():
    catalog = shop.shop()
    for name in ("ana", "dee"):
        catalog = shop.with_person(catalog, replace(catalog.people[name], emails=("one@shop.example",)))
    result = count(stand_in(), standing=[delegation()], catalog=catalog, of=change(sponsor="eve", agent=None))
    assert reasons(result) == ["`dee` cannot stand in for themself"]


def test_an_absence_holds_in_its_window_and_only_when_it_is_signed():
    away = approval("ana", purpose="absence", subject="person:ana", details={"starts": "2026-03-05T14:00:00Z"})
    principals = Principals(shop.shop())
    assert absent([away], NOW, principals) == {"ana"}
    assert absent([away], NOW - timedelta(seconds=1), principals) == frozenset()
    assert absent([away], away.statement.expires_at, principals) == frozenset()
    assert absent([replace(away, revoked_at=NOW)], NOW, principals) == frozenset()
    moved = replace(away, statement=replace(away.statement, approver="ben"))
    assert absent([moved], NOW, principals) == frozenset()
