"""Approvals hold whatever the order, whoever else is an author, and whichever byte is turned over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.core.approval.accept import read_statement
from interlock.core.approval.identity import folded, likeness, spellings
from interlock.core.approval.keys import SK_P256, parse_key_blob, parse_public_key
from interlock.core.approval.principals import Principals
from interlock.core.approval.sshsig import sign, verify
from interlock.core.change.catalog import Role
from interlock.core.change.errors import InvalidInput
from interlock.testing import approvals as shop
from interlock.testing.approvals import NOW, approval, change, count
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.signing import UnsafeNamedSigner

SPACE = "approval@interlock.dev"
NAMES = tuple(shop.ROLES)
SUBJECT = change(opened_by="pipeline:ci", agent=None, sponsor=None)


def lend(delegator: str, delegate: str):
    return approval(
        delegator,
        purpose="delegation",
        environment="*",
        nonce=f"nonce-{delegator}-{delegate}",
        details={"delegate": delegate},
    )


@st.composite
def statements(draw):
    """Approvals in person and for others, good and bad, some of them twice."""
    approver = draw(st.sampled_from(NAMES))
    other = draw(st.sampled_from([None, *(name for name in NAMES if name != approver)]))
    made = approval(
        approver,
        SUBJECT,
        on_behalf_of=other,
        nonce=f"nonce-of-{draw(st.integers(1, 3))}-{approver}",
        environment=draw(st.sampled_from(["production", "production", "staging"])),
        expires_at=NOW + timedelta(hours=draw(st.integers(0, 3))),
    )
    late = NOW - timedelta(minutes=draw(st.integers(0, 3)))
    used = draw(st.sampled_from([None, None, None, "tkt-1"]))
    return replace(made, id=f"sig-{draw(st.integers(0, 9**9))}", received_at=late, used_by=used)


LENT = [lend("ana", "dee"), lend("ana", "eve"), lend("ben", "dee"), lend("cai", "ana")]


@settings(max_examples=80, deadline=None)
@given(data=st.data(), kept=st.lists(statements(), max_size=8))
def test_the_order_of_statements_never_matters(data, kept):
    shuffled = data.draw(st.permutations(kept))
    assert count(*kept, of=SUBJECT, standing=LENT) == count(*shuffled, of=SUBJECT, standing=LENT[::-1])


@settings(max_examples=80, deadline=None)
@given(kept=st.lists(statements(), max_size=8), who=st.sampled_from(NAMES))
def test_another_author_never_makes_more_of_it(kept, who):
    before = count(*kept, of=SUBJECT, standing=LENT)
    after = count(*kept, of=replace(SUBJECT, pushed_by=(who,)), standing=LENT)
    assert {item.person for item in after.counted} <= {item.person for item in before.counted}
    assert len(after.counted) <= len(before.counted)
    assert who not in {item.person for item in after.counted}


@settings(max_examples=80, deadline=None)
@given(kept=st.lists(statements(), max_size=8))
def test_everything_is_either_counted_or_rejected_and_nobody_twice(kept):
    result = count(*kept, of=SUBJECT, standing=LENT)
    people = [item.person for item in result.counted]
    assert len(people) == len(set(people))
    assert len(result.counted) + len(result.rejected) == len(kept)
    lenders = [item.on_behalf_of for item in result.counted if item.on_behalf_of]
    assert len(lenders) == len(set(lenders))
    assert not set(lenders) & {item.person for item in result.counted}


MESSAGE = approval("ana").statement.to_bytes()
SIGNED = {
    "ed25519": sign(Ed25519PrivateKey.from_private_bytes(b"\x05" * 32), MESSAGE, SPACE),
    "p256": sign(ec.derive_private_key(5, ec.SECP256R1()), MESSAGE, SPACE),
    "p384": sign(ec.derive_private_key(5, ec.SECP384R1()), MESSAGE, SPACE),
    "sk-ed25519": UnsafeSimulatedAuthenticator("ana").sign_bytes(MESSAGE),
    "sk-p256": UnsafeSimulatedAuthenticator("ana", key_type=SK_P256).sign_bytes(MESSAGE),
}


@pytest.mark.parametrize("kind", SIGNED)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_turned_bit_anywhere_in_a_signature_is_refused(kind, data):
    content = bytearray(SIGNED[kind].encode())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 6))
    with pytest.raises(InvalidInput):
        verify(content.decode(), MESSAGE, namespace=SPACE)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_turned_bit_anywhere_in_a_statement_is_refused(data):
    content = bytearray(MESSAGE)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InvalidInput):
        verify(SIGNED["ed25519"], bytes(content), namespace=SPACE)


def refusal_of(reading) -> InvalidInput | None:
    try:
        reading()
    except InvalidInput as error:
        return error
    return None


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=200), text=st.text(max_size=300))
def test_whatever_is_read_is_read_or_refused_in_one_line(content, text):
    for reading in (
        lambda: parse_key_blob(content),
        lambda: parse_public_key(text),
        lambda: verify(text, b"", namespace=SPACE),
        lambda: read_statement(content),
        lambda: read_statement(text.encode("utf-8", "surrogatepass")),
    ):
        refusal = refusal_of(reading)
        assert refusal is None or (refusal.hint and "\n" not in str(refusal))


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=60))
def test_identities_are_compared_in_a_settled_form(text):
    assert folded(folded(text)) == folded(text)
    assert spellings(folded(text)) == spellings(text)
    assert likeness(text) == likeness(folded(text))


@settings(max_examples=60, deadline=None)
@given(shared=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 4)), max_size=8))
def test_being_one_principal_is_mutual_and_reaches_on(shared):
    people = shop.people(**dict.fromkeys(NAMES, Role.ENGINEER))
    for name, number in shared:
        person = people[name]
        people[name] = replace(person, accounts=(*person.accounts, f"shared-account-{number}"))
    principals = Principals(shop.shop(people=people))
    for name in NAMES:
        assert name in principals.same(name)
        for other in principals.same(name):
            assert principals.same(other) == principals.same(name)


@settings(max_examples=40, deadline=None)
@given(name=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20))
def test_a_derived_signer_is_the_same_each_time(name):
    assert UnsafeNamedSigner(name).public_key == UnsafeNamedSigner(name).public_key
