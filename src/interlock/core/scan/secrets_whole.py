"""Secrets told by their whole value where the tool tells them by a part of it, or does not see them at all.

Rules:
1. Tokens whose kind stands in their first letters (``ghp_``, ``glpat-``) the tool knows by those letters alone:
   two of a kind would be one secret, and the second published under the first one's name. They are found here.
2. Their digest is the one that the tool gives of a whole value, so that what it says of the same one in other
   words is not a second secret.
3. What a Kubernetes ``Secret`` holds in base64 is looked at as what it says; only a value on the line
   of its key is.
4. Private keys are told by all of them (see ``secrets_keys``), and signed tokens by their signature too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from interlock.core.scan.seen import Seen, Source

GITHUB, GITLAB = "GitHub Token", "GitLab Token"
KEY, SIGNED = "Private Key", "JSON Web Token"
WHOLE = frozenset({GITHUB, GITLAB, KEY})
"""What is found here, whatever the tool says of it."""
_TOKENS = (
    (GITHUB, re.compile(rb"gh[pousr]_[A-Za-z0-9_]{36,255}")),
    (GITLAB, re.compile(rb"(?:gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-|GR1348941)[A-Za-z0-9_-]{20,1024}")),
)
_SIGNED = re.compile(rb"(eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\.?)[A-Za-z0-9_.+/=-]*")
_SECRET = re.compile(rb"^(?:[ \t]*- +|[ \t]*)kind:[ \t]*['\"]?Secret\b", re.MULTILINE)
_VALUE = re.compile(rb"^\s+([\w.-]+):[ \t]*['\"]?([A-Za-z0-9+/]{8,}={0,2})['\"]?[ \t]*\r?$")
_YAML = (".yaml", ".yml")


def digest(value: bytes) -> str:
    """As detect-secrets tells one secret from another."""
    return hashlib.sha1(value, usedforsecurity=False).hexdigest()


def tokens(source: Source, lines: Iterable[tuple[int, bytes]], tool: str) -> Iterator[Seen]:
    """The tokens on these numbered lines."""
    for number, line in lines:
        for rule, pattern in _TOKENS:
            for value in pattern.findall(line):
                yield Seen(
                    source=source,
                    line=number,
                    rule=rule,
                    tool=tool,
                    level="warning",
                    cwes=frozenset({798}),
                    identity=digest(value),
                )


def whole(found: Seen, line: bytes) -> Seen:
    """A signed token by all of it, where the tool tells it without its signature; anything else as it is."""
    if found.rule != SIGNED:
        return found
    tokens = [each[0] for each in _SIGNED.finditer(line) if found.identity in {digest(each[1]), digest(each[0])}]
    return replace(found, identity=digest(b" ".join(tokens))) if tokens else found


def is_kubernetes(source: Source, text: bytes) -> bool:
    """Whether it is YAML with a ``Secret`` in it."""
    return source.path.lower().endswith(_YAML) and _SECRET.search(text) is not None


def decoded(line: bytes) -> tuple[bytes, str]:
    """The line with what its value says in base64, else empty, and the digest of a value as it is written."""
    found = _VALUE.match(line)
    if found is None:
        return b"", ""
    plain = plain_of(line).decode("utf-8", "replace").strip()
    if not plain or not plain.isprintable() or '"' in plain or "\N{REPLACEMENT CHARACTER}" in plain:
        return b"", digest(found[2])
    return found[1] + b': "' + plain.encode() + b'"', digest(found[2])


def plain_of(line: bytes) -> bytes:
    """What the value of a line says in base64; empty where it says nothing."""
    found = _VALUE.match(line)
    try:
        return base64.b64decode(found[2], validate=True) if found is not None else b""
    except binascii.Error:
        return b""
