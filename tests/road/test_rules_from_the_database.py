"""Whoever owns the database swaps the rules in force: nobody decides by them."""

import json
import sqlite3
from dataclasses import replace

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import IntegrityError
from interlock.core.ledger.note import VerifierKey
from interlock.core.policy.rules import load_rules
from interlock.road import rules
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


def activated_again(road):
    """Other rules, activated on the road."""
    edited = road.files["interlock.yaml"] + b"# looked at again\n"
    files, wanted = road.rules_change({"interlock.yaml": edited})
    change = road.open(wanted)
    road.approve(change, "ana", "ben")
    return rules.activate(road.station, road.person("ana"), files, road.gate(change).ticket_id)


def forgotten(road, statement):
    """A server started after rows were deleted."""
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        connection.execute(statement)
    connection.close()
    return road.another_server(CountingIds())


def test_the_rules_before_are_not_in_force_again_when_the_newest_row_is_deleted(road):
    newest = activated_again(road)
    assert road.rules().digest == newest.digest
    station = forgotten(road, "DELETE FROM activations WHERE seq = (SELECT max(seq) FROM activations)")
    for each in (station, road.station):
        with pytest.raises(IntegrityError) as refusal:
            each.store.read(each.rules)
        assert refusal.value.code == "rules-damaged"
        assert newest.id in refusal.value.message
    station.store.close()


def test_nobody_founds_anew_where_the_first_rules_were_deleted(road):
    station = forgotten(road, "DELETE FROM activations")
    said = replace(road._genesis("vera"), nonce="another-nonce-1")
    steps = (
        lambda: station.store.read(station.rules),
        lambda: station.store.read(replace(station, fallback=Files(road.files)).rules_or_provisional),
        lambda: rules.sign_genesis(station, road.person("vera"), road.files, said, road.keys["vera"].sign(said)),
    )
    for step in steps:
        with pytest.raises(IntegrityError) as refusal:
            step()
        assert refusal.value.code == "rules-damaged"
    station.store.close()


class Files:
    """Rules of a working tree."""

    def __init__(self, files):
        self._files = files

    def files(self):
        return self._files

    def describe(self):
        return "these"
