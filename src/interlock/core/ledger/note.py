"""C2SP signed notes with Ed25519: a text, an empty line, and signatures that name their keys.

Rules:
1. A note counts only when a key that the caller named verified it; a signature by that key that fails refuses the
   whole note, signatures by strangers are ignored.
2. A key is known by name and id (``name+id+key``); the id is four bytes of a hash, a label and no security.
3. Sizes are limited before anything is verified: 64 KiB, 64 signatures.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from interlock.core.change.errors import InvalidInput

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_NOTE = 65_536
MAX_SIGNATURES = 64

_KEY_BYTES = 32
_ID_BYTES = 4
_NAME = re.compile(r"[^\s+]{1,255}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\u2014"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: ``key_id`` is four bytes, ``content`` what follows them."""

    name: str
    key_id: bytes
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note taken apart. ``text`` ends in a newline; nothing here has been verified."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key with its name: ``str(key)`` is its ``vkey`` form."""

    name: str
    public: bytes
    algorithm: int = ED25519

    @property
    def key_id(self) -> bytes:
        """The four bytes that signature lines carry."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed()).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._typed()).decode()}"

    def _typed(self) -> bytes:
        return bytes([self.algorithm]) + self.public

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """A key from ``name+id+key``.

        Raises:
            InvalidInput: ``vkey-malformed``.
        """
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            typed = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            typed = b""
        known = typed[:1] in {bytes([ED25519]), bytes([COSIGNATURE])}
        key = cls(name=name, public=typed[1:], algorithm=typed[0] if typed else 0)
        if not _NAME.fullmatch(name) or not known or len(key.public) != _KEY_BYTES or key.key_id.hex() != key_id:
            raise InvalidInput(
                f"expected a verifier key `name+id+key`, got `{text[:80]}`",
                code="vkey-malformed",
                hint="copy the whole line that `interlock ledger key` prints",
            )
        return key

    def check(self, message: bytes, signature: bytes) -> None:
        """Verify one Ed25519 signature; raises ``InvalidInput`` ``note-refused``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise refused(f"the signature by `{self.name}` does not verify") from error


class NoteSigner:
    """A private key with the name it signs under. Its ``repr`` never shows the key."""

    def __init__(self, name: str, seed: bytes) -> None:
        if not _NAME.fullmatch(name) or len(seed) != _KEY_BYTES:
            raise InvalidInput(
                f"expected a name without spaces or `+` and a key of 32 bytes, got `{name[:80]}` and {len(seed)}",
                code="signer-malformed",
                hint="name the log like `ledger.example.com/production`",
            )
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name=name, public=self._private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """The key's name; for a log this is its origin."""
        return self.verifier.name

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """The key itself, for what is not a note: tickets are signed with a key of their own kept the same way."""
        return self._private

    def sign(self, text: str) -> str:
        """The note over ``text``, which ends in a newline."""
        return f"{text}\n{signature_line(self.verifier, self._private.sign(text.encode()))}"

    @classmethod
    def generate(cls, name: str, randomness: Callable[[int], bytes]) -> tuple[NoteSigner, str]:
        """A new signer and its private text; ``randomness`` gives that many unpredictable bytes."""
        seed = randomness(_KEY_BYTES)
        signer = cls(name, seed)
        secret = base64.b64encode(bytes([ED25519]) + seed).decode()
        return signer, f"{_PRIVATE}{name}+{signer.verifier.key_id.hex()}+{secret}"

    @classmethod
    def parse(cls, text: str) -> NoteSigner:
        """A signer from ``PRIVATE+KEY+name+id+key``. The text is never shown in the error.

        Raises:
            InvalidInput: ``signer-malformed``.
        """
        name, _, rest = text.strip().removeprefix(_PRIVATE).partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            typed = base64.b64decode(encoded, validate=True)
            signer = cls(name, typed[1:])
        except (binascii.Error, ValueError, InvalidInput) as error:
            raise _not_a_signer() from error
        if not text.startswith(_PRIVATE) or typed[0] != ED25519 or signer.verifier.key_id.hex() != key_id:
            raise _not_a_signer()
        return signer

    def sign_bytes(self, message: bytes) -> bytes:
        """A bare Ed25519 signature, for a cosignature."""
        return self._private.sign(message)


def _not_a_signer() -> InvalidInput:
    return InvalidInput(
        "expected a private key `PRIVATE+KEY+name+id+key`, got another text",
        code="signer-malformed",
        hint="restore the key file from where you keep secrets; a log never changes its key",
    )


def signature_line(key: VerifierKey, content: bytes) -> str:
    """``— name base64``, with its newline."""
    return f"{_DASH} {key.name} {base64.b64encode(key.key_id + content).decode()}\n"


def split_note(note: str) -> Note:
    """A note in its parts, unverified.

    Raises:
        InvalidInput: ``note-malformed``.
    """
    text, separator, lines = note.rpartition("\n\n")
    rows = lines.split("\n")
    whole = separator and not rows.pop() and 1 <= len(rows) <= MAX_SIGNATURES
    if len(note) > MAX_NOTE or not whole or _CONTROL.search(note):
        raise _malformed(f"expected a signed note of at most {MAX_NOTE} characters, got another shape")
    return Note(text=text + "\n", signatures=tuple(_signature(row) for row in rows))


def open_note(note: str, key: VerifierKey) -> Note:
    """The note, verified by ``key``.

    Raises:
        InvalidInput: ``note-malformed``, or ``note-refused`` when ``key`` did not sign it or its signature fails.
    """
    opened = split_note(note)
    ours = [line for line in opened.signatures if (line.name, line.key_id) == (key.name, key.key_id)]
    if not ours:
        signers = ", ".join(f"`{line.name}`" for line in opened.signatures[:4])
        raise refused(f"expected a signature by `{key.name}` with key {key.key_id.hex()}, got one by {signers}")
    for line in ours:
        key.check(opened.text.encode(), line.content)
    return opened


def refused(why: str) -> InvalidInput:
    """The error for a note that must not be trusted."""
    return InvalidInput(why, code="note-refused", hint="compare the key with the one pinned at the start")


def _signature(row: str) -> Signature:
    dash, _, rest = row.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(f"expected base64 in a signature line, got `{row[:80]}`") from error
    if dash != _DASH or not _NAME.fullmatch(name) or len(content) <= _ID_BYTES:
        raise _malformed(f"expected a signature line, got `{row[:80]}`")
    return Signature(name=name, key_id=content[:_ID_BYTES], content=content[_ID_BYTES:])


def _malformed(why: str) -> InvalidInput:
    return InvalidInput(why, code="note-malformed", hint="fetch the note again, unaltered")
