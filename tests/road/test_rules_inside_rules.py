"""The rules are inside the rules: catalog, keys and policies change only on the road, judged by those before."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from interlock.core.approval.enrolment import enrolment_digest
from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import Conflict, Forbidden, IllegalTransition, IntegrityError, InvalidInput
from interlock.core.change.parts import Artefact
from interlock.core.change.settings import RULES_ARTEFACT
from interlock.core.policy.decision import Outcome
from interlock.core.policy.rules import load_rules
from interlock.core.ticket.model import Ticket
from interlock.core.ticket.read import read_ticket
from interlock.road import gather, permit, rules
from interlock.road.station import latest_activation
from interlock.testing.authenticator import TOUCH, UnsafeSimulatedAuthenticator
from interlock.testing.road import Road, submission


def ids(result: permit.GateResult) -> set[str]:
    return {reason.id for reason in result.reasons}


def test_a_key_added_to_a_colleagues_entry_signs_nothing_before_it_is_in_force(road: Road) -> None:
    """A change that adds the attacker's key to ana's entry is judged by the rules before it."""
    mine = UnsafeSimulatedAuthenticator("omar-as-ana")
    people = road.files["catalog/people.yaml"]
    line = road.keys["ana"].public_key.line
    edited = people.replace(line.encode(), f"{line}\\n{mine.public_key.line}".encode())
    assert edited != people
    _, wanted = road.rules_change({"catalog/people.yaml": edited})
    change = road.open(wanted)
    road.approve(change, "ben")
    with pytest.raises(InvalidInput):
        road.hand_in(road.prepare(change, "ana"), key=mine)
    assert road.gate(change).outcome is not Outcome.ALLOW


def test_even_two_people_cannot_activate_a_key_that_nobody_enrolled(road: Road) -> None:
    mine = UnsafeSimulatedAuthenticator("omar-as-ana")
    line = road.keys["vera"].public_key.line
    edited = road.files["catalog/people.yaml"].replace(line.encode(), f"{line}\\n{mine.public_key.line}".encode())
    files, wanted = road.rules_change({"catalog/people.yaml": edited})
    change = road.open(wanted)
    road.approve(change, "ana", "ben")
    allowed = road.gate(change)
    assert allowed.outcome is Outcome.ALLOW
    with pytest.raises(Forbidden) as refused:
        rules.activate(road.station, road.person("ana"), files, allowed.ticket_id or "")
    assert refused.value.code == "rules-privilege"


def enrol(road: Road, person: str, key: UnsafeSimulatedAuthenticator, by: str) -> None:
    """``by`` vouches for a new key of ``person``."""
    request = gather.StatementRequest(
        purpose="key-enrolment",
        subject=person,
        approver=by,
        environment="*",
        digest=enrolment_digest(key.public_key.line),
    )
    road.hand_in(gather.prepare_statement(road.station, road.person(by), request))


@pytest.mark.parametrize(("vouching", "enough"), [(("vera",), True), (("ana", "ben"), True), (("ana",), False)])
def test_a_key_is_enrolled_by_its_owner_or_by_two_others(
    road: Road, vouching: tuple[str, ...], *, enough: bool
) -> None:
    new = UnsafeSimulatedAuthenticator("vera-again")
    line = road.keys["vera"].public_key.line
    edited = road.files["catalog/people.yaml"].replace(line.encode(), f"{line}\\n{new.public_key.line}".encode())
    files, wanted = road.rules_change({"catalog/people.yaml": edited})
    for person in vouching:
        enrol(road, "vera", new, person)
    change = road.open(wanted)
    road.approve(change, "ana", "ben")
    ticket = road.gate(change).ticket_id or ""
    if not enough:
        with pytest.raises(Forbidden):
            rules.activate(road.station, road.person("ana"), files, ticket)
        return
    rules.activate(road.station, road.person("ana"), files, ticket)
    other = road.open(submission("a"))
    road.hand_in(road.prepare(other, "vera"), key=new)
    assert "vera" in {one.person for one in road.gate(other).judgement.tally.counted}


def test_a_key_is_enrolled_as_the_ledger_says(road: Road) -> None:
    """Whoever owns the database edits the signatures that speak for a key."""
    new, other = UnsafeSimulatedAuthenticator("vera-again"), UnsafeSimulatedAuthenticator("another")
    line = road.keys["vera"].public_key.line
    edited = road.files["catalog/people.yaml"].replace(line.encode(), f"{line}\\n{new.public_key.line}".encode())
    files, wanted = road.rules_change({"catalog/people.yaml": edited})
    enrol(road, "vera", other, "vera")
    change = road.open(wanted)
    road.approve(change, "ana", "ben")
    ticket = road.gate(change).ticket_id or ""
    edit_statements(road, "key-enrolment", presence="possession")
    with pytest.raises(IntegrityError) as refused:
        rules.activate(road.station, road.person("ana"), files, ticket)
    assert refused.value.code == "record-unvouched"


def test_the_first_rules_are_signed_as_the_ledger_says(tmp_path: Path) -> None:
    road = Road(folder=tmp_path, enforced=(), founders=("ana",))
    edit_statements(road, "genesis", presence="possession")
    said = road._genesis("ben")
    with pytest.raises(IntegrityError) as refused:
        rules.sign_genesis(road.station, road.person("ben"), road.files, said, road.keys["ben"].sign(said))
    assert refused.value.code == "record-unvouched"
    assert road.station.store.read(latest_activation) is None


def edit_statements(road: Road, purpose: str, **forged: str) -> None:
    """Edit them with their digests, as whoever owns the database could."""
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        found = connection.execute("SELECT id, body FROM statements WHERE purpose = ?", (purpose,)).fetchall()
        assert found
        for name, body in found:
            text = canonical(json.loads(body) | forged)
            setting = "UPDATE statements SET body = ?, body_digest = ? WHERE id = ?"
            connection.execute(setting, (text.decode(), sha256(text), name))
    connection.close()


def test_a_tier_lowered_in_the_same_change_does_not_help_it(road: Road) -> None:
    services = road.files["catalog/services.yaml"].replace(b'interlock.dev/tier: "1"', b'interlock.dev/tier: "3"')
    _, wanted = road.rules_change({"catalog/services.yaml": services})
    with_code = replace(wanted, parts=(*wanted.parts, *submission("code").parts))
    change = road.open(with_code)
    road.approve(change, "ana")
    assert {"rules-two-approvals"} <= ids(road.gate(change))


def test_a_revoked_key_does_not_count_any_more(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    line = road.keys["ana"].public_key.line
    edited = road.files["catalog/people.yaml"].replace(line.encode(), b"revoked " + line.encode())
    files, wanted = road.rules_change({"catalog/people.yaml": edited})
    revoking = road.open(wanted, title="Revoke a lost key")
    road.approve(revoking, "ana", "ben")
    allowed = road.gate(revoking)
    rules.activate(road.station, road.person("ben"), files, allowed.ticket_id or "")
    assert "tier1-two-approvals" in ids(road.gate(change))


def test_rules_take_force_only_with_a_ticket_for_exactly_them(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    allowed = road.gate(change)
    files = {**road.files, "policies/modes.yaml": b"default: observe\n"}
    with pytest.raises(Forbidden) as refused:
        rules.activate(road.station, road.person("omar"), files, allowed.ticket_id or "")
    assert refused.value.code == "rules-ticket"
    assert road.rules().files["policies/modes.yaml"] != files["policies/modes.yaml"]


def test_a_change_nobody_recorded_has_no_genesis_twice(road: Road) -> None:
    said = road._genesis("vera")
    with pytest.raises(Conflict) as refused:
        rules.sign_genesis(road.station, road.person("vera"), road.files, said, road.keys["vera"].sign(said))
    assert refused.value.code == "genesis-done"


def test_a_key_revoked_while_a_ticket_is_valid_voids_the_ticket(road: Road) -> None:
    change = road.open(submission("a"))
    road.approve(change, "ana", "ben")
    ticket = road.gate(change).ticket_id or ""
    line = road.keys["ana"].public_key.line
    edited = road.files["catalog/people.yaml"].replace(line.encode(), b"revoked " + line.encode())
    files, wanted = road.rules_change({"catalog/people.yaml": edited})
    revoking = road.open(wanted, title="Revoke a lost key")
    road.approve(revoking, "ana", "ben")
    rules.activate(road.station, road.person("ben"), files, road.gate(revoking).ticket_id or "")
    assert road.gate(change).ticket is None
    with pytest.raises(IllegalTransition) as refused:
        permit.redeem(road.station, road.pipeline(), ticket)
    assert refused.value.code == "ticket-voided"


def test_a_ticket_for_an_artefact_of_another_name_brings_no_rules(road: Road) -> None:
    """A staging ticket once replaced the rules: nobody looked at the artefact's name or the environment."""
    files = {**road.files, "policies/modes.yaml": b"default: observe\n"}
    smuggled = Artefact(name="toolbox", digest=load_rules(files).digest, media="file")
    change = road.open(submission("a", paths=("nobody/knows.py",), more=(smuggled,)), by=road.person("omar"))
    for environment in ("staging", "production"):
        road.approve(change, "ana", "ben")
        ticket = road.gate(change, environment=environment).ticket_id
        if ticket is None:
            continue
        with pytest.raises(Forbidden) as refused:
            rules.activate(road.station, road.person("omar"), files, ticket)
        assert refused.value.code == "rules-ticket"
    assert road.rules().digest == load_rules(road.files).digest


