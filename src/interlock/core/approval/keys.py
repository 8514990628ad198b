"""OpenSSH public keys: which ones may stand for a person, and their one fingerprint.

Rules:
1. Known types: ed25519, ECDSA on P-256 and P-384, RSA of 3072 to 8192 bits, and the two ``sk-`` types of
   security keys. Everything else, certificates and DSA included, is refused by name.
2. A line is ``TYPE BASE64 [COMMENT]``. Options before the type (``cert-authority``, ``command=…``) are refused:
   they would change what the line means. The comment means nothing and is never an identity.
3. The type inside the blob is the one in front of it; nothing follows the key.
4. Keys that anybody could sign for are refused: small-order ed25519 points, tiny RSA exponents.
5. A security key was made for SSH: its application begins with ``ssh:``.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from interlock.core.approval.wire import Wire, malformed, strict_base64
from interlock.core.change.errors import InvalidInput

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
P256 = "ecdsa-sha2-nistp256"
P384 = "ecdsa-sha2-nistp384"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_P256 = "sk-ecdsa-sha2-nistp256@openssh.com"
KEY_TYPES = (ED25519, P256, P384, RSA, SK_ED25519, SK_P256)

MAX_LINE = 4096
MIN_RSA_BITS = 3072
MAX_RSA_BITS = 8192
MIN_EXPONENT = 65537
_ED25519_BYTES = 32
_FIELD = 2**255 - 19
_ORDER_EIGHT = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _ORDER_EIGHT, _FIELD - _ORDER_EIGHT})
"""The heights of all points whose order divides eight."""
_CODE = "key-malformed"

SshPublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, kw_only=True)
class SshKey:
    """A public key that may stand for a person. ``application`` is set for security keys only."""

    key_type: str
    blob: bytes
    comment: str
    application: str | None
    public: SshPublicKey

    @cached_property
    def fingerprint(self) -> str:
        """``SHA256:`` and 43 characters of base64, as ``ssh-keygen -l`` prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode("ascii").rstrip("=")

    @property
    def line(self) -> str:
        """``TYPE BASE64`` without the comment: one form for one key."""
        return f"{self.key_type} {base64.b64encode(self.blob).decode('ascii')}"


@lru_cache(maxsize=20_000)
def parse_public_key(line: str) -> SshKey:
    """The key of one OpenSSH public key line.

    Raises:
        InvalidInput: ``key-malformed``, ``key-unsupported`` or ``key-weak``.
    """
    text = line.strip(" \t\n") if len(line) <= MAX_LINE else ""
    if not text or any(ord(char) < 0x20 or ord(char) == 0x7F for char in text.replace("\t", " ")):  # noqa: PLR2004  # control characters
        raise malformed("one OpenSSH public key line", "it is empty, too long or more than one line", code=_CODE)
    key_type, _, rest = text.partition(" ")
    if key_type not in KEY_TYPES:
        raise _unsupported(key_type)
    encoded, _, comment = rest.strip().partition(" ")
    blob = strict_base64(encoded, what="a public key", code=_CODE)
    key = parse_key_blob(blob, comment=comment.strip())
    if key.key_type != key_type:
        raise malformed(f"a key of type {key_type}", f"the blob holds a `{key.key_type}`", code=_CODE)
    return key


def parse_key_blob(blob: bytes, *, comment: str = "") -> SshKey:
    """The key of one wire-format blob; errors as ``parse_public_key``."""
    wire = Wire(blob, what="a public key", code=_CODE)
    key_type = wire.text()
    public = _public(key_type, wire)
    application = wire.text() if key_type in (SK_ED25519, SK_P256) else None
    wire.end()
    if application is not None and not application.startswith("ssh:"):
        raise _weak(f"a security key made for `{application[:60]}`", "make one with ssh-keygen -t ed25519-sk")
    return SshKey(key_type=key_type, blob=blob, comment=comment, application=application, public=public)


def _public(key_type: str, wire: Wire) -> SshPublicKey:
    if key_type in (ED25519, SK_ED25519):
        return _ed25519(wire.string())
    if key_type in (P256, SK_P256):
        return _point("nistp256", ec.SECP256R1(), wire)
    if key_type == P384:
        return _point("nistp384", ec.SECP384R1(), wire)
    if key_type == RSA:
        return _rsa(exponent=wire.mpint(), modulus=wire.mpint())
    raise _unsupported(key_type)


def _ed25519(content: bytes) -> Ed25519PublicKey:
    if len(content) != _ED25519_BYTES:
        raise malformed("32 bytes of ed25519 key", f"there are {len(content)}", code=_CODE)
    if _small_order(content):
        raise _weak("an ed25519 point of small order", "make a key with ssh-keygen -t ed25519")
    return Ed25519PublicKey.from_public_bytes(content)


def _small_order(content: bytes) -> bool:
    """Whether anybody could sign for this point: eight times it is nothing. Both signs of the other coordinate."""
    height = int.from_bytes(content, "little") & (2**255 - 1)
    return height >= _FIELD or height in _SMALL_ORDER


def _point(name: str, curve: ec.EllipticCurve, wire: Wire) -> ec.EllipticCurvePublicKey:
    if wire.text() != name:
        raise wire.refused(f"its curve is not {name}")
    encoded = wire.string()
    if encoded[:1] != b"\x04":
        raise wire.refused("its point is not in the uncompressed form")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, encoded)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise wire.refused("its point is not on the curve") from error


def _rsa(*, exponent: int, modulus: int) -> rsa.RSAPublicKey:
    bits = modulus.bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise _weak(f"an RSA key of {bits} bits", f"use {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, or ssh-ed25519")
    if exponent < MIN_EXPONENT or not exponent & 1 or exponent.bit_length() > 32 or not modulus & 1:  # noqa: PLR2004  # bits
        raise _weak(f"an RSA exponent of `{exponent % 10**12}`", "make a key with ssh-keygen -t rsa -b 3072")
    try:
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise malformed("an RSA key", "its numbers do not fit together", code=_CODE) from error


def _weak(what: str, hint: str) -> InvalidInput:
    return InvalidInput(f"expected a strong key, got {what}", code="key-weak", hint=hint)


def _unsupported(name: str) -> InvalidInput:
    return InvalidInput(
        f"expected a key line that begins with its type, got `{name[:60]}`",
        code="key-unsupported",
        hint=f"use one of {', '.join(KEY_TYPES)}, without options before it",
    )
