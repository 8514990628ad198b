"""DSSE against an implementation that is not ours, and what must not be read."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.dsse import (
    IN_TOTO,
    load_public_key,
    pae,
    read_envelope,
    sign_envelope,
    signature_holds,
)
from interlock.core.evidence.strict_json import read_json

STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x", "predicate": {}}
ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EC = ec.derive_private_key(7, ec.SECP256R1())


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_specification_s_own_example_of_the_signed_bytes() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert expected == pae("http://example.com/HelloWorld", b"hello world")


@pytest.mark.parametrize("key", [ED, EC], ids=["ed25519", "ecdsa-p256"])
def test_what_we_sign_verifies_in_securesystemslib(key: ed25519.Ed25519PrivateKey) -> None:
    foreign = ForeignEnvelope.from_dict(json.loads(sign_envelope(STATEMENT, key, "k1")))
    assert {"k1"} == set(foreign.verify([SSlibKey.from_crypto(key.public_key(), keyid="k1")], 1))


@pytest.mark.parametrize("key", [ED, EC], ids=["ed25519", "ecdsa-p256"])
def test_what_securesystemslib_signs_verifies_here(key: ed25519.Ed25519PrivateKey) -> None:
    foreign = ForeignEnvelope(json.dumps(STATEMENT).encode(), IN_TOTO, {})
    foreign.sign(CryptoSigner(key))
    envelope = read_envelope(json.dumps(foreign.to_dict()).encode())
    assert signature_holds(envelope, envelope.signatures[0], load_public_key(pem(key)))


def test_another_payload_type_breaks_the_signature() -> None:
    value = json.loads(sign_envelope(STATEMENT, ED, "k1"))
    value["payloadType"] = "application/other"
    envelope = read_envelope(json.dumps(value).encode())
    assert not signature_holds(envelope, envelope.signatures[0], load_public_key(pem(ED)))


def test_a_sigstore_bundle_is_opened() -> None:
    inner = json.loads(sign_envelope(STATEMENT, ED, "k1"))
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": inner}
    envelope = read_envelope(json.dumps(bundle).encode())
    assert signature_holds(envelope, envelope.signatures[0], load_public_key(pem(ED)))


def _with(**changes: object) -> bytes:
    value = json.loads(sign_envelope(STATEMENT, ED, "k1"))
    return json.dumps({**value, **changes}).encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input-empty"),
        (b"{", "json-unreadable"),
        (b"\xef\xbb\xbf{}", "json-unreadable"),
        (b"\xff\xfe", "json-unreadable"),
        (b"{} {}", "json-unreadable"),
        (b'{"payload": NaN}', "json-unreadable"),
        (b'{"payload": ' + b"9" * 5000 + b"}", "json-unreadable"),
        (b"[" * 100_000, "json-unreadable"),
        (b"[" * 65 + b"]" * 65, "json-too-deep"),
        (b"[" + b"[]," * 1_000_000 + b"[]]", "input-too-large"),
        (b'{"payload": "", "payload": ""}', "json-key-twice"),
        (b"[]", "envelope-shape"),
        (_with(extra=1), "envelope-shape"),
        (_with(payload="not base64"), "envelope-shape"),
        (_with(payload="eyJ9\n"), "envelope-shape"),
        (_with(payload="eyK="), "envelope-shape"),
        (_with(payload=7), "envelope-shape"),
        (_with(payloadType=""), "envelope-shape"),
        (_with(signatures=[]), "envelope-shape"),
        (_with(signatures=[{"sig": "AA=="}] * 17), "envelope-shape"),
        (_with(signatures=[{"keyid": "k1"}]), "envelope-shape"),
        (_with(signatures=["x"]), "envelope-shape"),
        (_with(signatures=[{"sig": "AA==", "keyid": 3}]), "envelope-shape"),
    ],
)
def test_what_is_no_envelope_is_refused_in_one_line(content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_envelope(content)
    assert code == caught.value.code
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_sixty_four_levels_are_read() -> None:
    assert read_json(b"[" * 64 + b"]" * 64, what="x", limit=1_000)
    assert read_json(b'{"a":' * 63 + b"[1]" + b"}" * 63, what="x", limit=1_000)


def test_the_size_is_checked_before_the_content() -> None:
    with pytest.raises(InvalidInput, match="at most 100 bytes") as caught:
        read_envelope(b"{" * 101, limit=100)
    assert caught.value.code == "input-too-large"


def test_base64_of_the_url_alphabet_is_read() -> None:
    payload = base64.urlsafe_b64encode(b"\xfb\xff\xfe").decode()
    assert read_envelope(_with(payload=payload)).payload == b"\xfb\xff\xfe"


def test_other_kinds_of_keys_are_refused() -> None:
    big = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    curve = ec.derive_private_key(7, ec.SECP384R1()).public_key()
    spki = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for text in (big.public_bytes(*spki).decode(), curve.public_bytes(*spki).decode(), "no key", ""):
        with pytest.raises(InvalidInput) as caught:
            load_public_key(text)
        assert caught.value.code == "key-unreadable"
