"""What a program said on a terminal, with the times: an asciicast (version 2), which players of terminals show.

Rules:
1. A line is a header or one event ``[seconds, "o", text]``. What was typed is not in it: passwords are typed.
2. Values that are known to be secret are masked, also where one comes in several pieces. What nobody knows to be
   one is not.
3. It has a limit; what comes after is counted, and left out.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence

from interlock.core.change.redact import shown

MOST_BYTES = 16 * 1024 * 1024
SHORTEST = 6
"""A value of fewer characters is in too many words to be masked."""
MASK = "********"


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables that are secret by their name or by their form, longest first."""
    found = {
        value
        for name, value in environment.items()
        if len(value) >= SHORTEST and isinstance(shown(value, (name,)), Mapping)
    }
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


class Masker:
    """Text as it comes, without secrets; what may be the beginning of one is held back."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets, self._held = tuple(secrets), ""
        self.masked = 0

    def feed(self, text: str) -> str:
        """What can be said by now."""
        text = self._without(self._held + text)
        held = max((self._begun(text, secret) for secret in self._secrets), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def rest(self) -> str:
        """What was held back, at the end."""
        text, self._held = self._held, ""
        return text

    def whole(self, text: str) -> str:
        """One text by itself."""
        return self._without(text)

    def _without(self, text: str) -> str:
        for secret in self._secrets:
            self.masked += text.count(secret)
            text = text.replace(secret, MASK)
        return text

    @staticmethod
    def _begun(text: str, secret: str) -> int:
        """How many characters at the end of ``text`` are the beginning of a secret."""
        longest = min(len(secret) - 1, len(text))
        return next((size for size in range(longest, 0, -1) if secret.startswith(text[-size:])), 0)


class Transcript:
    """A transcript as it is written; ``bytes`` are what stands in it."""

    def __init__(self, masker: Masker, *, columns: int, rows: int, began: int, command: str) -> None:
        self._masker, self._decoder = masker, codecs.getincrementaldecoder("utf-8")("replace")
        header = {
            "version": 2, "width": columns, "height": rows, "timestamp": began, "command": masker.whole(command),
        }  # fmt: skip
        self._lines = [json.dumps(header, ensure_ascii=False)]
        self._size = len(self._lines[0]) + 1
        self.events = self.left_out = 0

    def said(self, content: bytes, at: float) -> None:
        """A piece of what was said, ``at`` seconds after the beginning."""
        self._keep(self._masker.feed(self._decoder.decode(content)), at)

    def over(self, at: float) -> bytes:
        """The whole file, once nothing more is said."""
        self._keep(self._masker.feed(self._decoder.decode(b"", final=True)) + self._masker.rest(), at)
        return "".join(f"{line}\n" for line in self._lines).encode("utf-8", "replace")

    def _keep(self, text: str, at: float) -> None:
        if not text:
            return
        line = json.dumps([round(at, 3), "o", text], ensure_ascii=False)
        size = len(line.encode("utf-8", "replace")) + 1
        if self._size + size > MOST_BYTES:
            self.left_out += len(text)
            return
        self._lines.append(line)
        self._size += size
        self.events += 1