def test_claiming_to_bring_rules_about_is_a_change_of_rules(road: Road) -> None:
    files = {**road.files, "policies/modes.yaml": b"default: observe\n"}
    claimed = Artefact(name=RULES_ARTEFACT, digest=load_rules(files).digest, media="file")
    change = road.open(submission("a", paths=("nobody/knows.py",), more=(claimed,)))
    assert "rules-two-approvals" in ids(road.gate(change, environment="staging"))


def test_a_staging_ticket_brings_no_rules_even_with_a_quorum(road: Road) -> None:
    files, wanted = road.rules_change({"policies/modes.yaml": b"default: observe\n"})
    change = road.open(wanted)
    for person in ("ana", "ben"):
        road.hand_in(road.prepare(change, person, environment="staging"))
    allowed = road.gate(change, environment="staging")
    with pytest.raises(Forbidden) as refused:
        rules.activate(road.station, road.person("ana"), files, allowed.ticket_id or "")
    assert "not production" in refused.value.message


def test_a_broken_glass_brings_no_rules(road: Road) -> None:
    _, wanted = road.rules_change({"policies/modes.yaml": b"default: observe\n"})
    change = road.open(wanted)
    for person in ("ana", "ben"):
        said = road.prepare(change, person, purpose="break-glass", details={"reason": "orders are lost"})
        road.hand_in(replace(said, expires_at=said.issued_at + timedelta(minutes=30)))
    assert road.gate(change).outcome is not Outcome.ALLOW


