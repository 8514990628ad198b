"""SSH signatures over files (OpenSSH's PROTOCOL.sshsig), verified and made.

Rules:
1. What is signed is never the message but ``SSHSIG``, namespace, reserved, hash name and hash of the message,
   so that a signature made for a login, for git or for another namespace never verifies here.
2. The armour, the base64 and every length are strict; nothing may follow anything.
3. Hashes are SHA-256 and SHA-512, RSA signs as ``rsa-sha2-256`` or ``rsa-sha2-512``; SHA-1 is refused by name.
4. A security key signs over its application, flags and counter. Presence is read from those signed flags and
   from nowhere else: a touch is ``present``, a touch with a PIN or a finger ``verified``, neither is
   ``possession``, like a software key.
5. Any failure is one refusal; nothing is learned from which byte was wrong.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from interlock.core.approval.keys import ED25519, P384, RSA, SshKey, parse_key_blob
from interlock.core.approval.model import Presence
from interlock.core.approval.wire import Wire, malformed, strict_base64, wire_mpint, wire_string
from interlock.core.change.errors import InvalidInput

MAX_ARMOUR = 16_384
MAX_MESSAGE = 1 << 20
_MAGIC = b"SSHSIG"
_VERSION = 1
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_WIDTHS = range(64, 77)
_WIDTH = 70
_CODE = "signature-malformed"
_HASHES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
}
_PRESENT = 0x01
_VERIFIED = 0x04

SoftwareKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Who signed, as a key, and how surely a person was there. ``counter`` is a security key's, else None."""

    public_key_line: str
    fingerprint: str
    key_type: str
    presence: Presence
    counter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parsed:
    key: SshKey
    namespace: str
    hash_name: str
    algorithm: str
    signature: bytes
    flags: int | None
    counter: int | None


def verify(armoured: str, message: bytes, *, namespace: str) -> Verified:
    """The signer of ``message``.

    Raises:
        InvalidInput: ``signature-malformed``, ``signature-algorithm``, ``signature-namespace``,
            ``signature-invalid``, or the ``key-…`` codes of ``parse_public_key``.
    """
    if len(message) > MAX_MESSAGE:
        raise malformed(f"a message of at most {MAX_MESSAGE} bytes", f"it has {len(message)}", code=_CODE)
    parsed = _parse(_open_armour(armoured))
    if not namespace or parsed.namespace != namespace:
        raise InvalidInput(
            f"expected a signature in namespace `{namespace}`, got `{parsed.namespace[:60]}`",
            code="signature-namespace",
            hint=f"sign with ssh-keygen -Y sign -n {namespace}",
        )
    _check(parsed, _preimage(message, namespace=namespace, hash_name=parsed.hash_name))
    return Verified(
        public_key_line=parsed.key.line,
        fingerprint=parsed.key.fingerprint,
        key_type=parsed.key.key_type,
        presence=_presence(parsed.flags),
        counter=parsed.counter,
    )


def sign(private_key: SoftwareKey, message: bytes, namespace: str) -> str:
    """An armoured signature by a software key, as ``ssh-keygen -Y sign`` makes it.

    Raises:
        InvalidInput: ``key-weak`` or ``key-unsupported`` for a key that could not be verified again.
    """
    key = parse_key_blob(public_blob(private_key))
    preimage = _preimage(message, namespace=namespace, hash_name="sha512")
    if isinstance(private_key, Ed25519PrivateKey):
        signature = wire_string(ED25519.encode()) + wire_string(private_key.sign(preimage))
    elif isinstance(private_key, rsa.RSAPrivateKey):
        raw = private_key.sign(preimage, padding.PKCS1v15(), hashes.SHA512())
        signature = wire_string(b"rsa-sha2-512") + wire_string(raw)
    else:
        numbers = decode_dss_signature(private_key.sign(preimage, ec.ECDSA(_curve_hash(key))))
        signature = wire_string(key.key_type.encode()) + wire_string(b"".join(map(wire_mpint, numbers)))
    return enclose(key.blob, signature, namespace=namespace, hash_name="sha512")


def public_blob(private_key: SoftwareKey) -> bytes:
    """The public half of a software key in the SSH wire format."""
    public = private_key.public_key()
    if isinstance(public, Ed25519PublicKey):
        return wire_string(ED25519.encode()) + wire_string(public.public_bytes_raw())
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return wire_string(RSA.encode()) + wire_mpint(numbers.e) + wire_mpint(numbers.n)
    curve = {"secp256r1": "nistp256", "secp384r1": "nistp384"}.get(public.curve.name, public.curve.name)
    point = public.public_numbers()
    size = (public.curve.key_size + 7) // 8
    encoded = b"\x04" + point.x.to_bytes(size, "big") + point.y.to_bytes(size, "big")
    return b"".join(map(wire_string, (f"ecdsa-sha2-{curve}".encode(), curve.encode(), encoded)))


def enclose(key_blob: bytes, signature: bytes, *, namespace: str, hash_name: str) -> str:
    """The armoured container around an SSH signature blob."""
    fields = (key_blob, namespace.encode("ascii"), b"", hash_name.encode("ascii"), signature)
    return _armour(_MAGIC + _VERSION.to_bytes(4, "big") + b"".join(map(wire_string, fields)), _WIDTH)


