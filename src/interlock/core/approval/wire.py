"""The SSH wire format (RFC 4251 section 5), read strictly and written.

Rules:
1. A length that reaches beyond the end, a string above its limit and a byte left over are refused.
2. An ``mpint`` is positive and has its one minimal form; base64 has its one canonical form, padding included.
"""

from __future__ import annotations

import base64
import binascii

from interlock.core.change.errors import InvalidInput

MAX_STRING = 8192
"""Bytes in one string; an RSA modulus of 16,384 bits takes 2,049."""


class Wire:
    """A cursor over one SSH structure; ``what`` and ``code`` name it in errors."""

    def __init__(self, content: bytes, *, what: str, code: str) -> None:
        self._content = content
        self._at = 0
        self._what = what
        self._code = code

    def take(self, count: int) -> bytes:
        """Exactly ``count`` bytes."""
        end = self._at + count
        if end > len(self._content):
            raise self.refused("it ends in the middle of a field")
        taken = self._content[self._at : end]
        self._at = end
        return taken

    def uint32(self) -> int:
        """A big-endian number of four bytes."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """A length and that many bytes."""
        length = self.uint32()
        if length > MAX_STRING:
            raise self.refused(f"a field claims {length} bytes")
        return self.take(length)

    def text(self) -> str:
        """A string of printable ASCII: names of algorithms, namespaces, applications."""
        content = self.string()
        if any(byte < 0x20 or byte > 0x7E for byte in content):  # noqa: PLR2004  # space to tilde
            raise self.refused("a name holds bytes that are not printable ASCII")
        return content.decode("ascii")

    def mpint(self) -> int:
        """A positive integer in its minimal form."""
        content = self.string()
        if not content or content[0] & 0x80:
            raise self.refused("a number is not positive")
        if content[0] == 0 and (len(content) == 1 or not content[1] & 0x80):
            raise self.refused("a number is not in its minimal form")
        return int.from_bytes(content, "big")

    def end(self) -> None:
        """Nothing may be left."""
        left = len(self._content) - self._at
        if left:
            raise self.refused(f"{left} bytes follow its end")

    def refused(self, why: str) -> InvalidInput:
        """The error for this structure."""
        return malformed(self._what, why, code=self._code)


def malformed(what: str, why: str, *, code: str) -> InvalidInput:
    """One line that says what was expected and why it is not that."""
    return InvalidInput(
        f"expected {what}, got something else: {why}",
        code=code,
        hint="paste it whole and unchanged, as ssh-keygen wrote it",
    )


def strict_base64(text: str, *, what: str, code: str) -> bytes:
    """Bytes of canonical base64: no blanks, right padding, no stray bits."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise malformed(what, "its base64 cannot be read", code=code) from error
    if base64.b64encode(content).decode("ascii") != text:
        raise malformed(what, "its base64 is not canonical", code=code)
    return content


def wire_string(content: bytes) -> bytes:
    """``content`` behind its length."""
    return len(content).to_bytes(4, "big") + content


def wire_mpint(number: int) -> bytes:
    """A positive integer as an ``mpint``."""
    return wire_string(number.to_bytes(number.bit_length() // 8 + 1, "big"))
