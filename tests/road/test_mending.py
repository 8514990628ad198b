"""Rules in force that this version cannot read: nothing passes, and people of their catalog mend them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from interlock.core.change.canonical import canonical, sha256
from interlock.core.change.errors import Conflict, Forbidden, IntegrityError, InvalidInput, Unavailable
from interlock.core.ledger.entry import Entry
from interlock.core.policy.activation import Activation
from interlock.core.policy.rules import load_rules, rules_digest_of
from interlock.ports.store import Page
from interlock.road import decide, intake, rules
from interlock.road.rules import GenesisState
from interlock.road.station import ACTIVATED, REPLACED, latest_activation
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.road import CountingIds, Road, submission

GONE = b"""
@id("gone")
@reason("a fact that this version does not know")
@remedy("none")
forbid (principal, action, resource) when { context.a_fact_of_another_version };
"""
NONCES = count(1)


def in_force(road: Road, more: dict[str, bytes]) -> None:
    """Put rules into force as a version that can read them had done."""
    station, files = road.station, road.files | more

    def work(tx):
        before = latest_activation(tx)
        made = Activation(
            id=station.ids.new("act"),
            digest=rules_digest_of(files),
            files={path: tx.put_blob(content) for path, content in files.items()},
            activated_at=road.clock.now(),
            activated_by="ana",
            signed_by=("ana", "ben"),
            one_person=False,
            ticket="tkt-1",
            previous=before.digest,
        )
        tx.records(Activation).add(made)
        over = Entry(kind=REPLACED, subject=before.id, actor="ana", at=road.clock.now(), body={"by": made.id})
        said = {"digest": made.digest, "ticket": "tkt-1"}
        tx.log.append(over)
        tx.log.append(Entry(kind=ACTIVATED, subject=made.id, actor="ana", at=road.clock.now(), body=said))

    station.store.write(work)
    road.station = road.another_server(CountingIds(road.station.ids.numbers))


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A road with one open change, whose rules in force name a fact that is unknown here."""
    made = Road(folder=tmp_path, enforced=())
    made.change = made.open(submission("a"))
    in_force(made, {"policies/base/gone.cedar": GONE})
    made.clock.pass_by(minutes=1)
    return made


def sign(road: Road, person: str, files: dict[str, bytes] | None = None) -> GenesisState:
    files = road.files if files is None else files
    said = replace(road._genesis(person), digest=load_rules(files).digest, nonce=f"nonce-{next(NONCES):08d}")
    return rules.sign_genesis(road.station, road.person(person), files, said, road.keys[person].sign(said))


def test_what_needs_the_rules_cannot_be_decided_and_says_the_way_out(road: Road) -> None:
    with pytest.raises(Unavailable) as refused:
        decide.judge(road.station, road.person("ana"), road.change.id, "production")
    assert refused.value.code == "rules-older"
    assert "a_fact_of_another_version" in refused.value.message
    assert "upgrade.md" in refused.value.hint
    assert [each.id for each in intake.listing(road.station, road.person("ana"), Page())] == [road.change.id]


def test_a_signature_counts_as_the_ledger_says(road: Road) -> None:
    sign(road, "ana")
    with sqlite3.connect(road.database.removeprefix("sqlite:///")) as connection:
        latest = "SELECT id, body FROM statements WHERE purpose = 'genesis' ORDER BY seq DESC LIMIT 1"
        name, body = connection.execute(latest).fetchone()
        text = canonical(json.loads(body) | {"presence": "possession"})
        edit = "UPDATE statements SET body = ?, body_digest = ? WHERE id = ?"
        connection.execute(edit, (text.decode(), sha256(text), name))
    connection.close()
    with pytest.raises(IntegrityError) as refused:
        sign(road, "ben")
    assert refused.value.code == "record-unvouched"


def test_two_people_of_the_catalog_in_force_mend_them(road: Road) -> None:
    first = sign(road, "ana")
    assert (first.activation, first.needed) == (None, 2)
    done = sign(road, "ben")
    assert done.activation is not None
    assert (done.activation.ticket, done.activation.signed_by) == (None, ("ana", "ben"))
    assert decide.judge(road.station, road.person("ana"), road.change.id, "production").rules_digest == done.digest
    with pytest.raises(Conflict) as refused:
        sign(road, "ana")
    assert refused.value.code == "genesis-done"


def stands(road: Road) -> bool:
    """Whether the rules that cannot be read are still those in force."""
    return road.station.store.read(latest_activation).ticket == "tkt-1"


def test_one_person_twice_is_one_and_the_first_genesis_does_not_count_again(road: Road) -> None:
    """Both founders had signed these very rules an hour before the ones that are in force."""
    sign(road, "ana")
    assert sign(road, "ana").signed_by == ("ana",)
    assert stands(road)


