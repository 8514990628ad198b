"""Private keys, told by what they are and not by their first line, which every key of a kind has.

Rules:
1. A key is what follows its first line and looks like a key's lines: base64, and the fields that stand above it.
   Quotes, indentation and line ends that are written out change nothing: a key that is quoted anew is the same.
2. Where nothing like it follows, as in code that looks for keys, the first line is all there is.
3. All keys of a file are told, wherever it was changed: so each at the base accounts for one at the head.
4. Of a key only a digest is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from interlock.core.scan.secrets_whole import KEY, digest, plain_of
from interlock.core.scan.seen import Seen, Source

_BEGIN = re.compile(
    rb"BEGIN (?:(?:DSA|EC|OPENSSH|RSA|SSH2 ENCRYPTED) )?PRIVATE KEY"
    rb"|BEGIN PGP PRIVATE KEY BLOCK|PuTTY-User-Key-File-2"
)
_MOST, _FIRST = 16 * 1024, 16
_LINES = re.compile(rb"\r?\n|(?:\\r)?\\n")
_FIELD = re.compile(rb"[A-Z][A-Za-z0-9-]{2,30}: \S.{0,200}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=]+")
_AROUND = b" \t\"'`,;\\()[]|>#*"


def keys(source: Source, text: bytes, tool: str, *, kubernetes: bool) -> Iterator[Seen]:
    """The private keys in a text; ``kubernetes``: those in base64 as well, as what a Secret holds."""
    for found in _BEGIN.finditer(text):
        yield _seen(source, text.count(b"\n", 0, found.start()) + 1, text, found, tool)
    for number, line in enumerate(text.split(b"\n"), 1) if kubernetes else ():
        plain = plain_of(line)
        for found in _BEGIN.finditer(plain):
            yield _seen(source, number, plain, found, tool)


def _seen(source: Source, line: int, text: bytes, found: re.Match[bytes], tool: str) -> Seen:
    return Seen(
        source=source,
        line=line,
        rule=KEY,
        tool=tool,
        level="warning",
        cwes=frozenset({798}),
        identity=digest(_body(text[found.end() : found.end() + _MOST]) or found[0]),
    )


def _body(after: bytes) -> bytes:
    """What of a text is the key's own, without anything that only quotes it; empty where nothing is."""
    kept: list[bytes] = []
    # The rest of the first line is dashes, and in one line with the key whatever comes behind them.
    for line in _LINES.split(after.lstrip(b"-")):
        plain = line.strip(_AROUND)
        if _FIELD.fullmatch(plain):
            kept.append(plain)
            continue
        words = plain.split()
        good = [word for word in words if _BASE64.fullmatch(word) and (kept or len(word) >= _FIRST)]
        kept += good
        if words != good:
            break
    return b"".join(kept)
