"""The real ssh-keygen signs and interlock verifies; interlock signs and the real ssh-keygen verifies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from interlock.core.approval.keys import SK_ED25519, SK_P256, parse_public_key
from interlock.core.approval.model import NAMESPACE
from interlock.core.approval.sshsig import sign, verify
from interlock.core.change.errors import InvalidInput
from interlock.testing.approvals import statement
from interlock.testing.authenticator import TOUCH, TOUCH_AND_PIN, UnsafeSimulatedAuthenticator

KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "rsa-3072": ("-t", "rsa", "-b", "3072"),
}
MESSAGE = statement("ana").to_bytes()


def keygen(*arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ssh-keygen", *arguments], input=content, capture_output=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in KINDS.items():
        assert keygen("-q", *kind, "-N", "", "-C", "ana@laptop", "-f", str(folder / name)).returncode == 0
    return {name: folder / name for name in KINDS}


def allowed(folder: Path, line: str) -> str:
    path = folder / "allowed_signers"
    path.write_text(f"ana {line}\n")
    return str(path)


def keygen_verifies(folder: Path, armoured: str, line: str, message: bytes, namespace: str = NAMESPACE) -> bool:
    path = folder / "statement.sig"
    path.write_text(armoured)
    signers = allowed(folder, line)
    ran = keygen("-Y", "verify", "-f", signers, "-I", "ana", "-n", namespace, "-s", str(path), content=message)
    return ran.returncode == 0


@pytest.mark.parametrize("name", KINDS)
def test_ssh_keygen_signs_and_we_verify(keys, name):
    armoured = keygen("-q", "-Y", "sign", "-f", str(keys[name]), "-n", NAMESPACE, content=MESSAGE).stdout.decode()
    verified = verify(armoured, MESSAGE, namespace=NAMESPACE)
    key = parse_public_key(keys[name].with_name(name + ".pub").read_text())
    assert (verified.fingerprint, verified.presence) == (key.fingerprint, "possession")
    with pytest.raises(InvalidInput):
        verify(armoured, MESSAGE + b" ", namespace=NAMESPACE)


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_both_hashes_of_ssh_keygen_are_read(keys, hash_name):
    key = str(keys["ed25519"])
    signed = keygen("-q", "-Y", "sign", "-O", f"hashalg={hash_name}", "-f", key, "-n", NAMESPACE, content=MESSAGE)
    assert verify(signed.stdout.decode(), MESSAGE, namespace=NAMESPACE)


@pytest.mark.parametrize("name", KINDS)
def test_we_sign_and_ssh_keygen_verifies(keys, name, tmp_path):
    private = load_ssh_private_key(keys[name].read_bytes(), None)
    line = keys[name].with_name(name + ".pub").read_text().strip()
    armoured = sign(private, MESSAGE, NAMESPACE)
    assert keygen_verifies(tmp_path, armoured, line, MESSAGE)
    assert not keygen_verifies(tmp_path, armoured, line, MESSAGE + b" ")
    assert not keygen_verifies(tmp_path, armoured, line, MESSAGE, namespace="git")


@pytest.mark.parametrize("name", KINDS)
def test_fingerprints_are_those_of_ssh_keygen(keys, name):
    public = keys[name].with_name(name + ".pub")
    printed = keygen("-l", "-f", str(public)).stdout.decode().split()
    assert parse_public_key(public.read_text()).fingerprint == printed[1]


@pytest.mark.parametrize("key_type", [SK_ED25519, SK_P256])
@pytest.mark.parametrize("flags", [TOUCH, TOUCH_AND_PIN])
def test_ssh_keygen_verifies_what_the_simulated_security_key_signs(key_type, flags, tmp_path):
    device = UnsafeSimulatedAuthenticator("ana", key_type=key_type)
    armoured = device.sign_bytes(MESSAGE, flags=flags)
    assert keygen_verifies(tmp_path, armoured, device.key.line, MESSAGE)
    assert not keygen_verifies(tmp_path, armoured, device.key.line, MESSAGE + b" ")


@pytest.mark.parametrize("key_type", [SK_ED25519, SK_P256])
def test_ssh_keygen_and_we_print_the_same_fingerprint_of_a_security_key(key_type, tmp_path):
    device = UnsafeSimulatedAuthenticator("ana", key_type=key_type)
    path = tmp_path / "key.pub"
    path.write_text(device.public_key.line + "\n")
    assert keygen("-l", "-f", str(path)).stdout.decode().split()[1] == device.key.fingerprint


def test_a_weak_rsa_key_of_ssh_keygen_is_refused(tmp_path):
    path = tmp_path / "weak"
    assert keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(path)).returncode == 0
    signed = keygen("-q", "-Y", "sign", "-f", str(path), "-n", NAMESPACE, content=MESSAGE).stdout.decode()
    with pytest.raises(InvalidInput) as refused:
        verify(signed, MESSAGE, namespace=NAMESPACE)
    assert refused.value.code == "key-weak"