def test_two_signatures_without_presence_bring_no_rules(road: Road) -> None:
    """Only a rule that may be watched once asked for presence: in observe mode two touches replaced the rules."""
    _, wanted = road.rules_change({"policies/modes.yaml": b"default: observe\n"})
    change = road.open(wanted)
    for person in ("ana", "ben"):
        said = road.prepare(change, person)
        gather.add_statement(road.station, road.person(person), said, road.keys[person].sign(said, flags=TOUCH))
    assert "rules-two-approvals" in ids(road.gate(change))


def test_presence_is_counted_again_before_rules_are_replaced(road: Road) -> None:
    """The gate has counted it; a ticket that came about without it must not bring rules about all the same."""
    files, wanted = road.rules_change({"catalog/extra.yaml": b"# a note\n"})
    change = road.open(wanted)
    road.approve(change, "ana", "ben")
    sealed = road.gate(change).ticket
    assert sealed is not None
    ticket, after = read_ticket(sealed).ticket, load_rules(files)
    touched = tuple(replace(one, presence="present") for one in ticket.approvals)
    weaker = (replace(ticket, approvals=touched), replace(ticket, approvals=(*touched[:1], *ticket.approvals[1:])))

    def why(one: Ticket) -> str:
        return road.station.store.read(lambda tx: rules._not_for(tx, one, road.rules(), after))

    assert why(ticket) == ""
    for one in weaker:
        assert "with presence" in why(one)
