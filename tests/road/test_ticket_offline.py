"""What leaves the road with a ticket can be verified by somebody who has pins and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.change.canonical import sha256
from interlock.core.change.change import Change
from interlock.core.change.errors import IllegalTransition
from interlock.core.change.parts import Artefact
from interlock.core.ticket.issue import issued_entry, seal
from interlock.core.ticket.pinning import pins_of
from interlock.core.ticket.pins import Pins, Quorum, read_pins
from interlock.core.ticket.read import read_ticket
from interlock.core.ticket.verify import Expected, Refused, Verified, verify
from interlock.road import permit
from interlock.testing.road import Road, submission

IMAGE = Artefact(name="order-service", digest=sha256(b"image"), media="oci-image")


@pytest.fixture
def pins(road: Road) -> Pins:
    """As a deployer keeps them: written once, read from a file."""
    pem = road.station.ticket_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    log = str(road.station.store.verifier)  # type: ignore[attr-defined]  # the SQL store knows its own key
    return read_pins(pins_of(road.rules(), issuers=(pem.decode(),), log=log).to_bytes())


def _verdict(road: Road, content: bytes, pins: Pins, **differs: object) -> Verified | Refused:
    expected = replace(Expected(environment="production", artefact=IMAGE.digest, weight=5.0), **differs)  # type: ignore[arg-type]  # fields of Expected
    return verify(content, pins=pins, now=road.clock.now(), expected=expected)


def _permitted(road: Road, name: str = "a") -> tuple[Change, bytes]:
    change = road.open(submission(name, more=(IMAGE,)))
    road.approve(change, "ana", "ben")
    content = road.gate(change).ticket
    assert content is not None
    return change, content


def test_the_pins_hold_the_quorum_that_the_rules_enforce(pins: Pins) -> None:
    found = pins.environments["production"].services["order-service"]
    assert found == Quorum(approvals=2, presence="verified")


def test_a_ticket_verifies_with_its_quorum(road: Road, pins: Pins) -> None:
    change, content = _permitted(road)
    found = _verdict(road, content, pins, change=change.id, digest=change.digest, weight=5.0)
    assert isinstance(found, Verified), found
    assert {"ana", "ben"} == {voice.person for voice in found.voices}
    assert not found.other_rules


@pytest.mark.parametrize(
    ("differs", "code"),
    [
        ({"digest": sha256(b"another")}, "other-digest"),
        ({"environment": "staging"}, "other-environment"),
        ({"artefact": sha256(b"another")}, "other-artefact"),
        ({"weight": 101.0}, "other-weight"),
    ],
)
def test_it_is_good_for_nothing_else(road: Road, pins: Pins, differs: dict[str, object], code: str) -> None:
    found = _verdict(road, _permitted(road)[1], pins, **differs)
    assert isinstance(found, Refused)
    assert [code] == [reason.code for reason in found.reasons]


def test_it_expires(road: Road, pins: Pins) -> None:
    _, content = _permitted(road)
    road.clock.pass_by(minutes=16)
    found = _verdict(road, content, pins)
    assert isinstance(found, Refused)
    assert [reason.code for reason in found.reasons] == ["ticket-expired"]


def test_the_same_ticket_asked_for_again_verifies_too(road: Road, pins: Pins) -> None:
    change, first = _permitted(road)
    _permitted(road, "b")  # the ledger grows, so that the second proof is another one
    second = road.gate(change).ticket
    assert second is not None
    assert second != first
    assert read_ticket(first).ticket.id == read_ticket(second).ticket.id
    assert isinstance(_verdict(road, second, pins), Verified)


def test_a_second_ticket_on_approvals_that_the_first_gave_back(road: Road, pins: Pins) -> None:
    change, first = _permitted(road)
    road.clock.pass_by(minutes=20)
    second = road.gate(change).ticket
    assert second is not None
    assert read_ticket(first).ticket.id != read_ticket(second).ticket.id
    found = _verdict(road, second, pins)
    assert isinstance(found, Verified), found


def test_a_server_that_issues_without_approvals_convinces_nobody(road: Road, pins: Pins) -> None:
    """The whole server is the attacker's: its key, its ledger and its word that all is well."""
    _, content = _permitted(road)
    honest = read_ticket(content).ticket
    forged = replace(honest, id="tkt-forged", digest=sha256(b"malice"), artefacts=(sha256(b"malice"),))
    index = road.station.store.write(lambda tx: tx.log.append(issued_entry(forged, actor="ci")))
    sealed = seal(forged, road.station.store.inclusion(index), road.station.ticket_key)
    found = _verdict(road, sealed, pins, artefact=sha256(b"malice"))
    assert isinstance(found, Refused)
    assert {"approval-bad", "quorum-approvals"} == {reason.code for reason in found.reasons}


def test_an_exception_from_two_approvals_is_carried_and_verified(road: Road, pins: Pins) -> None:
    change = road.open(submission("a", more=(IMAGE,)))
    for rule in ("tier1-two-approvals", "tier1-presence", "risk-questions", "ai-senior-approval"):
        for person in ("ana", "ben"):
            details = {"rule": rule, "reason": "the old version loses orders"}
            road.hand_in(road.prepare(change, person, purpose="exception", details=details))
    content = road.gate(change).ticket
    assert content is not None
    found = _verdict(road, content, pins)
    assert isinstance(found, Verified), found
    assert {"ana", "ben"} == {voice.person for voice in found.voices}


def test_broken_glass_is_carried_and_verified(road: Road, pins: Pins) -> None:
    change = road.open(submission("a", more=(IMAGE,)))
    for person in ("ana", "ben"):
        said = road.prepare(change, person, purpose="break-glass", details={"reason": "orders are lost"})
        ends: datetime = said.issued_at + timedelta(minutes=30)
        road.hand_in(replace(said, expires_at=ends))
    content = road.gate(change).ticket
    assert content is not None
    found = _verdict(road, content, pins)
    assert isinstance(found, Verified), found
    assert found.ticket.break_glass
    closed = {name: replace(place, break_glass=False) for name, place in pins.environments.items()}
    refused = _verdict(road, content, replace(pins, environments=closed))
    assert isinstance(refused, Refused)


def test_a_redeemed_ticket_is_redeemed_once(road: Road) -> None:
    _, content = _permitted(road)
    ticket = read_ticket(content).ticket.id
    permit.redeem(road.station, road.pipeline(), ticket)
    with pytest.raises(IllegalTransition) as caught:
        permit.redeem(road.station, road.pipeline(), ticket)
    assert caught.value.code == "ticket-used"
