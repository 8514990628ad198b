"""Pins say what the rules enforce for every change, and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.change.catalog import Catalog, Person, Service, Tier
from interlock.core.change.errors import InvalidInput
from interlock.core.change.settings import Environment, Settings, Trust
from interlock.core.policy.bundle import load_bundle
from interlock.core.policy.rules import Rules
from interlock.core.ticket.pinning import CANARY_PLAN, PRESENCE, TWO_APPROVALS, pins_of
from interlock.core.ticket.pins import Pins, Quorum
from interlock.testing.approvals import shop

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
PLACES = {"production": Environment(production=True), "staging": Environment()}


def _rules(modes: str | None = None, *, catalog: Catalog | None = None, **changed: Any) -> Rules:
    base = resources.files("interlock.core.policy.bundled") / "base"
    files = {f"base/{item.name}": item.read_bytes() for item in base.iterdir() if item.name.endswith(".cedar")}
    if modes:
        files["modes.yaml"] = modes.encode()
    return Rules(
        digest="sha256:" + "d" * 64,
        files={},
        settings=Settings(environments=PLACES, **changed),
        catalog=catalog or shop(),
        bundle=load_bundle(files),
    )


@pytest.fixture
def pin(world: Any) -> Any:
    pem = world.server.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def pins(rules: Rules) -> Pins:
        return pins_of(rules, issuers=(pem,), log=str(world.log.signer.verifier))

    return pins


def _quorum(pins: Pins) -> Quorum:
    return pins.environments["production"].quorum_for(("order-service",))


def test_the_rules_it_reads_exist() -> None:
    """A renamed policy must not silently pin nothing."""
    assert {TWO_APPROVALS, PRESENCE, CANARY_PLAN} <= set(_rules().bundle.policies)


def test_tier_one_in_production_needs_two_with_presence(pin: Any) -> None:
    pins = pin(_rules())
    assert _quorum(pins) == Quorum(approvals=2, presence="verified")
    assert pins.environments["production"].quorum_for(("docs",)) == Quorum(approvals=0)
    assert pins.environments["production"].quorum_for(()) == Quorum(approvals=2, presence="verified")
    assert pins.environments["staging"].quorum_for(("order-service",)) == Quorum(approvals=0)
    assert pins.environments["production"].break_glass
    assert not pins.environments["staging"].break_glass


def test_a_tier_one_service_is_pinned_to_its_first_stage(pin: Any) -> None:
    place = pin(_rules()).environments["production"]
    assert place.weights == dict.fromkeys(place.services, 5.0)
    assert place.max_weight == 100.0


def test_where_no_canary_is_demanded_nothing_is_pinned_to_a_first_stage(pin: Any) -> None:
    """Its tickets are for all traffic, and the pins must take them."""
    place = pin(_rules("version: 1\nrules: {canary-plan: observe}\n")).environments["production"]
    assert place.weights == {}
    assert place.services, "the quorum is pinned all the same"


def test_software_keys_where_they_suffice(pin: Any) -> None:
    assert _quorum(pin(_rules(trust=Trust(software_keys="all")))) == Quorum(approvals=2)
    assert _quorum(pin(_rules(trust=Trust(software_keys="none")))).presence == "verified"


def test_one_person_mode_is_pinned_as_such(pin: Any) -> None:
    pins = pin(_rules(one_person=True))
    assert (pins.one_person, _quorum(pins).approvals) == (True, 1)


def test_a_rule_that_is_only_watched_pins_nothing(pin: Any) -> None:
    watched = "version: 1\nrules: {tier1-two-approvals: observe}\n"
    assert _quorum(pin(_rules(watched))) == Quorum(approvals=0)
    elsewhere = (
        "version: 1\nrules:\n  tier1-two-approvals:\n    scopes: [{scope: 'service:docs', mode: observe}]\n"
    )
    assert _quorum(pin(_rules(elsewhere))).approvals == 2
    no_presence = "version: 1\nrules: {tier1-presence: observe}\n"
    assert _quorum(pin(_rules(no_presence))) == Quorum(approvals=2)


def test_people_of_one_identity_are_pinned_as_one(pin: Any) -> None:
    catalog = shop()
    twin = replace(catalog.people["dee"], emails=("dee@example.com",))
    other = replace(catalog.people["eve"], emails=("dee@example.com",))
    pins = pin(_rules(catalog=replace(catalog, people={**catalog.people, "dee": twin, "eve": other})))
    assert pins.principal("dee") == pins.principal("eve") == "dee"
    assert pins.principal("ana") == "ana"


def _with(catalog: Catalog, person: Person) -> Catalog:
    return replace(catalog, people={**catalog.people, person.name: person})


def test_only_good_keys_are_pinned(pin: Any) -> None:
    catalog = shop()
    ana, ben = catalog.people["ana"], catalog.people["ben"]
    revoked = replace(ana, keys=tuple(replace(key, revoked=True) for key in ana.keys))
    assert "ana" not in pin(_rules(catalog=_with(catalog, revoked))).people
    shared = replace(ana, keys=(*ana.keys, *ben.keys))
    people = pin(_rules(catalog=_with(catalog, shared))).people
    assert "ben" not in people, "a key that two people list is nobody's"
    assert len(people["ana"].keys) == len(ana.keys)
    broken = replace(ana, keys=(replace(ana.keys[0], line="ssh-dss AAAA"),))
    assert "ana" not in pin(_rules(catalog=_with(catalog, broken))).people


def test_a_key_is_pinned_with_its_time(pin: Any) -> None:
    catalog = shop()
    ana = catalog.people["ana"]
    timed = replace(ana, keys=(replace(ana.keys[0], not_before=BEGIN, not_after=END),))
    (key,) = pin(_rules(catalog=_with(catalog, timed))).people["ana"].keys
    assert (key.not_before, key.not_after) == (BEGIN, END)


def test_nobody_to_pin_is_refused(pin: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        pin(_rules(catalog=shop(people={})))
    assert caught.value.code == "pins-empty"


def test_every_tier_one_service_is_pinned_by_name(pin: Any) -> None:
    catalog = shop()
    more = Service(name="payment", tier=Tier.ONE, tier_declared=True)
    less = Service(name="docs", tier=Tier.THREE, tier_declared=True)
    pins = pin(_rules(catalog=replace(catalog, services={**catalog.services, "payment": more, "docs": less})))
    assert set(pins.environments["production"].services) == {"order-service", "payment"}
