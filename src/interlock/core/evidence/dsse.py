"""DSSE, the envelope in which signed statements travel.

Rules:
1. What is signed is the pre-authentication encoding of type and payload, so a payload of one type never
   verifies as another. The key id is a hint outside the signature and proves nothing.
2. Base64 is read strictly (one spelling per content); standard and URL alphabets are both allowed by DSSE.
3. Keys are Ed25519 or ECDSA on P-256 with SHA-256, given as SPKI PEM; any other kind is refused. ECDSA signatures
   are read in DER and as two bare numbers.
4. A Sigstore bundle is opened to the envelope inside; its certificate is not trusted by that.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from interlock.core.change.canonical import Json, canonical, sha256
from interlock.core.change.errors import InvalidInput
from interlock.core.evidence.strict_json import read_json

IN_TOTO = "application/vnd.in-toto+json"
MAX_ENVELOPE = 16 * 1024 * 1024
MAX_SIGNATURES = 16
P256_BYTES = 32

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature and the id of the key it claims to be by, None where the envelope names none."""

    key_id: str | None
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload, its type and at least one signature; nothing is verified yet."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def signed_bytes(self) -> bytes:
        """The bytes under every signature."""
        return pae(self.payload_type, self.payload)

    def to_json(self) -> dict[str, Json]:
        """The envelope as DSSE's JSON."""
        signatures: list[Json] = []
        for one in self.signatures:
            named: dict[str, Json] = {} if one.key_id is None else {"keyid": one.key_id}
            signatures.append(named | {"sig": base64.b64encode(one.sig).decode()})
        payload = base64.b64encode(self.payload).decode()
        return {"payload": payload, "payloadType": self.payload_type, "signatures": signatures}


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE v1's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def read_envelope(content: bytes, *, what: str = "a DSSE envelope", limit: int = MAX_ENVELOPE) -> Envelope:
    """The envelope in ``content``, checked for shape only.

    Raises:
        InvalidInput: ``envelope-shape``, or one of the codes of ``read_json``.
    """
    value = read_json(content, what=what, limit=limit)
    if isinstance(value, dict) and "dsseEnvelope" in value and "mediaType" in value:
        value = value["dsseEnvelope"]
    if not isinstance(value, dict) or set(value) - {"payload", "payloadType", "signatures"}:
        raise _shape(what, "an object with payload, payloadType and signatures and nothing else")
    kind, signatures = value.get("payloadType"), value.get("signatures")
    if not isinstance(kind, str) or not kind or len(kind) > 200:  # noqa: PLR2004  # far beyond any media type
        raise _shape(what, "`payloadType` as a short string")
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise _shape(what, f"1 to {MAX_SIGNATURES} `signatures`")
    return Envelope(
        payload=_base64(value.get("payload"), what),
        payload_type=kind,
        signatures=tuple(_signature(one, what) for one in signatures),
    )


def sign_envelope(statement: Json, private_key: PrivateKey, key_id: str, *, payload_type: str = IN_TOTO) -> bytes:
    """``statement`` in its canonical form, signed and wrapped: the bytes of the file."""
    payload = canonical(statement)
    message = pae(payload_type, payload)
    sig = (
        private_key.sign(message)
        if isinstance(private_key, ed25519.Ed25519PrivateKey)
        else private_key.sign(message, ec.ECDSA(SHA256()))
    )
    signature = Signature(key_id=key_id, sig=sig)
    return canonical(Envelope(payload=payload, payload_type=payload_type, signatures=(signature,)).to_json())


def signature_holds(envelope: Envelope, signature: Signature, public_key: PublicKey) -> bool:
    """Whether this key made this signature over this envelope."""
    message = envelope.signed_bytes()
    try:
        if isinstance(public_key, ed25519.Ed25519PublicKey):
            public_key.verify(signature.sig, message)
        else:
            public_key.verify(_der(signature.sig), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=256)
def load_public_key(pem: str) -> PublicKey:
    """The key in an SPKI PEM.

    Raises:
        InvalidInput: ``key-unreadable`` for anything but Ed25519 and P-256.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm, UnicodeError) as error:
        raise _key() from error
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise _key()


def key_id_of(public_key: PublicKey) -> str:
    """``sha256:…`` of the key's SPKI DER: the id interlock gives its own keys."""
    return sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _der(sig: bytes) -> bytes:
    """An ECDSA signature in DER; key stores often write the two numbers bare, 32 bytes each."""
    if len(sig) != 2 * P256_BYTES:
        return sig
    return encode_dss_signature(int.from_bytes(sig[:P256_BYTES], "big"), int.from_bytes(sig[P256_BYTES:], "big"))


def _signature(value: Json, what: str) -> Signature:
    if not isinstance(value, dict) or set(value) - {"keyid", "sig", "cert"}:
        raise _shape(what, "each signature as an object with `sig` and, if known, `keyid`")
    key_id = value.get("keyid")
    if key_id is not None and (not isinstance(key_id, str) or len(key_id) > 512):  # noqa: PLR2004  # ids are short
        raise _shape(what, "`keyid` as a short string")
    return Signature(key_id=key_id or None, sig=_base64(value.get("sig"), what))


def _base64(value: Json, what: str) -> bytes:
    if not isinstance(value, str) or not value:
        raise _shape(what, "`payload` and `sig` as base64")
    alphabet = b"-_" if "-" in value or "_" in value else b"+/"
    try:
        content = base64.b64decode(value, altchars=alphabet, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _shape(what, "`payload` and `sig` as base64") from error
    if base64.b64encode(content, altchars=alphabet).decode() != value:
        raise _shape(what, "`payload` and `sig` as base64 with nothing left over")
    return content


def _shape(what: str, expected: str) -> InvalidInput:
    return InvalidInput(
        f"expected {what} with {expected}",
        code="envelope-shape",
        hint="give the file as the signer wrote it (DSSE in JSON, or a Sigstore bundle)",
    )


def _key() -> InvalidInput:
    return InvalidInput(
        "expected a public key in PEM (Ed25519 or ECDSA P-256), got something else",
        code="key-unreadable",
        hint="openssl pkey -in KEY -pubout writes one",
    )
