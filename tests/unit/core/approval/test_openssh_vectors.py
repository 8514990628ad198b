"""OpenSSH's own signature vectors, security keys included: the same are accepted, with our own limits on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.core.approval.keys import parse_public_key
from interlock.core.approval.sshsig import verify
from interlock.core.change.errors import InvalidInput

FOLDER = Path(__file__).parents[3] / "data" / "ssh" / "openssh"
MESSAGE = (FOLDER / "signed-data").read_bytes()
NAMESPACE = (FOLDER / "namespace").read_text()


def read(name: str) -> str:
    return (FOLDER / name).read_text()


@pytest.mark.parametrize(
    ("name", "presence", "counter"),
    [
        ("ed25519", "possession", None),
        ("ecdsa", "possession", None),
        ("rsa", "possession", None),
        ("ed25519_sk", "present", 0x12345678),
        ("ecdsa_sk", "present", 0x12345678),
    ],
)
def test_a_vector_verifies(name, presence, counter):
    verified = verify(read(f"{name}.sig"), MESSAGE, namespace=NAMESPACE)
    assert verified.fingerprint == parse_public_key(read(f"{name}.pub")).fingerprint
    assert (verified.presence, verified.counter) == (presence, counter)
    for message, namespace in ((MESSAGE + b"!", NAMESPACE), (MESSAGE, "other")):
        with pytest.raises(InvalidInput):
            verify(read(f"{name}.sig"), message, namespace=namespace)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ecdsa_sk_webauthn", "key-weak"),
        ("mldsa44-ed25519", "key-unsupported"),
    ],
)
def test_a_vector_of_a_kind_we_do_not_take_is_refused_by_name(name, code):
    with pytest.raises(InvalidInput) as refused:
        verify(read(f"{name}.sig"), MESSAGE, namespace=NAMESPACE)
    assert refused.value.code == code
