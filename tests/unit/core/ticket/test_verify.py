"""A ticket is attacked from every side; only the untouched one passes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.catalog import Role
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.policy.decision import Outcome, Reason
from interlock.core.ticket.issue import issued_entry, seal
from interlock.core.ticket.pins import PinnedEnvironment, PinnedKey, PinnedPerson, Quorum
from interlock.core.ticket.verify import Expected, Refused, Verified, verify

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
ARTEFACT = sha256(b"the image")
TOUCHED = 0x01


UNMET = Reason(
    id="tier1-two-approvals",
    text="two people",
    remedy="ask them",
    layer="base",
    mode="enforce",
    outcome=Outcome.NEEDS,
    facts={},
)


def _expected(world: Any, **changed: object) -> Expected:
    whole = Expected(
        change=world.change.id,
        digest=world.change.digest,
        environment="production",
        artefact=ARTEFACT,
        service="order-service",
        weight=5.0,
    )
    return replace(whole, **changed)


def _codes(world: Any, content: bytes, *, pins: Any = None, now: datetime = NOW, **expected: object) -> set[str]:
    """The codes of all reasons; an unreadable file is refused with its own code."""
    try:
        found = verify(content, pins=pins or world.pins(), now=now, expected=_expected(world, **expected))
    except InvalidInput as error:
        return {error.code}
    return {one.code for one in found.reasons} if isinstance(found, Refused) else set()


def test_an_honest_ticket_holds_and_names_who_said_yes(world: Any) -> None:
    found = verify(world.sealed(), pins=world.pins(), now=NOW, expected=_expected(world))
    assert isinstance(found, Verified)
    assert [(one.person, one.role, one.presence) for one in found.voices] == [
        ("ana", Role.SENIOR, "verified"),
        ("ben", Role.ENGINEER, "verified"),
    ]
    assert found.unchecked == ()
    assert not found.other_rules


def test_what_was_not_compared_is_said(world: Any) -> None:
    found = verify(world.sealed(), pins=world.pins(), now=NOW, expected=Expected(digest=world.change.digest))
    assert isinstance(found, Verified)
    assert found.unchecked == ("change", "environment", "artefact", "service", "weight")


@pytest.mark.parametrize(
    ("what", "offered", "code"),
    [
        ("digest", sha256(b"another change"), "other-digest"),
        ("environment", "staging", "other-environment"),
        ("artefact", sha256(b"another image"), "other-artefact"),
        ("change", "chg-2", "other-change"),
        ("service", "payment", "other-service"),
        ("weight", 5.1, "other-weight"),
        ("weight", 100.0, "other-weight"),
        ("weight", -1.0, "other-weight"),
        ("weight", float("nan"), "other-weight"),
    ],
)
def test_a_ticket_used_for_something_else_is_refused(world: Any, what: str, offered: object, code: str) -> None:
    assert {code} == _codes(world, world.sealed(), **{what: offered})


def test_a_weight_at_the_limit_is_permitted(world: Any) -> None:
    assert set() == _codes(world, world.sealed(), weight=5.0)
    assert set() == _codes(world, world.sealed(), weight=0.5)


@pytest.mark.parametrize(
    ("moment", "codes"),
    [
        (NOW - timedelta(seconds=30), set()),
        (NOW - timedelta(seconds=31), {"ticket-not-yet"}),
        (NOW + timedelta(minutes=15, seconds=29), set()),
        (NOW + timedelta(minutes=15, seconds=30), {"ticket-expired"}),
        (NOW + timedelta(days=365), {"ticket-expired"}),
    ],
)
def test_its_time_is_kept_to_with_half_a_minute_of_skew(world: Any, moment: datetime, codes: set[str]) -> None:
    assert codes == _codes(world, world.sealed(), now=moment)


def test_a_server_cannot_make_it_live_longer(world: Any) -> None:
    longer = world.ticket(expires_at=NOW + timedelta(minutes=16))
    longer = replace(longer, decision=replace(longer.decision, expires=NOW + timedelta(hours=1)))
    assert {"ticket-life"} == _codes(world, world.sealed(longer))


def test_all_reasons_are_told_at_once(world: Any) -> None:
    codes = _codes(world, world.sealed(), now=NOW + timedelta(days=1), digest=sha256(b"x"), weight=50.0)
    assert {"ticket-expired", "other-digest", "other-weight"} == codes


# A server whose signature is right, and whose quorum is not.


def test_no_approvals(world: Any) -> None:
    assert {"quorum-approvals", "quorum-seniors"} == _codes(world, world.sealed(world.ticket(approvals=())))


def test_one_approval_too_few(world: Any) -> None:
    assert {"quorum-approvals"} == _codes(world, world.sealed(world.ticket(world.approval("ana"))))


def test_no_senior(world: Any, make: dict[str, Any]) -> None:
    world.people["fay"] = (Role.ENGINEER, make["Signer"](make["secret"](15), 0x05))
    ticket = world.ticket(world.approval("ben"), world.approval("fay"))
    assert {"quorum-seniors"} == _codes(world, world.sealed(ticket))


def test_the_author_s_own_approval(world: Any) -> None:
    assert {"approval-bad", "quorum-approvals", "quorum-seniors"} == _codes(
        world, world.sealed(world.ticket(authors=("ana",)))
    )


def test_the_author_s_second_entry_in_the_catalog_is_the_author(world: Any) -> None:
    pins = world.pins()
    people = {name: replace(one, principal="ana") if name == "dan" else one for name, one in pins.people.items()}
    ticket = world.ticket(world.approval("dan"), world.approval("ben"), authors=("ana",))
    assert "approval-bad" in _codes(world, world.sealed(ticket), pins=replace(pins, people=people))


def test_the_same_person_twice(world: Any) -> None:
    twice = (world.approval("ana"), world.approval("ana", nonce="another-nonce-of-ana"))
    assert {"quorum-approvals"} == _codes(world, world.sealed(world.ticket(*twice)))


def test_two_entries_of_one_principal_count_once(world: Any) -> None:
    pins = world.pins()
    people = {name: replace(one, principal="ana") if name == "dan" else one for name, one in pins.people.items()}
    ticket = world.ticket(world.approval("ana"), world.approval("dan"))
    assert {"quorum-approvals"} == _codes(world, world.sealed(ticket), pins=replace(pins, people=people))


def test_an_approval_for_somebody_and_by_that_somebody_count_once(world: Any) -> None:
    ticket = world.ticket(world.approval("ana"), world.approval("ben", on_behalf_of="ana"))
    assert {"quorum-approvals"} == _codes(world, world.sealed(ticket))


def test_an_approval_on_behalf_of_the_author_is_the_author_s(world: Any) -> None:
    ticket = world.ticket(world.approval("ana"), world.approval("ben", on_behalf_of="eve"))
    assert "approval-bad" in _codes(world, world.sealed(ticket))


def test_an_engineer_for_a_senior_is_no_senior(world: Any) -> None:
    ticket = world.ticket(world.approval("ben", on_behalf_of="ana"), world.approval("cleo"))
    pins = world.pins(environments={"production": PinnedEnvironment(quorum=Quorum(approvals=2, seniors=1))})
    assert {"quorum-seniors"} == _codes(world, world.sealed(ticket), pins=pins)


def test_a_key_that_is_not_pinned(world: Any, make: dict[str, Any]) -> None:
    other = make["Signer"](make["secret"](99), 0x05)
    ticket = world.ticket(world.approval("ana", signer=other), world.approval("ben"))
    assert {"approval-bad", "quorum-approvals", "quorum-seniors"} == _codes(world, world.sealed(ticket))


def test_a_colleague_s_key(world: Any) -> None:
    ticket = world.ticket(world.approval("ana", signer=world.people["dan"][1]), world.approval("ben"))
    assert "approval-bad" in _codes(world, world.sealed(ticket))


def test_a_software_key_where_presence_is_pinned(world: Any) -> None:
    ticket = world.ticket(world.approval("ana"), world.approval("cleo"))
    assert {"quorum-approvals"} == _codes(world, world.sealed(ticket))


def test_a_touch_without_a_pin_where_verification_is_pinned(world: Any, make: dict[str, Any]) -> None:
    world.people["ben"] = (Role.ENGINEER, make["Signer"](make["secret"](12), TOUCHED))
    assert {"quorum-approvals"} == _codes(world, world.sealed())


def test_software_keys_count_where_they_are_pinned_to(world: Any) -> None:
    pins = world.pins(environments={"production": PinnedEnvironment(quorum=Quorum(approvals=2, seniors=1))})
    ticket = world.ticket(world.approval("ana"), world.approval("cleo"))
    assert set() == _codes(world, world.sealed(ticket), pins=pins)


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
    assert "approval-bad" in _codes(world, world.sealed(ticket))


def test_an_approval_that_ended_before_the_ticket(world: Any) -> None:
    honest = world.ticket()
    late = world.approval("ana", expires_at=NOW + timedelta(minutes=1))
    assert "approval-bad" in _codes(world, world.sealed(replace(honest, approvals=(late, honest.approvals[1]))))


@pytest.mark.parametrize(
    "edited",
    [{"revoked_at": NOW}, {"signature": "no signature"}, {"signature": ""}],
    ids=str,
)
def test_an_approval_that_was_taken_back_or_is_unsigned(world: Any, edited: dict[str, object]) -> None:
    ticket = world.ticket(replace(world.approval("ana"), **edited), world.approval("ben"))
    assert "approval-bad" in _codes(world, world.sealed(ticket))


def test_an_approval_edited_after_signing(world: Any) -> None:
    signed = world.approval("ana", answers={"breaks": "nothing"})
    edited = replace(signed, statement=replace(signed.statement, answers={"breaks": "everything"}))
    assert "approval-bad" in _codes(world, world.sealed(world.ticket(edited, world.approval("ben"))))


def test_a_signature_made_for_another_purpose(world: Any) -> None:
    signed = world.approval("ana")
    for_git = world.people["ana"][1].sign(signed.statement.to_bytes(), "git")
    ticket = world.ticket(replace(signed, signature=for_git), world.approval("ben"))
    assert "approval-bad" in _codes(world, world.sealed(ticket))


def test_a_key_after_its_time(world: Any) -> None:
    pins = world.pins()
    ana = pins.people["ana"]
    over = PinnedKey(fingerprint=ana.keys[0].fingerprint, not_after=NOW - timedelta(hours=2))
    ended = replace(pins, people={**pins.people, "ana": replace(ana, keys=(over,))})
    assert "approval-bad" in _codes(world, world.sealed(), pins=ended)


def test_breaking_the_glass_counts_only_where_pinned_and_for_an_hour(world: Any) -> None:
    hour = {"issued_at": NOW - timedelta(minutes=30), "expires_at": NOW + timedelta(minutes=30)}
    day = {"issued_at": NOW - timedelta(minutes=30), "expires_at": NOW + timedelta(hours=3)}
    quorum = Quorum(approvals=2)
    open_to_it = world.pins(environments={"production": PinnedEnvironment(quorum=quorum, break_glass=True)})

    def ticket(when: dict[str, object]) -> bytes:
        both = [world.approval(name, purpose="break-glass", **when) for name in ("ana", "ben")]
        return world.sealed(world.ticket(*both, break_glass=True))

    assert set() == _codes(world, ticket(hour), pins=open_to_it)
    assert "approval-bad" in _codes(world, ticket(day), pins=open_to_it)
    assert "approval-bad" in _codes(world, ticket(hour))


@pytest.mark.parametrize("purpose", ["delegation", "absence", "key-enrolment", "genesis"])
def test_other_statements_are_no_approvals_even_where_glass_may_be_broken(world: Any, purpose: str) -> None:
    place = PinnedEnvironment(quorum=Quorum(approvals=2), break_glass=True)
    hour = {"issued_at": NOW - timedelta(minutes=30), "expires_at": NOW + timedelta(minutes=30)}
    both = [world.approval(name, purpose=purpose, **hour) for name in ("ana", "ben")]
    pins = world.pins(environments={"production": place})
    assert "approval-bad" in _codes(world, world.sealed(world.ticket(*both)), pins=pins)


def test_an_exception_counts_only_from_a_rule_the_pins_name(world: Any) -> None:
    place = PinnedEnvironment(quorum=Quorum(approvals=2), exceptions=("tier1-two-approvals",))
    pins = world.pins(environments={"production": place})

    def ticket(rule: str) -> bytes:
        said = {"purpose": "exception", "details": {"rule": rule, "reason": "the old version loses orders"}}
        return world.sealed(world.ticket(*(world.approval(name, **said) for name in ("ana", "ben"))))

    assert set() == _codes(world, ticket("tier1-two-approvals"), pins=pins)
    assert {"quorum-approvals"} == _codes(world, ticket("risk-questions"), pins=pins)
    assert {"quorum-approvals", "quorum-seniors"} == _codes(world, ticket("tier1-two-approvals"))


def test_an_exception_beside_two_approvals_takes_nothing_away(world: Any) -> None:
    said = {"purpose": "exception", "details": {"rule": "risk-questions", "reason": "x"}}
    with_it = world.ticket(world.approval("ana", **said), world.approval("ana"), world.approval("ben"))
    assert set() == _codes(world, world.sealed(with_it))


def test_leaving_the_services_out_does_not_lower_the_quorum(world: Any) -> None:
    ticket = world.ticket(approvals=(), services=())
    assert {"quorum-approvals", "quorum-seniors"} == _codes(world, world.sealed(ticket), service=None)


def test_naming_another_service_lowers_it_only_for_who_named_that_one(world: Any) -> None:
    """A lying server says that only the documentation is touched."""
    docs = world.sealed(world.ticket(approvals=(), services=("docs",)))
    assert {"quorum-approvals", "quorum-seniors"} == _codes(world, docs, service=None)
    assert {"other-service"} == _codes(world, docs, service="order-service")
    assert set() == _codes(world, docs, service="docs")


def test_one_person_mode_must_be_pinned(world: Any) -> None:
    alone = world.ticket(world.approval("ana"), authors=("ana",), one_person=True)
    one = Quorum(approvals=1)
    pins = world.pins(environments={"production": PinnedEnvironment(quorum=one)})
    assert {"one-person"} == _codes(world, world.sealed(alone), pins=pins)
    assert set() == _codes(world, world.sealed(alone), pins=replace(pins, one_person=True))


def test_a_forged_one_person_flag_is_refused(world: Any) -> None:
    forged = world.ticket(world.approval("ana"), world.approval("ben"), authors=("ana",), one_person=True)
    assert {"one-person"} == _codes(world, world.sealed(forged))


# Keys, ledger and decision.


def test_another_server_s_key(world: Any, make: dict[str, Any]) -> None:
    other = make["secret"](77)
    ticket = world.ticket(issuer=key_id_of(other.public_key()))
    index = world.log.append(issued_entry(ticket, actor="gate"))
    assert {"issuer-unpinned"} == _codes(world, seal(ticket, world.log.inclusion(index), other))


def test_key_ids_swapped(world: Any, make: dict[str, Any]) -> None:
    """Signed by a stranger who names the pinned key, inside or outside the signature."""
    other = make["secret"](77)
    ticket = world.ticket()
    whole = replace(ticket, inclusion=world.log.inclusion(world.log.append(issued_entry(ticket, actor="gate"))))
    for outside in (whole.issuer, key_id_of(other.public_key())):
        content = sign_envelope(whole.statement(), other, outside) + b"\n"
        assert {"issuer-signature"} == _codes(world, content)


def test_the_right_signature_under_another_key_s_name(world: Any, make: dict[str, Any]) -> None:
    value = json.loads(world.sealed())
    value["signatures"][0]["keyid"] = key_id_of(make["secret"](77).public_key())
    assert {"issuer-signature"} == _codes(world, canonical(value))


def test_sealing_with_another_key_than_the_ticket_names_is_refused(world: Any, make: dict[str, Any]) -> None:
    ticket = world.ticket()
    with pytest.raises(InvalidInput) as caught:
        seal(ticket, world.log.inclusion(0), make["secret"](77))
    assert caught.value.code == "ticket-issuer"


def test_the_proof_of_another_entry(world: Any) -> None:
    ticket = world.ticket()
    world.log.append(issued_entry(ticket, actor="gate"))
    assert {"ledger-entry"} == _codes(world, world.signed(replace(ticket, inclusion=world.log.inclusion(2))))


def test_the_proof_of_another_ticket(world: Any) -> None:
    first, second = world.ticket(), world.ticket(id="tkt-2")
    index = world.log.append(issued_entry(first, actor="gate"))
    swapped = replace(second, inclusion=world.log.inclusion(index))
    assert {"ledger-entry"} == _codes(world, world.signed(swapped))


@pytest.mark.parametrize(
    "edited", [{"kind": "gate.refused"}, {"subject": "tkt-2"}, {"at": NOW - timedelta(days=1)}], ids=str
)
def test_an_entry_that_says_the_same_of_something_else(world: Any, edited: dict[str, Any]) -> None:
    ticket = world.ticket()
    index = world.log.append(replace(issued_entry(ticket, actor="gate"), **edited))
    swapped = replace(ticket, inclusion=world.log.inclusion(index))
    assert {"ledger-entry"} == _codes(world, world.signed(swapped))


def test_a_ticket_whose_terms_were_widened_after_its_entry(world: Any) -> None:
    ticket = world.ticket()
    index = world.log.append(issued_entry(ticket, actor="gate"))
    wider = replace(ticket, max_weight=100.0, inclusion=world.log.inclusion(index))
    assert {"ledger-entry"} == _codes(world, world.signed(wider))


def test_an_entry_that_is_in_no_ledger(world: Any) -> None:
    ticket = world.ticket()
    proof = world.log.inclusion(world.log.append(issued_entry(ticket, actor="gate")))
    forged = replace(proof, leaf=issued_entry(ticket, actor="somebody").leaf().decode())
    assert {"ledger-proof"} == _codes(world, world.signed(replace(ticket, inclusion=forged)))


@pytest.mark.parametrize("field", ["index", "checkpoint", "proof", "leaf"])
def test_every_part_of_the_proof_is_checked(world: Any, field: str) -> None:
    ticket = world.ticket()
    proof = world.log.inclusion(world.log.append(issued_entry(ticket, actor="gate")))
    world.log.append(issued_entry(world.ticket(id="tkt-2"), actor="gate"))
    other = world.log.inclusion(3)
    mixed = replace(proof, **{field: getattr(other, field)})
    assert {"ledger-proof"} == _codes(world, world.signed(replace(ticket, inclusion=mixed)))


def test_another_log_of_the_same_name(world: Any, make: dict[str, Any]) -> None:
    pins = world.pins()
    world.log = make["new_log"](55)
    assert {"ledger-proof"} == _codes(world, world.sealed(), pins=pins)


@pytest.mark.parametrize(
    "edited",
    [
        {"outcome": Outcome.NEEDS},
        {"outcome": Outcome.DENY},
        {"expires": NOW + timedelta(minutes=5)},
        {"decided_at": NOW + timedelta(minutes=1)},
        {"reasons": (UNMET,)},
    ],
    ids=lambda edited: next(iter(edited)),
)
def test_a_decision_that_does_not_allow_this(world: Any, make: dict[str, Any], edited: dict[str, object]) -> None:
    ticket = world.ticket(decision=make["decision"](**edited))
    assert {"decision-bad"} == _codes(world, world.sealed(ticket))


def test_an_environment_that_is_not_pinned(world: Any) -> None:
    ticket = world.ticket(environment="elsewhere")
    assert "environment-unpinned" in _codes(world, world.sealed(ticket), environment="elsewhere")


def test_a_ceiling_of_weight_may_be_pinned(world: Any) -> None:
    place = PinnedEnvironment(quorum=Quorum(approvals=2), max_weight=1.0)
    assert {"weight-pinned"} == _codes(world, world.sealed(), pins=world.pins(environments={"production": place}))


def test_other_rules_are_said_and_refused_where_pinned(world: Any) -> None:
    pins = world.pins(rules_digest=sha256(b"other rules"))
    found = verify(world.sealed(), pins=pins, now=NOW, expected=_expected(world))
    assert isinstance(found, Verified)
    assert found.other_rules
    assert {"other-rules"} == _codes(world, world.sealed(), pins=replace(pins, same_rules=True))


# The file itself.


def _payload(content: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.b64decode(json.loads(content)["payload"]))
    return decoded


def _repacked(world: Any, payload: bytes) -> bytes:
    envelope = json.loads(world.sealed())
    envelope["payload"] = base64.b64encode(payload).decode()
    return canonical(envelope)


def test_an_edited_decision(world: Any) -> None:
    payload = _payload(world.sealed())
    payload["predicate"]["decision"]["input_digest"] = sha256(b"other facts")
    assert {"issuer-signature", "ledger-entry"} == _codes(world, _repacked(world, canonical(payload)))


def test_a_subject_that_is_not_the_ticket_s(world: Any) -> None:
    payload = _payload(world.sealed())
    payload["subject"][0]["digest"]["sha256"] = "0" * 64
    assert {"ticket-form"} == _codes(world, _repacked(world, canonical(payload)))


def test_a_ticket_without_its_ledger_entry(world: Any) -> None:
    assert {"ticket-form"} == _codes(world, world.signed(world.ticket()))


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda text: text + b" ", "ticket-form"),
        (lambda text: text + b"\n", "ticket-form"),
        (lambda text: b" " + text, "ticket-form"),
        (lambda text: text + b"{}", "json-unreadable"),
        (lambda text: text[:-20], "json-unreadable"),
        (lambda text: b"", "input-empty"),
        (lambda text: text.replace(b'{"payload"', b'{"payload":"","payload"', 1), "json-key-twice"),
        (lambda text: text.replace(b'{"payload"', b'{"extra":1,"payload"', 1), "envelope-shape"),
        (lambda text: text.replace(b'"sig"', b'"cert":"","sig"', 1), "ticket-form"),
        (lambda text: json.dumps(json.loads(text), indent=1).encode(), "ticket-form"),
        (lambda text: text + b" " * 1_048_576, "input-too-large"),
        (lambda text: b"[" * 200_000, "json-unreadable"),
        (lambda text: b"\x00\xff", "json-unreadable"),
    ],
)
def test_a_file_that_is_not_exactly_a_ticket(world: Any, edit: Any, code: str) -> None:
    assert {code} == _codes(world, edit(world.sealed()))


def test_a_lost_final_newline_is_no_attack(world: Any) -> None:
    assert set() == _codes(world, world.sealed().removesuffix(b"\n"))


def test_a_second_signature_is_refused(world: Any) -> None:
    value = json.loads(world.sealed())
    value["signatures"] *= 2
    assert {"ticket-form"} == _codes(world, canonical(value))


def test_another_predicate_signed_by_the_server_is_no_ticket(world: Any) -> None:
    value = {**_payload(world.sealed()), "predicateType": "https://interlock.dev/predicates/other/v1"}
    assert {"ticket-form"} == _codes(
        world, sign_envelope(value, world.server, key_id_of(world.server.public_key()))
    )


def test_a_payload_with_a_key_twice_is_refused_even_when_signed(world: Any) -> None:
    payload = base64.b64decode(json.loads(world.sealed())["payload"])
    twice = payload.replace(b'"max_weight":5', b'"max_weight":5,"max_weight":100', 1)
    assert {"json-key-twice"} == _codes(world, _repacked(world, twice))


def test_people_may_have_several_keys(world: Any) -> None:
    pins = world.pins()
    ana = pins.people["ana"]
    more = PinnedPerson(role=ana.role, keys=(PinnedKey(fingerprint="SHA256:old"), *ana.keys), principal="ana")
    assert set() == _codes(world, world.sealed(), pins=replace(pins, people={**pins.people, "ana": more}))
