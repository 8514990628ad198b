"""A security key in software, for tests and demonstrations: it says that a person was there, and nobody was.

Rules:
1. It signs like an ``sk-ssh-ed25519@openssh.com`` key, with whatever flags it is told to claim.
2. A key made here must never be listed in a real catalog: presence proven by it is worth nothing.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from interlock.core.approval.keys import SK_ED25519, SK_P256, SshKey, parse_key_blob
from interlock.core.approval.model import NAMESPACE, Statement
from interlock.core.approval.sshsig import enclose, signed_bytes, sk_preimage
from interlock.core.approval.wire import wire_mpint, wire_string
from interlock.core.change.catalog import PublicKey

TOUCH = 0x01
TOUCH_AND_PIN = 0x05


class UnsafeSimulatedAuthenticator:
    """One simulated key on one simulated device, derived from ``name``; its counter rises with each use."""

    def __init__(self, name: str, *, key_type: str = SK_ED25519, application: str = "ssh:") -> None:
        self._seed = hashlib.sha256(f"interlock.dev/unsafe-authenticator/{name}".encode()).digest()
        self._key_type = key_type
        self._application = application
        self._counter = 0
        self._name = name

    @property
    def blob(self) -> bytes:
        """The public key in the SSH wire format."""
        fields = [self._key_type.encode(), *self._public_fields(), self._application.encode()]
        return b"".join(map(wire_string, fields))

    @property
    def key(self) -> SshKey:
        """The public key as interlock reads it."""
        return parse_key_blob(self.blob)

    @property
    def public_key(self) -> PublicKey:
        """The catalog's entry for the key; the comment says what it is."""
        line = f"{self.key.line} {self._name}-SIMULATED-DO-NOT-TRUST"
        return PublicKey(line=line, fingerprint=self.key.fingerprint)

    def sign(self, statement: Statement, *, flags: int = TOUCH_AND_PIN, namespace: str = NAMESPACE) -> str:
        """The armoured signature over the statement, claiming ``flags``."""
        return self.sign_bytes(statement.to_bytes(), flags=flags, namespace=namespace)

    def sign_bytes(self, message: bytes, *, flags: int = TOUCH_AND_PIN, namespace: str = NAMESPACE) -> str:
        """The armoured signature over any bytes."""
        self._counter += 1
        signed = signed_bytes(message, namespace=namespace, hash_name="sha512")
        raw = self._raw(sk_preimage(self._application, flags, self._counter, signed))
        head = wire_string(self._key_type.encode()) + wire_string(raw)
        signature = head + bytes([flags]) + self._counter.to_bytes(4, "big")
        return enclose(self.blob, signature, namespace=namespace, hash_name="sha512")

    def _public_fields(self) -> list[bytes]:
        if self._key_type != SK_P256:
            return [self._ed25519().public_key().public_bytes_raw()]
        point = self._p256().public_key().public_numbers()
        return [b"nistp256", b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")]

    def _raw(self, preimage: bytes) -> bytes:
        if self._key_type != SK_P256:
            return self._ed25519().sign(preimage)
        numbers = decode_dss_signature(self._p256().sign(preimage, ec.ECDSA(SHA256())))
        return b"".join(map(wire_mpint, numbers))

    def _ed25519(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._seed)

    def _p256(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self._seed, "big") >> 1, ec.SECP256R1())
