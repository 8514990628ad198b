"""Only a decision that allows becomes a ticket, and the ticket says no more than it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from interlock.core.change.canonical import sha256
from interlock.core.change.errors import IllegalTransition, InvalidInput
from interlock.core.policy.decision import Outcome
from interlock.core.ticket.issue import draw, inclusion_of, issued_entry
from interlock.core.ticket.read import read_ticket

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def _draw(world: Any, decision: Any, **changed: Any) -> Any:
    asked: dict[str, Any] = {
        "id": "tkt-1",
        "environment": "production",
        "services": ("b", "a"),
        "authors": ("eve",),
        "approvals": (world.approval("ana"),),
        "max_weight": 5.0,
        "rules_digest": sha256(b"rules"),
        "issuer": "sha256:key",
        "now": NOW,
    }
    return draw(world.change, decision, **{**asked, **changed})


@pytest.mark.parametrize("outcome", [Outcome.NEEDS, Outcome.DENY])
def test_a_refusal_never_becomes_a_ticket(world: Any, make: dict[str, Any], outcome: Outcome) -> None:
    with pytest.raises(IllegalTransition) as caught:
        _draw(world, make["decision"](outcome=outcome))
    assert caught.value.code == "ticket-refused"


@pytest.mark.parametrize("now", [NOW - timedelta(milliseconds=1), NOW + timedelta(minutes=15)])
def test_a_decision_counts_only_in_its_time(world: Any, make: dict[str, Any], now: datetime) -> None:
    with pytest.raises(IllegalTransition):
        _draw(world, make["decision"](), now=now)


@pytest.mark.parametrize("weight", [0.0, -1.0, 100.1, float("nan")])
def test_weights_outside_their_range_are_refused(world: Any, make: dict[str, Any], weight: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        _draw(world, make["decision"](), max_weight=weight)
    assert caught.value.code == "ticket-weight"


@pytest.mark.parametrize("digest", ["", "main", "sha512:" + "0" * 128, "sha256:" + "A" * 64])
def test_what_is_no_digest_is_refused(world: Any, make: dict[str, Any], digest: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _draw(world, make["decision"](), rules_digest=digest)
    assert caught.value.code == "ticket-digest"


def test_a_ticket_ends_with_whatever_ends_first(world: Any, make: dict[str, Any]) -> None:
    long = make["decision"](expires=NOW + timedelta(hours=1))
    assert NOW + timedelta(minutes=15) == _draw(world, long).expires_at
    short = make["decision"](expires=NOW + timedelta(minutes=3))
    assert NOW + timedelta(minutes=3) == _draw(world, short).expires_at
    ending = world.approval("ana", expires_at=NOW + timedelta(minutes=2))
    assert NOW + timedelta(minutes=2) == _draw(world, long, approvals=(ending,)).expires_at


def test_it_names_the_artefacts_of_the_change(world: Any, make: dict[str, Any]) -> None:
    assert (sha256(b"the image"),) == _draw(world, make["decision"]()).artefacts


def test_any_in_toto_tool_can_verify_and_read_it(world: Any) -> None:
    content = world.sealed()
    envelope = Envelope.from_dict(json.loads(content))
    key_id = next(iter(envelope.signatures))
    key = SSlibKey.from_crypto(world.server.public_key(), keyid=key_id)
    assert {key_id} == set(envelope.verify([key], 1))
    statement = json.loads(envelope.payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert [world.change.digest, sha256(b"the image")] == [
        f"sha256:{one['digest']['sha256']}" for one in statement["subject"]
    ]


def test_what_is_read_is_what_was_drawn(world: Any) -> None:
    ticket = world.ticket()
    assert ticket == replace(read_ticket(world.sealed(ticket)).ticket, inclusion=None)


def test_the_terms_digest_covers_every_field_but_the_proof(world: Any, make: dict[str, Any]) -> None:
    ticket = world.ticket()
    others = {
        "id": "tkt-2", "change": "chg-2", "digest": sha256(b"2"), "artefacts": (), "environment": "staging",
        "rollout": "rol-1", "max_weight": 6.0, "services": (), "authors": (), "issued_at": NOW - timedelta(1),
        "expires_at": NOW, "rules_digest": sha256(b"3"), "decision": make["decision"](outcome=Outcome.DENY),
        "approvals": (), "delegations": ticket.approvals[:1],
        "one_person": True, "break_glass": True, "issuer": "x", "version": 2,
    }  # fmt: skip
    assert set(others) == {name for name in ticket.__dataclass_fields__ if name != "inclusion"}
    digests = {replace(ticket, **{name: value}).terms_digest for name, value in others.items()}
    assert len(digests | {ticket.terms_digest}) == len(others) + 1
    proven = replace(ticket, inclusion=world.log.inclusion(0))
    assert proven.terms_digest == ticket.terms_digest


def test_the_ledger_entry_fits_a_leaf_and_names_the_terms(world: Any) -> None:
    ticket = world.ticket()
    entry = issued_entry(ticket, actor="pipeline:ci")
    assert entry.body["ticket"] == ticket.terms_digest
    assert len(entry.leaf()) < 1_000


def test_an_inclusion_as_the_store_gives_it_is_read(world: Any) -> None:
    given = {"index": 1, "leaf": "{}", "proof": ["p"], "checkpoint": "c"}
    assert inclusion_of(given).index == 1
    with pytest.raises(InvalidInput):
        inclusion_of({**given, "index": "1"})


def test_a_ticket_too_large_to_verify_is_not_issued(world: Any) -> None:
    many = tuple(replace(world.approval("ana"), signature="x" * 300_000) for _ in range(4))
    with pytest.raises(InvalidInput) as caught:
        world.sealed(world.ticket(*many))
    assert caught.value.code == "input-too-large"
