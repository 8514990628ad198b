"""A ticket is good for what it names, in its time, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Role
from interlock.core.ticket.verify import Expected, Refused, Verified, verify

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def test_an_honest_ticket_holds_and_names_who_said_yes(world: Any) -> None:
    found = verify(world.sealed(), pins=world.pins(), now=NOW, expected=world.expected())
    assert isinstance(found, Verified)
    assert [(one.person, one.role, one.presence) for one in found.voices] == [
        ("ana", Role.SENIOR, "verified"),
        ("ben", Role.ENGINEER, "verified"),
    ]
    assert found.unchecked == ()
    assert not found.other_rules


def test_what_was_not_compared_is_said(world: Any) -> None:
    found = verify(
        world.sealed(), pins=world.pins(), now=NOW, expected=Expected(digest=world.change.digest, weight=5.0)
    )
    assert isinstance(found, Verified)
    assert found.unchecked == ("change", "environment", "artefact", "service")


def test_a_ticket_for_some_traffic_is_refused_to_whoever_does_not_say_how_much(world: Any) -> None:
    """Left out, everything would go to it: what is not compared is not stopped."""
    found = verify(world.sealed(), pins=world.pins(), now=NOW, expected=replace(world.expected(), weight=None))
    assert isinstance(found, Refused)
    assert [(one.code, one.remedy) for one in found.reasons] == [
        ("weight-unstated", "say how much, and send no more: --weight 5")
    ]


def test_a_ticket_for_all_traffic_needs_no_weight(world: Any) -> None:
    sealed = world.sealed(world.ticket(max_weight=100.0))
    found = verify(sealed, pins=world.pins(), now=NOW, expected=replace(world.expected(), weight=None))
    assert isinstance(found, Verified)
    assert "weight" in found.unchecked


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
    assert {code} == world.codes(world.sealed(), **{what: offered})


def test_a_weight_at_the_limit_is_permitted(world: Any) -> None:
    assert set() == world.codes(world.sealed(), weight=5.0)
    assert set() == world.codes(world.sealed(), weight=0.5)


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
    assert codes == world.codes(world.sealed(), now=moment)


def test_a_server_cannot_make_it_live_longer(world: Any) -> None:
    longer = world.ticket(expires_at=NOW + timedelta(minutes=16))
    longer = replace(longer, decision=replace(longer.decision, expires=NOW + timedelta(hours=1)))
    assert {"ticket-life"} == world.codes(world.sealed(longer))


def test_all_reasons_are_told_at_once(world: Any) -> None:
    codes = world.codes(world.sealed(), now=NOW + timedelta(days=1), digest=sha256(b"x"), weight=50.0)
    assert {"ticket-expired", "other-digest", "other-weight"} == codes
