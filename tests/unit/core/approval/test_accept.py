"""What goes on record as signed by a person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from interlock.core.approval.accept import accept
from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.catalog import Role
from interlock.core.change.errors import Forbidden, InvalidInput
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, statement
from interlock.testing.authenticator import TOUCH, UnsafeSimulatedAuthenticator
from interlock.testing.signing import UnsafeNamedSigner

ISSUED = NOW - timedelta(hours=1)


def take(said, armoured=None, *, now=NOW, received_from="ana", catalog=None):
    signer = UnsafeNamedSigner("ana")
    return accept(
        said,
        armoured or signer.sign(said),
        catalog=catalog or shop.shop(),
        settings=shop.SETTINGS,
        now=now,
        received_from=received_from,
        record_id="sig-1",
    )


def code_of(*given, **options) -> str:
    with pytest.raises(InvalidInput) as refused:
        take(*given, **options)
    assert "\n" not in str(refused.value)
    return refused.value.code


def test_a_good_statement_goes_on_record():
    kept = take(statement("ana"))
    assert (kept.id, kept.presence, kept.received_at, kept.received_from) == ("sig-1", "possession", NOW, "ana")
    assert kept.fingerprint == UnsafeNamedSigner("ana").public_key.fingerprint


def test_bytes_are_taken_when_they_are_canonical():
    said = statement("ana")
    assert take(said.to_bytes(), UnsafeNamedSigner("ana").sign(said)).statement == said


def spaced(said) -> bytes:
    return json.dumps(json.loads(said.to_bytes()), indent=1).encode()


def doubled(said) -> bytes:
    return said.to_bytes().replace(b'{"answers"', b'{"approver":"ben","answers"', 1)


def shifted(said) -> bytes:
    return said.to_bytes().replace(b"2026-03-05T13:00:00.000Z", b"2026-03-05T14:00:00.000+01:00")


@pytest.mark.parametrize("spelling", [spaced, doubled, shifted, lambda said: said.to_bytes() + b"\n"])
def test_another_spelling_of_a_statement_is_refused(spelling):
    said = statement("ana")
    content = spelling(said)
    assert content != said.to_bytes()
    assert code_of(content, UnsafeNamedSigner("ana").sign(said)) == "statement-not-canonical"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"purpose":"approve"}', b"[" * 5000])
def test_bytes_that_are_no_statement_are_refused(content):
    assert code_of(content, "x") == "input-shape"


def test_a_statement_beyond_the_limit_is_refused():
    assert code_of(b" " * 16_385, "x") == "statement-size"
    assert code_of(statement("ana", answers={"breaks": "x" * 20_000})) == "statement-size"
    assert code_of(statement("ana", details={str(number): "" for number in range(17)})) == "statement-size"


@pytest.mark.parametrize(
    ("replaced", "code"),
    [
        ({"nonce": "short"}, "statement-nonce"),
        ({"nonce": "x" * 65}, "statement-nonce"),
        ({"nonce": "with a blank in it"}, "statement-nonce"),
        ({"digest": "sha256:ABC"}, "statement-digest"),
        ({"digest": ""}, "statement-digest"),
        ({"subject": ""}, "statement-name"),
        ({"environment": "pro duction"}, "statement-name"),
        ({"environment": "production\n"}, "statement-name"),
        ({"on_behalf_of": "ana"}, "statement-on-behalf"),
        ({"on_behalf_of": "ben", "purpose": "delegation"}, "statement-on-behalf"),
        ({"issued_at": NOW + timedelta(minutes=2, seconds=1)}, "statement-from-future"),
        ({"issued_at": NOW - timedelta(hours=24, seconds=1)}, "statement-too-old"),
        ({"expires_at": NOW}, "statement-expired"),
        ({"expires_at": ISSUED + timedelta(hours=72, seconds=1)}, "statement-lifetime"),
        ({"purpose": "break-glass", "expires_at": ISSUED + timedelta(minutes=61)}, "statement-lifetime"),
        ({"purpose": "delegation", "expires_at": ISSUED + timedelta(days=91)}, "statement-lifetime"),
    ],
)
def test_a_statement_that_does_not_hold_is_refused(replaced, code):
    assert code_of(statement("ana", **replaced)) == code


@pytest.mark.parametrize(
    "replaced",
    [
        {"issued_at": NOW + timedelta(minutes=2)},
        {"issued_at": NOW - timedelta(hours=24)},
        {"expires_at": ISSUED + timedelta(hours=72)},
        {"expires_at": NOW + timedelta(milliseconds=1)},
        {"purpose": "delegation", "expires_at": ISSUED + timedelta(days=90)},
    ],
)
def test_the_last_moment_that_holds_is_taken(replaced):
    assert take(statement("ana", **replaced))


@pytest.mark.parametrize(
    "received_from",
    [
        "agent:codey",
        "codey",
        "codey-bot[bot]",
        "pipeline:ci",
        "ci",
        "stranger",
        "",
        Actor(principal="ana", kind="agent", scopes=frozenset(Scope)),
        Actor(principal="ana", kind="pipeline", scopes=frozenset(Scope)),
        Actor(principal="codey", kind="person", scopes=frozenset(Scope)),
    ],
)
def test_agents_pipelines_and_strangers_may_not_hand_one_in(received_from):
    with pytest.raises(Forbidden) as refused:
        take(statement("ana"), received_from=received_from)
    assert refused.value.code == "approval-by-machine"


@pytest.mark.parametrize(
    "received_from", ["ana", "ben", "local:root", Actor(principal="ana", kind="person", scopes=frozenset())]
)
def test_a_person_or_this_machines_console_may(received_from):
    assert take(statement("ana"), received_from=received_from).statement.approver == "ana"


@pytest.mark.parametrize("approver", ["mallory", "ANA", "\u0430na", "ana@shop.example", "person:ana", "codey"])
def test_an_approver_whom_the_catalog_does_not_call_so_is_refused(approver):
    assert code_of(statement(approver), received_from="ben") == "approver-unknown"


def test_a_key_of_somebody_else_or_of_nobody_is_refused():
    said = statement("ana")
    assert code_of(said, UnsafeNamedSigner("ben").sign(said)) == "key-not-theirs"
    assert code_of(said, UnsafeNamedSigner("ana", 1).sign(said)) == "key-not-theirs"


def test_a_key_that_two_people_list_is_refused():
    shared = replace(shop.shop().people["ben"], keys=(UnsafeNamedSigner("ana").public_key,))
    assert code_of(statement("ana"), catalog=shop.with_person(shop.shop(), shared)) == "key-not-theirs"


@pytest.mark.parametrize(
    "window",
    [
        {"revoked": True},
        {"not_after": NOW},
        {"not_after": ISSUED},
        {"not_before": NOW},
        {"not_before": ISSUED + timedelta(milliseconds=1)},
    ],
)
def test_a_key_must_be_good_at_issue_and_at_receipt(window):
    ana = UnsafeNamedSigner("ana").person(Role.DIRECTOR)
    limited = replace(ana, keys=(replace(ana.keys[0], **window),))
    assert code_of(statement("ana"), catalog=shop.with_person(shop.shop(), limited)) == "key-not-valid"


def test_presence_comes_from_the_signature_and_not_from_what_the_statement_says():
    device = UnsafeSimulatedAuthenticator("ana")
    ana = replace(UnsafeNamedSigner("ana").person(), keys=(device.public_key,))
    said = statement("ana", details={"presence": "verified"})
    kept = take(said, device.sign(said, flags=TOUCH), catalog=shop.with_person(shop.shop(), ana))
    assert kept.presence == "present"


def test_a_signature_for_another_namespace_is_refused():
    said = statement("ana")
    assert code_of(said, UnsafeNamedSigner("ana").sign(said, namespace="git")) == "signature-namespace"
