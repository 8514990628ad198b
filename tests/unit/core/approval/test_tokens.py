"""Tokens: what they may hold, when they are good, and that nothing can be probed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from interlock.core.approval.actor import NEVER_FOR_AGENTS, Scope
from interlock.core.approval.tokens import (
    Token,
    looks_like_secret,
    new_token,
    secret_hash,
    secret_text,
    verify,
)
from interlock.core.change.errors import Conflict, Forbidden, InvalidInput, Unauthenticated

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
SECRET = secret_text(bytes(range(32)))


def make(**changes: object) -> Token:
    given_: dict[str, object] = {
        "token_id": "tok-1",
        "principal": "ana",
        "kind": "person",
        "scopes": (Scope.READ,),
        "days": 30,
        "secret": SECRET,
        "created_by": "local:root",
        "now": NOW,
    }
    return new_token(**(given_ | changes))  # type: ignore[arg-type]  # a table of keywords


def test_a_secret_has_256_bits_and_is_not_in_the_record():
    assert looks_like_secret(SECRET)
    assert SECRET not in repr(make())
    assert make().hash == secret_hash(SECRET)


@given(some.binary(max_size=64).filter(lambda content: len(content) != 32))
def test_less_or_more_randomness_is_refused(content):
    with pytest.raises(InvalidInput, match="32 random bytes"):
        secret_text(content)


@pytest.mark.parametrize("scope", sorted(NEVER_FOR_AGENTS))
def test_an_agent_is_never_given_what_it_may_never_do(scope):
    with pytest.raises(Forbidden) as refused:
        make(kind="agent", scopes=(Scope.READ, scope))
    assert refused.value.code == "agent-never"


@pytest.mark.parametrize("scope", sorted(set(Scope) - NEVER_FOR_AGENTS))
def test_an_agent_may_hold_the_rest(scope):
    assert make(kind="agent", scopes=(scope,)).actor().scopes == {scope}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": ()}, "token-scopes"),
        ({"days": 0}, "token-days"),
        ({"days": 367}, "token-days"),
        ({"principal": ""}, "token-principal"),
        ({"principal": "a\nb"}, "token-principal"),
        ({"principal": "local:ana"}, "token-principal"),
        ({"principal": "pipeline:x"}, "token-principal"),
        ({"principal": "Pipeline:x"}, "token-principal"),
        ({"principal": "agent:x"}, "token-principal"),
        ({"principal": "local:x", "kind": "pipeline"}, "token-principal"),
        ({"principal": "pipeline:x", "kind": "agent"}, "token-principal"),
        ({"principal": "agent:x", "kind": "pipeline"}, "token-principal"),
        ({"principal": "a" * 129}, "token-principal"),
    ],
)
def test_what_a_token_cannot_be(changes, code):
    with pytest.raises(InvalidInput) as refused:
        make(**changes)
    assert refused.value.code == code


def test_a_token_is_good_from_its_making_until_its_end_and_not_a_moment_longer():
    token = make(days=1)
    assert verify(token, SECRET, NOW).principal == "ana"
    assert verify(token, SECRET, NOW + timedelta(days=1, milliseconds=-1)).token == "tok-1"
    for moment in (NOW - timedelta(milliseconds=1), NOW + timedelta(days=1)):
        with pytest.raises(Unauthenticated):
            verify(token, SECRET, moment)


def test_every_refusal_reads_the_same():
    token = make()
    told = set()
    for found, secret in (
        (None, SECRET),
        (token, "ilk_" + "B" * 43),
        (token.revoke(NOW), SECRET),
        (make(days=1, now=NOW - timedelta(days=2)), SECRET),
    ):
        with pytest.raises(Unauthenticated) as refused:
            verify(found, secret, NOW)
        told.add((refused.value.code, refused.value.message, refused.value.hint))
    assert len(told) == 1


def test_a_token_is_revoked_once():
    with pytest.raises(Conflict, match="revoked before"):
        make().revoke(NOW).revoke(NOW)


@pytest.mark.parametrize("text", ["", "ilk_", "ilk_" + "A" * 42, "ilk_" + "A" * 44, "ILK_" + "A" * 43, "é" * 47])
def test_only_the_shape_of_a_secret_is_looked_up(text):
    assert not looks_like_secret(text)
