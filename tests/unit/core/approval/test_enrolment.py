"""New keys, first rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.approval.enrolment import enrolment_digest, enrolment_refusals, genesis, new_keys
from interlock.core.change.catalog import Role
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, approval
from interlock.testing.signing import UnsafeNamedSigner

NEW = UnsafeNamedSigner("ben", 1).public_key


def catalog_with(name: str, *keys):
    person = shop.shop().people.get(name, UnsafeNamedSigner(name).person())
    return shop.with_person(shop.shop(), replace(person, keys=keys))


def enrols(by: str, person: str = "ben", line: str = NEW.line, **replaced):
    return approval(
        by,
        purpose="key-enrolment",
        subject=person,
        digest=enrolment_digest(line),
        environment="*",
        nonce=f"nonce-enrol-{by}",
        **replaced,
    )


def refused(new, *statements, authors=(), old=None):
    return enrolment_refusals(
        old or shop.shop(), new, statements, settings=shop.SETTINGS, now=NOW, authors=authors
    )


OLD_KEY = UnsafeNamedSigner("ben").public_key
ADDED = catalog_with("ben", OLD_KEY, NEW)
REPLACED = catalog_with("ben", NEW)


def test_the_same_catalog_has_no_new_keys():
    assert new_keys(shop.shop(), shop.shop()) == ()


@pytest.mark.parametrize("new", [ADDED, REPLACED])
def test_a_key_added_or_replaced_needs_a_signature(new):
    [refusal] = refused(new)
    assert (refusal.key.person, refusal.key.fingerprint) == ("ben", NEW.fingerprint)
    assert "0 of 2 others signed" in refusal.reason
    assert enrolment_digest(NEW.line) in refusal.remedy


@pytest.mark.parametrize("new", [ADDED, REPLACED])
def test_the_old_key_is_enough_even_of_the_author(new):
    assert refused(new, enrols("ben"), authors=["ben"]) == ()


def test_two_others_are_enough():
    assert refused(ADDED, enrols("ana"), enrols("dee")) == ()


def test_two_others_who_are_one_principal_are_one():
    old, new = shop.shop(), ADDED
    for name in ("ana", "dee"):
        old = shop.with_person(old, replace(old.people[name], emails=("one@shop.example",)))
    assert len(refused(new, enrols("ana"), enrols("dee"), old=old)) == 1


def test_who_is_one_principal_with_the_person_is_no_other():
    old = shop.shop()
    for name in ("ben", "dee"):
        old = shop.with_person(old, replace(old.people[name], emails=("one@shop.example",)))
    assert len(refused(ADDED, enrols("ana"), enrols("dee"), old=old)) == 1


@pytest.mark.parametrize(
    ("statements", "authors"),
    [
        ([enrols("ana")], ()),
        ([enrols("ana"), enrols("ana", expires_at=NOW + timedelta(hours=2))], ()),
        ([enrols("ana"), enrols("dee")], ["dee"]),
        ([enrols("ana"), enrols("dee", person="eve")], ()),
        ([enrols("ana"), enrols("dee", line=UnsafeNamedSigner("ben", 2).public_key.line)], ()),
        ([enrols("ana"), enrols("dee", expires_at=NOW)], ()),
        ([enrols("ana"), replace(enrols("dee"), revoked_at=NOW)], ()),
        ([enrols("ana"), replace(enrols("dee"), used_by="act-1")], ()),
        ([enrols("ana"), replace(enrols("dee"), signature=enrols("ana").signature)], ()),
        ([enrols("ana"), approval("dee", subject="ben", digest=enrolment_digest(NEW.line))], ()),
    ],
)
def test_less_than_two_others_who_did_not_write_it_are_not(statements, authors):
    assert len(refused(ADDED, *statements, authors=authors)) == 1


def test_the_new_key_cannot_enrol_itself():
    said = enrols("ben").statement
    own = replace(enrols("ben"), signature=UnsafeNamedSigner("ben", 1).sign(said), fingerprint=NEW.fingerprint)
    assert len(refused(ADDED, own)) == 1


def test_a_revoked_old_key_enrols_nothing():
    old = catalog_with("ben", replace(OLD_KEY, revoked=True))
    assert len(refused(ADDED, enrols("ben"), old=old)) >= 1


def test_a_key_that_counts_again_or_longer_is_a_new_key():
    ended = replace(OLD_KEY, not_after=NOW)
    assert len(new_keys(catalog_with("ben", ended), shop.shop())) == 1
    assert len(new_keys(catalog_with("ben", replace(OLD_KEY, revoked=True)), shop.shop())) == 1
    assert len(new_keys(catalog_with("ben", replace(OLD_KEY, not_before=NOW)), shop.shop())) == 1
    assert new_keys(shop.shop(), catalog_with("ben", ended)) == ()


def test_the_key_of_a_new_person_needs_two_others():
    new = shop.with_person(shop.shop(), UnsafeNamedSigner("fay").person())
    line = UnsafeNamedSigner("fay").public_key.line
    assert len(refused(new)) == 1
    assert refused(new, enrols("ana", "fay", line), enrols("ben", "fay", line)) == ()


def test_a_renamed_comment_is_no_new_key():
    assert new_keys(shop.shop(), catalog_with("ben", replace(OLD_KEY, line=OLD_KEY.line + "-laptop"))) == ()


def first(by: str, **replaced):
    return approval(by, purpose="genesis", subject="genesis", nonce=f"nonce-genesis-{by}", **replaced)


DIGEST = shop.statement("ana").digest


def begun(*statements, catalog=None, settings=shop.SETTINGS):
    return genesis(statements, digest=DIGEST, catalog=catalog or shop.shop(), settings=settings, now=NOW)


def test_the_first_rules_take_two_people():
    assert not begun(first("ana")).complete
    assert begun(first("ana"), first("ben")).complete
    assert begun(first("ana"), first("ben")).people == ("ana", "ben")


def test_two_entries_of_one_principal_are_one():
    catalog = shop.shop()
    for name in ("ana", "ben"):
        catalog = shop.with_person(catalog, replace(catalog.people[name], emails=("one@shop.example",)))
    assert not begun(first("ana"), first("ben"), catalog=catalog).complete


def test_signatures_about_other_rules_or_another_purpose_do_not_count():
    others = first("ben", digest="sha256:" + "0" * 64)
    assert not begun(first("ana"), others, approval("ben")).complete


def test_one_person_mode_is_explicit():
    alone = replace(shop.SETTINGS, one_person=True)
    found = begun(first("ana"), settings=alone, catalog=shop.shop(people=shop.people(ana=Role.ENGINEER)))
    assert (found.complete, found.one_person) == (True, True)
    assert not begun(settings=alone).complete
