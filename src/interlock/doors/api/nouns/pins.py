"""What a deployer pins, written from the rules in force: looked at by a person, then kept beside the deployer."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.actor import Scope
from interlock.core.ticket.pinning import pins_of
from interlock.core.ticket.pins import Pins
from interlock.doors.api.surface import Answer, Call, Operation


def _pins(call: Call) -> Answer:
    station = call.station
    rules = station.store.read(station.rules).rules
    key = station.ticket_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Answer(body=pins_of(rules, issuers=(key.decode(),), log=station.ledger_key))


OPERATIONS = (
    Operation(
        name="ticketPins",
        method="GET",
        path="/v1/pins",
        scope=Scope.READ,
        summary="Keys, people and quorum that a deployer pins to verify tickets offline.",
        run=_pins,
        reply=Pins,
    ),
)