def with_a_key_of(road: Road, person: str, key: UnsafeSimulatedAuthenticator) -> dict[str, bytes]:
    """The rule files in which a person has this key and no other."""
    old, new = (each.public_key.line.encode() for each in (road.keys[person], key))
    [catalog] = [path for path, content in road.files.items() if old in content]
    return road.files | {catalog: road.files[catalog].replace(old, new)}


def test_a_key_comes_in_only_with_its_enrolment(road: Road) -> None:
    files = with_a_key_of(road, "vera", UnsafeSimulatedAuthenticator("stranger"))
    sign(road, "ana", files)
    with pytest.raises(Forbidden) as refused:
        sign(road, "ben", files)
    assert refused.value.code == "rules-privilege"
    assert stands(road)


def test_only_the_catalog_in_force_says_whose_key_it_is(road: Road) -> None:
    stranger = UnsafeSimulatedAuthenticator("stranger")
    files = with_a_key_of(road, "ben", stranger)
    said = replace(road._genesis("ben"), digest=load_rules(files).digest, nonce=f"nonce-{next(NONCES):08d}")
    with pytest.raises(InvalidInput) as refused:
        rules.sign_genesis(road.station, road.person("ben"), files, said, stranger.sign(said))
    assert refused.value.code == "key-not-theirs"
    assert stands(road)


def test_rules_whose_catalog_cannot_be_read_leave_nobody_to_ask(tmp_path: Path) -> None:
    road = Road(folder=tmp_path, enforced=())
    [catalog] = [
        path for path, content in road.files.items() if road.keys["vera"].public_key.line.encode() in content
    ]
    in_force(road, {catalog: b"kind: [unclosed"})
    with pytest.raises(Unavailable) as refused:
        sign(road, "ana")
    assert refused.value.code == "rules-older"
    assert "begin a new state" in refused.value.hint


def test_files_that_are_others_are_damage_and_not_age(road: Road) -> None:
    def work(tx):
        made = replace(latest_activation(tx), id="act-x", digest="sha256:" + "0" * 64)
        tx.records(Activation).add(made)
        said = {"digest": made.digest, "ticket": made.ticket}
        tx.log.append(Entry(kind=ACTIVATED, subject=made.id, actor="ana", at=road.clock.now(), body=said))

    road.station.store.write(work)
    with pytest.raises(IntegrityError) as refused:
        sign(road, "ana")
    assert refused.value.code == "rules-damaged"


def test_a_signature_handed_in_twice_is_told_as_such(tmp_path: Path) -> None:
    """It used to be `expected a new record …, got one whose id or unique value is taken`."""
    road = Road(folder=tmp_path, enforced=())
    said = road.prepare(road.open(submission("a")), "ana")
    first = road.hand_in(said)
    with pytest.raises(Conflict) as refused:
        road.hand_in(said)
    assert refused.value.code == "statement-twice"
    assert first.id in refused.value.message


def misspelt(road: Road) -> dict[str, bytes]:
    """The shop's settings with a key of `bounds` that nobody knows, on line 13."""
    wrong = b"validators:\n  bounds:\n    limits: [{file: kiosk/settings.json, pointer: /batch, maximum: 40}]\n"
    edited = road.files["interlock.yaml"].replace(b"validators:\n", wrong)
    assert edited.splitlines()[12].startswith(b"    limits: [{file")
    return {"interlock.yaml": edited}


def test_rules_whose_validators_cannot_read_their_settings_never_come_into_force(tmp_path: Path) -> None:
    road = Road(folder=tmp_path, enforced=())
    before = road.rules().digest
    files, proposed = road.rules_change(misspelt(road))
    change = road.open(proposed)
    road.approve(change, "ana", "ben")
    ticket = road.gate(change).ticket_id
    assert ticket
    with pytest.raises(InvalidInput) as refused:
        rules.activate(road.station, road.person("ana"), files, ticket)
    assert "`limits.0.file`: there is no such key at `interlock.yaml:13`" in refused.value.message
    assert road.rules().digest == before


def test_people_mend_rules_whose_validators_cannot_read_their_settings(tmp_path: Path) -> None:
    """They came into force before anybody asked; no change could be opened to correct them."""
    road = Road(folder=tmp_path, enforced=())
    in_force(road, misspelt(road))
    road.clock.pass_by(minutes=1)
    assert sign(road, "ana").activation is None, "one person is not enough"
    done = sign(road, "ben")
    assert done.activation is not None
    assert (road.rules().digest, done.activation.ticket) == (done.digest, None)
    with pytest.raises(Conflict) as refused:
        sign(road, "cleo")
    assert refused.value.code == "genesis-done"


def test_misspelt_settings_do_not_mend_misspelt_settings(tmp_path: Path) -> None:
    road = Road(folder=tmp_path, enforced=())
    bad = misspelt(road)
    in_force(road, bad)
    road.clock.pass_by(minutes=1)
    with pytest.raises(InvalidInput) as refused:
        sign(road, "ana", road.files | {"interlock.yaml": bad["interlock.yaml"] + b"# again\n"})
    assert refused.value.code == "input-shape"
    assert stands(road)
