"""SSH signatures: what verifies, and what does not."""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.approval.keys import SK_ED25519, SK_P256
from interlock.core.approval.sshsig import MAX_MESSAGE, enclose, public_blob, sign, signed_bytes, verify
from interlock.core.approval.wire import wire_mpint, wire_string
from interlock.core.change.errors import InvalidInput
from interlock.testing.authenticator import TOUCH, UnsafeSimulatedAuthenticator

SPACE = "approval@interlock.dev"
MESSAGE = b'{"purpose":"approve"}'
ED25519 = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


def code_of(armoured: str, message: bytes = MESSAGE, namespace: str = SPACE) -> str:
    with pytest.raises(InvalidInput) as refused:
        verify(armoured, message, namespace=namespace)
    assert refused.value.hint
    return refused.value.code


def blob_of(armoured: str) -> bytes:
    return b64decode("".join(armoured.split("\n")[1:-2]))


def wrapped(blob: bytes, width: int = 70) -> str:
    text = b64encode(blob).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def container(
    *,
    magic: bytes = b"SSHSIG",
    version: int = 1,
    key: bytes = public_blob(ED25519),
    namespace: bytes = SPACE.encode(),
    reserved: bytes = b"",
    hash_name: bytes = b"sha512",
    signature: bytes | None = None,
    after: bytes = b"",
) -> str:
    if signature is None:
        raw = ED25519.sign(signed_bytes(MESSAGE, namespace=SPACE, hash_name="sha512"))
        signature = wire_string(b"ssh-ed25519") + wire_string(raw)
    fields = (key, namespace, reserved, hash_name, signature)
    return wrapped(magic + version.to_bytes(4, "big") + b"".join(map(wire_string, fields)) + after)


@pytest.mark.parametrize(
    "private", [ED25519, ec.derive_private_key(9, ec.SECP256R1()), ec.derive_private_key(9, ec.SECP384R1())]
)
def test_a_signature_by_a_software_key_verifies_as_possession(private):
    verified = verify(sign(private, MESSAGE, SPACE), MESSAGE, namespace=SPACE)
    assert (verified.presence, verified.counter) == ("possession", None)
    assert b64decode(verified.public_key_line.split()[1]) == public_blob(private)


def test_a_signature_by_an_rsa_key_verifies():
    assert verify(sign(rsa_key(), MESSAGE, SPACE), MESSAGE, namespace=SPACE).key_type == "ssh-rsa"


@pytest.mark.parametrize("key_type", [SK_ED25519, SK_P256])
@pytest.mark.parametrize(
    ("flags", "presence"), [(0x00, "possession"), (TOUCH, "present"), (0x04, "possession"), (0x05, "verified")]
)
def test_presence_is_in_the_signed_flags(key_type, flags, presence):
    device = UnsafeSimulatedAuthenticator("ana", key_type=key_type)
    verified = verify(device.sign_bytes(MESSAGE, flags=flags, namespace=SPACE), MESSAGE, namespace=SPACE)
    assert (verified.presence, verified.counter) == (presence, 1)


@pytest.mark.parametrize("key_type", [SK_ED25519, SK_P256])
def test_a_forged_presence_flag_or_counter_is_refused(key_type):
    device = UnsafeSimulatedAuthenticator("ana", key_type=key_type)
    blob = blob_of(device.sign_bytes(MESSAGE, flags=TOUCH, namespace=SPACE))
    assert blob[-5] == TOUCH
    assert code_of(wrapped(blob[:-5] + b"\x05" + blob[-4:])) == "signature-invalid"
    assert code_of(wrapped(blob[:-1] + b"\x02")) == "signature-invalid"


def test_the_container_of_these_tests_verifies_when_nothing_is_wrong():
    assert verify(container(), MESSAGE, namespace=SPACE).key_type == "ssh-ed25519"


@pytest.mark.parametrize(
    ("armoured", "code"),
    [
        (container(magic=b"SSHSIH"), "signature-malformed"),
        (container(version=2), "signature-malformed"),
        (container(version=0), "signature-malformed"),
        (container(reserved=b"x"), "signature-malformed"),
        (container(after=b"\x00"), "signature-malformed"),
        (container(hash_name=b"sha1"), "signature-algorithm"),
        (container(hash_name=b"md5"), "signature-algorithm"),
        (container(hash_name=b"SHA512"), "signature-algorithm"),
        (container(hash_name=b"sha256"), "signature-invalid"),
        (container(namespace=b"git"), "signature-namespace"),
        (container(namespace=b""), "signature-namespace"),
        (container(namespace=SPACE.encode() + b"\x00"), "signature-malformed"),
        (container(key=b""), "key-malformed"),
        (container(key=public_blob(Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))), "signature-invalid"),
        (container(signature=b""), "signature-malformed"),
        (container(signature=wire_string(b"ssh-ed25519") + wire_string(b"")), "signature-invalid"),
        (container(signature=wire_string(b"ssh-rsa") + wire_string(bytes(64))), "signature-algorithm"),
        (
            container(signature=wire_string(b"ssh-ed25519") + wire_string(bytes(64)) + b"\x01"),
            "signature-malformed",
        ),
        (container(signature=wire_string(b"none") + wire_string(b"")), "signature-algorithm"),
    ],
)
def test_a_container_that_differs_anywhere_is_refused(armoured, code):
    assert code_of(armoured) == code


