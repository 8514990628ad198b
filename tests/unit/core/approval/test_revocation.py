"""Who may take a statement back, and what is over: decided without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.approval.actor import Actor, ActorKind, Scope
from interlock.core.approval.enrolment import enrolment_digest
from interlock.core.approval.model import SignedStatement
from interlock.core.approval.principals import principals_of
from interlock.core.approval.revocation import (
    Right,
    check_open,
    check_why,
    right_of,
    standing_of,
    taken_back_text,
)
from interlock.core.change.catalog import Role
from interlock.core.change.errors import Forbidden, IllegalTransition, InvalidInput
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, approval
from interlock.testing.signing import UnsafeNamedSigner


def actor(principal: str, *more: Scope, kind: ActorKind = "person") -> Actor:
    return Actor(principal=principal, kind=kind, scopes=frozenset({Scope.APPROVE, *more}))


def right(who: Actor, signed: SignedStatement) -> Right:
    return right_of(who, signed, principals_of(shop.shop()))


@pytest.mark.parametrize("spelling", ["ana", "person:ana", "ana-gh", "ana@shop.example", "local:ana@shop.example"])
def test_whoever_signed_may_by_any_name_the_catalog_knows(spelling: str) -> None:
    assert right(actor(spelling), approval("ana")) == "approver"


def test_whose_voice_was_lent_may() -> None:
    lent = shop.signed(shop.statement("dee", on_behalf_of="ana"))
    assert right(actor("ana"), lent) == "lender"
    assert right(actor("dee"), lent) == "approver"


@pytest.mark.parametrize("purpose", ["approve", "exception", "break-glass", "delegation", "key-enrolment"])
def test_an_administrator_may_with_a_reason(purpose: str) -> None:
    made = approval("ana")
    signed = replace(made, statement=replace(made.statement, purpose=purpose))  # type: ignore[arg-type]  # a Purpose
    assert right(actor("eve", Scope.ADMIN), signed) == "administrator"
    check_why("administrator", signed, "her key was stolen")
    with pytest.raises(InvalidInput) as refused:
        check_why("administrator", signed, "")
    assert refused.value.code == "reason-missing"


def test_whoever_gave_a_word_may_take_it_back_without_one() -> None:
    check_why("approver", approval("ana"), "")
    check_why("lender", approval("ana"), "")
    with pytest.raises(InvalidInput) as refused:
        check_why("approver", approval("ana"), "\x1b[2J")
    assert refused.value.code == "reason-text"


def test_nobody_else_says_that_an_absent_person_is_there_again() -> None:
    made = approval("ana")
    absence = replace(made, statement=replace(made.statement, purpose="absence"))
    with pytest.raises(Forbidden) as refused:
        right(actor("eve", Scope.ADMIN), absence)
    assert refused.value.code == "statement-not-yours"
    assert right(actor("ana"), absence) == "approver"


@pytest.mark.parametrize("name", ["ben", "cai", "eve", "stranger", "", "ana\u0430", "\u0430na"])
def test_others_may_not_whatever_their_rank(name: str) -> None:
    with pytest.raises(Forbidden) as refused:
        right(actor(name), approval("ana"))
    assert refused.value.code == "statement-not-yours"


@pytest.mark.parametrize(
    "name", ["codey", "codey-bot[bot]", "agent:codey", "local:codey", "agent:cai", "pipeline:cai"]
)
def test_no_token_that_names_a_machine_may_although_its_sponsor_signed(name: str) -> None:
    """An agent is one principal with its sponsor where that adds an author, never where it would act for them."""
    for scopes in ((), (Scope.ADMIN,)):
        with pytest.raises(Forbidden) as refused:
            right(actor(name, *scopes), approval("cai"))
        assert refused.value.code == "revocation-by-machine"


@pytest.mark.parametrize(("kind", "code"), [("agent", "agent-never"), ("pipeline", "revocation-by-machine")])
def test_no_machines_token_may_under_a_persons_name(kind: ActorKind, code: str) -> None:
    with pytest.raises(Forbidden) as refused:
        right(actor("ana", Scope.ADMIN, kind=kind), approval("ana"))
    assert refused.value.code == code


def test_a_token_without_the_scope_may_not() -> None:
    with pytest.raises(Forbidden) as refused:
        right(Actor(principal="ana", kind="person", scopes=frozenset({Scope.READ})), approval("ana"))
    assert refused.value.code == "scope-missing"


def test_who_is_one_principal_with_the_approver_may() -> None:
    """Two entries that share an address are one person."""
    double = replace(UnsafeNamedSigner("ana2").person(Role.ENGINEER), emails=("ana@shop.example",))
    known = principals_of(shop.with_person(shop.shop(), double))
    assert right_of(actor("ana2"), approval("ana"), known) == "approver"


def test_a_name_of_two_people_is_nobodys() -> None:
    double = replace(UnsafeNamedSigner("ana2").person(Role.ENGINEER), emails=("ana@shop.example",))
    known = principals_of(shop.with_person(shop.shop(), double))
    with pytest.raises(Forbidden):
        right_of(actor("ana@shop.example"), approval("ana"), known)


def test_what_is_in_force_is_open_until_the_moment_it_expires() -> None:
    signed = approval("ana")
    ends = signed.statement.expires_at
    check_open(signed, shop.shop(), ends - timedelta(microseconds=1))
    with pytest.raises(IllegalTransition) as refused:
        check_open(signed, shop.shop(), ends)
    assert refused.value.code == "statement-over"


def test_what_was_taken_back_is_so_for_good() -> None:
    signed = approval("ana").taken_back(now=NOW, by="eve", why="a stolen key")
    with pytest.raises(IllegalTransition) as refused:
        check_open(signed, shop.shop(), NOW)
    assert refused.value.code == "statement-taken-back"
    assert "`eve` took back on 2026-03-05 14:00 UTC" in refused.value.message


@pytest.mark.parametrize(("listed", "code"), [(True, "statement-settled"), (False, None)])
def test_a_key_that_is_in_force_is_not_unenrolled(listed: bool, code: str | None) -> None:  # noqa: FBT001  # a case
    line = UnsafeNamedSigner("ben", 0 if listed else 1).public_key.line
    made = approval("ana")
    said = replace(made.statement, purpose="key-enrolment", subject="ben", digest=enrolment_digest(line))
    signed = replace(made, statement=said)
    if code is None:
        check_open(signed, shop.shop(), NOW)
        return
    with pytest.raises(IllegalTransition) as refused:
        check_open(signed, shop.shop(), NOW)
    assert refused.value.code == code


def test_each_step_of_a_statement_moves_its_version_and_keeps_what_it_knew() -> None:
    signed = approval("ana")
    used = signed.spent_on("tkt-1")
    back = used.taken_back(now=NOW, by="ana", why="wrong metric")
    free = back.given_back()
    assert [one.version for one in (signed, used, back, free)] == [1, 2, 3, 4]
    assert (back.used_by, free.used_by, free.revoked_at, free.revoked_by) == ("tkt-1", None, NOW, "ana")
    assert taken_back_text(free) == "taken back by `ana` on 2026-03-05 14:00 UTC: wrong metric"


@pytest.mark.parametrize(
    ("revoked", "redeemed", "late", "standing"),
    [
        (False, False, False, "in-force"),
        (False, False, True, "expired"),
        (False, True, True, "used"),
        (True, True, True, "taken-back"),
    ],
)
def test_how_a_statement_stands(revoked: bool, redeemed: bool, late: bool, standing: str) -> None:  # noqa: FBT001  # cases
    signed = approval("ana")
    given = signed.taken_back(now=NOW, by="ana", why="") if revoked else signed
    now = signed.statement.expires_at if late else NOW
    assert standing_of(given, redeemed=redeemed, now=now) == standing