def signed_bytes(message: bytes, *, namespace: str, hash_name: str) -> bytes:
    """The bytes a key really signs for ``message``: for authenticators that sign by themselves."""
    return _preimage(message, namespace=namespace, hash_name=hash_name)


def sk_preimage(application: str, flags: int, counter: int, signed: bytes) -> bytes:
    """The bytes under a security key's signature (PROTOCOL.u2f)."""
    ahead = hashlib.sha256(application.encode("ascii")).digest()
    return ahead + bytes([flags]) + counter.to_bytes(4, "big") + hashlib.sha256(signed).digest()


def _open_armour(armoured: str) -> bytes:
    what = "an armoured SSH signature"
    if len(armoured) > MAX_ARMOUR:
        raise malformed(what, f"it has more than {MAX_ARMOUR} characters", code=_CODE)
    lines = armoured.removesuffix("\n").split("\n")
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:  # noqa: PLR2004  # begin, body, end
        raise malformed(what, f"it is not enclosed in `{_BEGIN}` and its end", code=_CODE)
    body = lines[1:-1]
    blob = strict_base64("".join(body), what=what, code=_CODE)
    width = len(body[0]) if len(body) > 1 else _WIDTH
    if width not in _WIDTHS or _armour(blob, width) != "\n".join([*lines, ""]):
        raise malformed(what, "its lines are not wrapped evenly", code=_CODE)
    return blob


def _armour(blob: bytes, width: int) -> str:
    encoded = b64encode(blob).decode("ascii")
    body = [encoded[at : at + width] for at in range(0, len(encoded), width)]
    return "\n".join([_BEGIN, *body, _END, ""])


def _parse(blob: bytes) -> _Parsed:
    wire = Wire(blob, what="an SSH signature", code=_CODE)
    if wire.take(len(_MAGIC)) != _MAGIC:
        raise wire.refused("it does not begin with SSHSIG")
    if wire.uint32() != _VERSION:
        raise wire.refused("its version is not 1")
    key = parse_key_blob(wire.string())
    namespace, reserved, hash_name, inner = wire.text(), wire.string(), wire.text(), wire.string()
    wire.end()
    if reserved:
        raise wire.refused("its reserved field is not empty")
    if hash_name not in _HASHES:
        raise _algorithm(f"the hash `{hash_name[:60]}`")
    algorithm, signature, flags, counter = _inner(key, inner)
    return _Parsed(
        key=key,
        namespace=namespace,
        hash_name=hash_name,
        algorithm=algorithm,
        signature=signature,
        flags=flags,
        counter=counter,
    )


def _inner(key: SshKey, blob: bytes) -> tuple[str, bytes, int | None, int | None]:
    wire = Wire(blob, what="an SSH signature", code=_CODE)
    algorithm, signature = wire.text(), wire.string()
    flags = counter = None
    if key.application is not None:
        flags, counter = wire.take(1)[0], wire.uint32()
    expected = tuple(_RSA_HASHES) if key.key_type == RSA else (key.key_type,)
    if algorithm not in expected:
        raise _algorithm(f"`{algorithm[:60]}` by a key of type {key.key_type}")
    wire.end()
    return algorithm, signature, flags, counter


def _preimage(message: bytes, *, namespace: str, hash_name: str) -> bytes:
    hashed = _HASHES[hash_name](message).digest()
    fields = (namespace.encode("ascii", "replace"), b"", hash_name.encode("ascii"), hashed)
    return _MAGIC + b"".join(map(wire_string, fields))


def _check(parsed: _Parsed, signed: bytes) -> None:
    key = parsed.key
    if key.application is not None and parsed.flags is not None and parsed.counter is not None:
        signed = sk_preimage(key.application, parsed.flags, parsed.counter, signed)
    try:
        _check_primitive(parsed, signed)
    except InvalidSignature as error:
        raise InvalidInput(
            "expected a signature by this key over exactly these bytes, got another one",
            code="signature-invalid",
            hint="sign the statement again as it is now",
        ) from error


def _check_primitive(parsed: _Parsed, signed: bytes) -> None:
    public = parsed.key.public
    if isinstance(public, Ed25519PublicKey):
        public.verify(parsed.signature, signed)
    elif isinstance(public, rsa.RSAPublicKey):
        public.verify(parsed.signature, signed, padding.PKCS1v15(), _RSA_HASHES[parsed.algorithm])
    else:
        wire = Wire(parsed.signature, what="an ECDSA signature", code=_CODE)
        encoded = encode_dss_signature(wire.mpint(), wire.mpint())
        wire.end()
        public.verify(encoded, signed, ec.ECDSA(_curve_hash(parsed.key)))


def _curve_hash(key: SshKey) -> hashes.HashAlgorithm:
    return hashes.SHA384() if key.key_type == P384 else hashes.SHA256()


def _presence(flags: int | None) -> Presence:
    if flags is None or not flags & _PRESENT:
        return "possession"
    return "verified" if flags & _VERIFIED else "present"


def _algorithm(got: str) -> InvalidInput:
    return InvalidInput(
        f"expected a signature with SHA-256 or SHA-512 that fits its key, got {got}",
        code="signature-algorithm",
        hint="sign with a current ssh-keygen; SHA-1 signatures are not accepted",
    )
