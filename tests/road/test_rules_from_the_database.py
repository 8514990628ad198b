"""Whoever owns the database swaps the rules in force: nobody decides by them."""

import json
import sqlite3

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import IntegrityError
from interlock.core.ledger.note import VerifierKey
from interlock.core.policy.rules import load_rules
from interlock.storage.audit import audit
from interlock.testing.road import CountingIds

EVIL = b"version: 1\ndefault: observe\nrules: {}\n"
MODES = "policies/modes.yaml"


def swapped(road, change):
    """A server started after the activation's row was changed, and its digest with it."""
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        body = json.loads(connection.execute("SELECT body FROM activations").fetchone()[0])
        connection.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (sha256(EVIL), EVIL))
        change(body)
        text = canonical(body)
        connection.execute(
            "UPDATE activations SET body = ?, body_digest = ?, digest = ?, id = ?",
            (text.decode(), sha256(text), body["digest"], body["id"]),
        )
    connection.close()
    return road.another_server(CountingIds())


def other_files(road):
    """Files swapped, the digest left."""
    del road
    return lambda body: body["files"].update({MODES: sha256(EVIL)})


def other_digest(road):
    """Files swapped, and the digest that they lead to."""
    digest = load_rules({**road.files, MODES: EVIL}).digest
    return lambda body: (body["files"].update({MODES: sha256(EVIL)}), body.update(digest=digest))


def other_name(road):
    """An activation that the ledger never heard of."""
    del road
    return lambda body: body.update(id="act-9999999999")


def other_ticket(road):
    """An activation by a ticket that was none."""
    del road
    return lambda body: body.update(ticket="tkt-0000000009")


@pytest.mark.parametrize("how", [other_files, other_digest, other_name, other_ticket])
def test_swapped_rules_decide_nothing(road, how):
    assert road.rules().digest == load_rules(road.files).digest
    station = swapped(road, how(road))
    try:
        with pytest.raises(IntegrityError) as refusal:
            station.store.read(station.rules)
        assert refusal.value.code == "rules-damaged"
    finally:
        station.store.close()


def test_a_server_that_already_runs_notices_too(road):
    assert road.rules()
    swapped(road, other_digest(road)).store.close()
    with pytest.raises(IntegrityError):
        road.rules()


@pytest.mark.parametrize("how", [other_digest, other_name])
def test_the_audit_compares_activations_with_their_entries(road, how):
    key = VerifierKey.parse(road.station.ledger_key)
    assert audit(road.database, key).holds
    swapped(road, how(road)).store.close()
    assert {each.what for each in audit(road.database, key).findings} == {"record"}


def test_the_audit_notices_an_activation_that_was_taken_away(road):
    road.station.store.checkpoint()
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM activations")
    connection.close()
    found = audit(road.database, VerifierKey.parse(road.station.ledger_key)).findings
    assert [each.what for each in found] == ["record"]