GOOD = sign(ED25519, MESSAGE, SPACE)


@pytest.mark.parametrize(
    "armoured",
    [
        "",
        "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
        GOOD + "\n",
        "\n" + GOOD,
        " " + GOOD,
        GOOD + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        GOOD.replace("BEGIN SSH", "BEGIN  SSH"),
        wrapped(blob_of(GOOD), 63),
        wrapped(blob_of(GOOD), 77),
        GOOD.replace("\n-----END", "=\n-----END"),
        GOOD[:60] + " " + GOOD[60:],
        GOOD[:110] + "\n" + GOOD[110:],
        GOOD[:100] + "\n\n" + GOOD[101:],
        GOOD[:60] + "\n" + GOOD[60:],
        GOOD[:60] + "\u200b" + GOOD[60:],
        "A" * 20_000,
    ],
)
def test_the_armour_is_strict(armoured):
    assert code_of(armoured) == "signature-malformed"


@pytest.mark.parametrize("width", [64, 70, 76])
def test_usual_widths_and_a_missing_last_line_end_are_read(width):
    assert verify(wrapped(blob_of(GOOD), width).rstrip("\n"), MESSAGE, namespace=SPACE)


def test_another_message_or_namespace_is_refused():
    assert code_of(GOOD, MESSAGE + b" ") == "signature-invalid"
    assert code_of(GOOD, namespace="git") == "signature-namespace"
    assert code_of(sign(ED25519, MESSAGE, "file")) == "signature-namespace"
    assert code_of(GOOD, namespace="") == "signature-namespace"


def test_rsa_with_sha1_is_refused_by_name():
    signed = signed_bytes(MESSAGE, namespace=SPACE, hash_name="sha512")
    raw = rsa_key().sign(signed, padding.PKCS1v15(), hashes.SHA1())  # this is the attack
    for algorithm in (b"ssh-rsa", b"rsa-sha2-512", b"rsa-sha2-256"):
        signature = wire_string(algorithm) + wire_string(raw)
        code = code_of(enclose(public_blob(rsa_key()), signature, namespace=SPACE, hash_name="sha512"))
        assert code == ("signature-algorithm" if algorithm == b"ssh-rsa" else "signature-invalid")


def test_an_rsa_signature_of_another_length_is_refused():
    blob = blob_of(sign(rsa_key(), MESSAGE, SPACE))
    raw = blob[-384:]
    signature = wire_string(b"rsa-sha2-512") + wire_string(b"\x00" + raw)
    padded = enclose(public_blob(rsa_key()), signature, namespace=SPACE, hash_name="sha512")
    assert code_of(padded) == "signature-invalid"


def test_a_plain_signature_by_a_security_key_type_is_refused():
    device = UnsafeSimulatedAuthenticator("ana")
    signature = wire_string(SK_ED25519.encode()) + wire_string(bytes(64))
    armoured = enclose(device.blob, signature, namespace=SPACE, hash_name="sha512")
    assert code_of(armoured) == "signature-malformed"


@pytest.mark.parametrize("zero", [b"", b"\x00"])
def test_ecdsa_numbers_are_positive_and_minimal(zero):
    private = ec.derive_private_key(9, ec.SECP256R1())
    signature = wire_string(b"ecdsa-sha2-nistp256") + wire_string(wire_mpint(1) + wire_string(zero))
    armoured = enclose(public_blob(private), signature, namespace=SPACE, hash_name="sha512")
    assert code_of(armoured) == "signature-malformed"


def test_a_message_beyond_the_limit_is_refused():
    assert code_of(GOOD, bytes(MAX_MESSAGE + 1)) == "signature-malformed"


def test_a_signature_by_a_weak_key_is_refused():
    blob = wire_string(b"ssh-ed25519") + wire_string(b"\x01" + bytes(31))
    signature = wire_string(b"ssh-ed25519") + wire_string(b"\x01" + bytes(63))
    assert code_of(enclose(blob, signature, namespace=SPACE, hash_name="sha512")) == "key-weak"
