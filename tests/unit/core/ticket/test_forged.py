"""Keys, ledger, decision and the file itself, each forged in turn."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import key_id_of, sign_envelope
from interlock.core.policy.decision import Outcome, Reason
from interlock.core.ticket.issue import issued_entry, seal
from interlock.core.ticket.pins import PinnedEnvironment, PinnedKey, PinnedPerson, Quorum
from interlock.core.ticket.verify import Verified, verify

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)

UNMET = Reason(
    id="tier1-two-approvals",
    text="two people",
    remedy="ask them",
    layer="base",
    mode="enforce",
    outcome=Outcome.NEEDS,
    facts={},
)


def test_another_server_s_key(world: Any, make: dict[str, Any]) -> None:
    other = make["secret"](77)
    ticket = world.ticket(issuer=key_id_of(other.public_key()))
    index = world.log.append(issued_entry(ticket, actor="gate"))
    assert {"issuer-unpinned"} == world.codes(seal(ticket, world.log.inclusion(index), other))


def test_key_ids_swapped(world: Any, make: dict[str, Any]) -> None:
    """Signed by a stranger who names the pinned key, inside or outside the signature."""
    other = make["secret"](77)
    ticket = world.ticket()
    whole = replace(ticket, inclusion=world.log.inclusion(world.log.append(issued_entry(ticket, actor="gate"))))
    for outside in (whole.issuer, key_id_of(other.public_key())):
        content = sign_envelope(whole.statement(), other, outside) + b"\n"
        assert {"issuer-signature"} == world.codes(content)


def test_the_right_signature_under_another_key_s_name(world: Any, make: dict[str, Any]) -> None:
    value = json.loads(world.sealed())
    value["signatures"][0]["keyid"] = key_id_of(make["secret"](77).public_key())
    assert {"issuer-signature"} == world.codes(canonical(value))


def test_sealing_with_another_key_than_the_ticket_names_is_refused(world: Any, make: dict[str, Any]) -> None:
    ticket = world.ticket()
    with pytest.raises(InvalidInput) as caught:
        seal(ticket, world.log.inclusion(0), make["secret"](77))
    assert caught.value.code == "ticket-issuer"


def test_the_proof_of_another_entry(world: Any) -> None:
    ticket = world.ticket()
    world.log.append(issued_entry(ticket, actor="gate"))
    assert {"ledger-entry"} == world.codes(world.signed(replace(ticket, inclusion=world.log.inclusion(2))))


def test_the_proof_of_another_ticket(world: Any) -> None:
    first, second = world.ticket(), world.ticket(id="tkt-2")
    index = world.log.append(issued_entry(first, actor="gate"))
    swapped = replace(second, inclusion=world.log.inclusion(index))
    assert {"ledger-entry"} == world.codes(world.signed(swapped))


@pytest.mark.parametrize(
    "edited", [{"kind": "gate.refused"}, {"subject": "tkt-2"}, {"at": NOW - timedelta(days=1)}], ids=str
)
def test_an_entry_that_says_the_same_of_something_else(world: Any, edited: dict[str, Any]) -> None:
    ticket = world.ticket()
    index = world.log.append(replace(issued_entry(ticket, actor="gate"), **edited))
    swapped = replace(ticket, inclusion=world.log.inclusion(index))
    assert {"ledger-entry"} == world.codes(world.signed(swapped))


def test_a_ticket_whose_terms_were_widened_after_its_entry(world: Any) -> None:
    ticket = world.ticket()
    index = world.log.append(issued_entry(ticket, actor="gate"))
    wider = replace(ticket, max_weight=100.0, inclusion=world.log.inclusion(index))
    assert {"ledger-entry"} == world.codes(world.signed(wider))


def test_an_entry_that_is_in_no_ledger(world: Any) -> None:
    ticket = world.ticket()
    proof = world.log.inclusion(world.log.append(issued_entry(ticket, actor="gate")))
    forged = replace(proof, leaf=issued_entry(ticket, actor="somebody").leaf().decode())
    assert {"ledger-proof"} == world.codes(world.signed(replace(ticket, inclusion=forged)))


@pytest.mark.parametrize("field", ["index", "checkpoint", "proof", "leaf"])
def test_every_part_of_the_proof_is_checked(world: Any, field: str) -> None:
    ticket = world.ticket()
    proof = world.log.inclusion(world.log.append(issued_entry(ticket, actor="gate")))
    world.log.append(issued_entry(world.ticket(id="tkt-2"), actor="gate"))
    other = world.log.inclusion(3)
    mixed = replace(proof, **{field: getattr(other, field)})
    assert {"ledger-proof"} == world.codes(world.signed(replace(ticket, inclusion=mixed)))


def test_another_log_of_the_same_name(world: Any, make: dict[str, Any]) -> None:
    pins = world.pins()
    world.log = make["new_log"](55)
    assert {"ledger-proof"} == world.codes(world.sealed(), pins=pins)


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
    assert {"decision-bad"} == world.codes(world.sealed(ticket))


def test_an_environment_that_is_not_pinned(world: Any) -> None:
    ticket = world.ticket(environment="elsewhere")
    assert "environment-unpinned" in world.codes(world.sealed(ticket), environment="elsewhere")


def test_a_ceiling_of_weight_may_be_pinned(world: Any) -> None:
    place = PinnedEnvironment(quorum=Quorum(approvals=2), max_weight=1.0)
    assert {"weight-pinned"} == world.codes(world.sealed(), pins=world.pins(environments={"production": place}))


@pytest.mark.parametrize(
    ("service", "weight", "codes"),
    [
        ("order-service", None, {"weight-pinned"}),
        ("order-service", 5.1, {"weight-pinned"}),
        ("order-service", 5.0, set()),
        (None, 100.0, {"weight-pinned"}),
        (None, 5.0, set()),
        ("docs", 100.0, set()),
    ],
)
def test_a_server_that_permits_all_traffic_is_held_to_the_service_s_ceiling(
    world: Any, service: str | None, weight: float | None, codes: set[str]
) -> None:
    place = PinnedEnvironment(quorum=Quorum(approvals=2), weights={"order-service": 5.0})
    services = ("docs",) if service == "docs" else ("order-service",)
    ticket = world.ticket(max_weight=100.0, services=services)
    pins = world.pins(environments={"production": place})
    assert codes == world.codes(world.sealed(ticket), pins=pins, service=service, weight=weight)


def test_other_rules_are_said_and_refused_where_pinned(world: Any) -> None:
    pins = world.pins(rules_digest=sha256(b"other rules"))
    found = verify(world.sealed(), pins=pins, now=NOW, expected=world.expected())
    assert isinstance(found, Verified)
    assert found.other_rules
    assert {"other-rules"} == world.codes(world.sealed(), pins=replace(pins, same_rules=True))


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
    assert {"issuer-signature", "ledger-entry"} == world.codes(_repacked(world, canonical(payload)))


def test_a_subject_that_is_not_the_ticket_s(world: Any) -> None:
    payload = _payload(world.sealed())
    payload["subject"][0]["digest"]["sha256"] = "0" * 64
    assert {"ticket-form"} == world.codes(_repacked(world, canonical(payload)))


def test_a_ticket_without_its_ledger_entry(world: Any) -> None:
    assert {"ticket-form"} == world.codes(world.signed(world.ticket()))


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
    assert {code} == world.codes(edit(world.sealed()))


def test_a_lost_final_newline_is_no_attack(world: Any) -> None:
    assert set() == world.codes(world.sealed().removesuffix(b"\n"))


def test_a_second_signature_is_refused(world: Any) -> None:
    value = json.loads(world.sealed())
    value["signatures"] *= 2
    assert {"ticket-form"} == world.codes(canonical(value))


def test_another_predicate_signed_by_the_server_is_no_ticket(world: Any) -> None:
    value = {**_payload(world.sealed()), "predicateType": "https://interlock.dev/predicates/other/v1"}
    assert {"ticket-form"} == world.codes(sign_envelope(value, world.server, key_id_of(world.server.public_key())))


def test_a_payload_with_a_key_twice_is_refused_even_when_signed(world: Any) -> None:
    payload = base64.b64decode(json.loads(world.sealed())["payload"])
    twice = payload.replace(b'"max_weight":5', b'"max_weight":5,"max_weight":100', 1)
    assert {"json-key-twice"} == world.codes(_repacked(world, twice))


def test_people_may_have_several_keys(world: Any) -> None:
    pins = world.pins()
    ana = pins.people["ana"]
    more = PinnedPerson(role=ana.role, keys=(PinnedKey(fingerprint="SHA256:old"), *ana.keys), principal="ana")
    assert set() == world.codes(world.sealed(), pins=replace(pins, people={**pins.people, "ana": more}))
