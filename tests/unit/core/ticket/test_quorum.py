"""A server whose signature is right, and whose quorum is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Role
from interlock.core.ticket.pins import PinnedEnvironment, PinnedKey, Quorum

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
TOUCHED = 0x01


def test_no_approvals(world: Any) -> None:
    assert {"quorum-approvals", "quorum-seniors"} == world.codes(world.sealed(world.ticket(approvals=())))


def test_one_approval_too_few(world: Any) -> None:
    assert {"quorum-approvals"} == world.codes(world.sealed(world.ticket(world.approval("ana"))))


def test_no_senior(world: Any, make: dict[str, Any]) -> None:
    world.people["fay"] = (Role.ENGINEER, make["Signer"](make["secret"](15), 0x05))
    ticket = world.ticket(world.approval("ben"), world.approval("fay"))
    assert {"quorum-seniors"} == world.codes(world.sealed(ticket))


def test_the_author_s_own_approval(world: Any) -> None:
    assert {"approval-bad", "quorum-approvals", "quorum-seniors"} == world.codes(
        world.sealed(world.ticket(authors=("ana",)))
    )


@pytest.mark.parametrize(("author", "approver"), [("ana", "dan"), ("dan", "ana")])
def test_the_author_s_second_entry_in_the_catalog_is_the_author(world: Any, author: str, approver: str) -> None:
    pins = world.pins()
    people = {name: replace(one, principal="ana") if name == "dan" else one for name, one in pins.people.items()}
    ticket = world.ticket(world.approval(approver), world.approval("ben"), authors=(author,))
    assert "approval-bad" in world.codes(world.sealed(ticket), pins=replace(pins, people=people))


def test_the_same_person_twice(world: Any) -> None:
    twice = (world.approval("ana"), world.approval("ana", nonce="another-nonce-of-ana"))
    assert {"quorum-approvals"} == world.codes(world.sealed(world.ticket(*twice)))


def test_two_entries_of_one_principal_count_once(world: Any) -> None:
    pins = world.pins()
    people = {name: replace(one, principal="ana") if name == "dan" else one for name, one in pins.people.items()}
    ticket = world.ticket(world.approval("ana"), world.approval("dan"))
    assert {"quorum-approvals"} == world.codes(world.sealed(ticket), pins=replace(pins, people=people))


def test_an_approval_for_somebody_and_by_that_somebody_count_once(world: Any) -> None:
    ticket = world.ticket(world.approval("ana"), world.approval("ben", on_behalf_of="ana"))
    assert {"quorum-approvals"} == world.codes(world.sealed(ticket))


def test_an_approval_on_behalf_of_the_author_is_the_author_s(world: Any) -> None:
    ticket = world.ticket(world.approval("ana"), world.approval("ben", on_behalf_of="eve"))
    assert "approval-bad" in world.codes(world.sealed(ticket))


def test_an_engineer_for_a_senior_is_no_senior(world: Any) -> None:
    ticket = world.ticket(world.approval("ben", on_behalf_of="ana"), world.approval("cleo"))
    pins = world.pins(environments={"production": PinnedEnvironment(quorum=Quorum(approvals=2, seniors=1))})
    assert {"quorum-seniors"} == world.codes(world.sealed(ticket), pins=pins)


def test_a_key_that_is_not_pinned(world: Any, make: dict[str, Any]) -> None:
    other = make["Signer"](make["secret"](99), 0x05)
    ticket = world.ticket(world.approval("ana", signer=other), world.approval("ben"))
    assert {"approval-bad", "quorum-approvals", "quorum-seniors"} == world.codes(world.sealed(ticket))


def test_a_colleague_s_key(world: Any) -> None:
    ticket = world.ticket(world.approval("ana", signer=world.people["dan"][1]), world.approval("ben"))
    assert "approval-bad" in world.codes(world.sealed(ticket))


def test_a_software_key_where_presence_is_pinned(world: Any) -> None:
    ticket = world.ticket(world.approval("ana"), world.approval("cleo"))
    assert {"quorum-approvals"} == world.codes(world.sealed(ticket))


def test_a_touch_without_a_pin_where_verification_is_pinned(world: Any, make: dict[str, Any]) -> None:
    world.people["ben"] = (Role.ENGINEER, make["Signer"](make["secret"](12), TOUCHED))
    assert {"quorum-approvals"} == world.codes(world.sealed())


def test_software_keys_count_where_they_are_pinned_to(world: Any) -> None:
    pins = world.pins(environments={"production": PinnedEnvironment(quorum=Quorum(approvals=2, seniors=1))})
    ticket = world.ticket(world.approval("ana"), world.approval("cleo"))
    assert set() == world.codes(world.sealed(ticket), pins=pins)


@pytest.mark.parametrize(
    "said",
    [
        {"digest": sha256(b"an older digest")},
        {"environment": "staging"},
        {"subject": "chg-0"},
        {"purpose": "absence"},
        {"purpose": "delegation"},
        {"purpose": "break-glass"},
        {"issued_at": NOW + timedelta(minutes=3)},
        {"on_behalf_of": "nobody"},
    ],
    ids=str,
)
def test_an_approval_of_something_else(world: Any, said: dict[str, object]) -> None:
    ticket = world.ticket(world.approval("ana", **said), world.approval("ben"))
    assert "approval-bad" in world.codes(world.sealed(ticket))


def test_an_approval_that_ended_before_the_ticket(world: Any) -> None:
    honest = world.ticket()
    late = world.approval("ana", expires_at=NOW + timedelta(minutes=1))
    assert "approval-bad" in world.codes(world.sealed(replace(honest, approvals=(late, honest.approvals[1]))))


@pytest.mark.parametrize(
    "edited",
    [{"revoked_at": NOW}, {"signature": "no signature"}, {"signature": ""}],
    ids=str,
)
def test_an_approval_that_was_taken_back_or_is_unsigned(world: Any, edited: dict[str, object]) -> None:
    ticket = world.ticket(replace(world.approval("ana"), **edited), world.approval("ben"))
    assert "approval-bad" in world.codes(world.sealed(ticket))


def test_an_approval_edited_after_signing(world: Any) -> None:
    signed = world.approval("ana", answers={"breaks": "nothing"})
    edited = replace(signed, statement=replace(signed.statement, answers={"breaks": "everything"}))
    assert "approval-bad" in world.codes(world.sealed(world.ticket(edited, world.approval("ben"))))


def test_a_signature_made_for_another_purpose(world: Any) -> None:
    signed = world.approval("ana")
    for_git = world.people["ana"][1].sign(signed.statement.to_bytes(), "git")
    ticket = world.ticket(replace(signed, signature=for_git), world.approval("ben"))
    assert "approval-bad" in world.codes(world.sealed(ticket))


@pytest.mark.parametrize(
    ("times", "good"),
    [
        ({"not_after": NOW - timedelta(hours=2)}, False),
        ({"not_after": NOW}, False),  # good when it signed, not any more when the ticket was issued
        ({"not_after": NOW + timedelta(milliseconds=1)}, True),
        ({"not_before": NOW - timedelta(minutes=30)}, False),  # not yet good when it signed
        ({"not_before": NOW - timedelta(hours=1)}, True),
    ],
    ids=str,
)
def test_a_key_counts_only_in_its_time(world: Any, times: dict[str, datetime], *, good: bool) -> None:
    pins = world.pins()
    ana = pins.people["ana"]
    key = PinnedKey(fingerprint=ana.keys[0].fingerprint, **times)
    timed = replace(pins, people={**pins.people, "ana": replace(ana, keys=(key,))})
    assert ("approval-bad" not in world.codes(world.sealed(), pins=timed)) is good


def test_breaking_the_glass_counts_only_where_pinned_and_for_an_hour(world: Any) -> None:
    hour = {"issued_at": NOW - timedelta(minutes=30), "expires_at": NOW + timedelta(minutes=30)}
    day = {"issued_at": NOW - timedelta(minutes=30), "expires_at": NOW + timedelta(hours=3)}
    quorum = Quorum(approvals=2)
    open_to_it = world.pins(environments={"production": PinnedEnvironment(quorum=quorum, break_glass=True)})

    def ticket(when: dict[str, object]) -> bytes:
        both = [world.approval(name, purpose="break-glass", **when) for name in ("ana", "ben")]
        return world.sealed(world.ticket(*both, break_glass=True))

    assert set() == world.codes(ticket(hour), pins=open_to_it)
    assert "approval-bad" in world.codes(ticket(day), pins=open_to_it)
    assert "approval-bad" in world.codes(ticket(hour))


@pytest.mark.parametrize("purpose", ["delegation", "absence", "key-enrolment", "genesis"])
def test_other_statements_are_no_approvals_even_where_glass_may_be_broken(world: Any, purpose: str) -> None:
    place = PinnedEnvironment(quorum=Quorum(approvals=2), break_glass=True)
    hour = {"issued_at": NOW - timedelta(minutes=30), "expires_at": NOW + timedelta(minutes=30)}
    both = [world.approval(name, purpose=purpose, **hour) for name in ("ana", "ben")]
    pins = world.pins(environments={"production": place})
    assert "approval-bad" in world.codes(world.sealed(world.ticket(*both)), pins=pins)


def test_an_exception_counts_only_from_a_rule_the_pins_name(world: Any) -> None:
    place = PinnedEnvironment(quorum=Quorum(approvals=2), exceptions=("tier1-two-approvals",))
    pins = world.pins(environments={"production": place})

    def ticket(rule: str) -> bytes:
        said = {"purpose": "exception", "details": {"rule": rule, "reason": "the old version loses orders"}}
        return world.sealed(world.ticket(*(world.approval(name, **said) for name in ("ana", "ben"))))

    assert set() == world.codes(ticket("tier1-two-approvals"), pins=pins)
    assert {"quorum-approvals"} == world.codes(ticket("risk-questions"), pins=pins)
    assert {"quorum-approvals", "quorum-seniors"} == world.codes(ticket("tier1-two-approvals"))


def test_an_exception_beside_two_approvals_takes_nothing_away(world: Any) -> None:
    said = {"purpose": "exception", "details": {"rule": "risk-questions", "reason": "x"}}
    with_it = world.ticket(world.approval("ana", **said), world.approval("ana"), world.approval("ben"))
    assert set() == world.codes(world.sealed(with_it))


def test_leaving_the_services_out_does_not_lower_the_quorum(world: Any) -> None:
    ticket = world.ticket(approvals=(), services=())
    assert {"quorum-approvals", "quorum-seniors"} == world.codes(world.sealed(ticket), service=None)


def test_naming_another_service_lowers_it_only_for_who_named_that_one(world: Any) -> None:
    """A lying server says that only the documentation is touched."""
    docs = world.sealed(world.ticket(approvals=(), services=("docs",)))
    assert {"quorum-approvals", "quorum-seniors"} == world.codes(docs, service=None)
    assert {"other-service"} == world.codes(docs, service="order-service")
    assert set() == world.codes(docs, service="docs")


def test_one_person_mode_must_be_pinned(world: Any) -> None:
    alone = world.ticket(world.approval("ana"), authors=("ana",), one_person=True)
    one = Quorum(approvals=1)
    pins = world.pins(environments={"production": PinnedEnvironment(quorum=one)})
    assert {"one-person"} == world.codes(world.sealed(alone), pins=pins)
    assert set() == world.codes(world.sealed(alone), pins=replace(pins, one_person=True))


def test_a_forged_one_person_flag_is_refused(world: Any) -> None:
    forged = world.ticket(world.approval("ana"), world.approval("ben"), authors=("ana",), one_person=True)
    assert {"one-person"} == world.codes(world.sealed(forged))
