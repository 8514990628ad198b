"""People who sign, for tests and demonstrations: keys made from a name, so that every run is the same.

Anybody who knows the name knows the key. Nothing here may ever stand in a real catalog.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from interlock.core.approval.keys import parse_key_blob
from interlock.core.approval.model import NAMESPACE, Statement
from interlock.core.approval.sshsig import public_blob, sign
from interlock.core.change.catalog import Person, PublicKey, Role


@cache
def _derived(name: str, number: int) -> Ed25519PrivateKey:
    seed = hashlib.sha256(f"interlock.dev/unsafe-named-signer/{name}/{number}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


@dataclass(frozen=True, slots=True)
class UnsafeNamedSigner:
    """A person with an ed25519 key that is derived from ``name`` and the number of the key."""

    name: str
    number: int = 0

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """The derived key."""
        return _derived(self.name, self.number)

    @property
    def public_key(self) -> PublicKey:
        """The catalog's entry for the key."""
        key = parse_key_blob(public_blob(self.private_key))
        return PublicKey(line=f"{key.line} {self.name}@example", fingerprint=key.fingerprint)

    def person(self, role: Role = Role.ENGINEER, *, groups: tuple[str, ...] = ()) -> Person:
        """The catalog's entry for the person: an address and an account of that name, and this key."""
        return Person(
            name=self.name,
            role=role,
            emails=(f"{self.name}@shop.example",),
            accounts=(f"{self.name}-gh",),
            keys=(self.public_key,),
            groups=groups,
        )

    def sign(self, statement: Statement, *, namespace: str = NAMESPACE) -> str:
        """The armoured signature over the statement."""
        return sign(self.private_key, statement.to_bytes(), namespace)
