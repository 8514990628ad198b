"""Secrets told by their whole value where the tool tells them by a part of it, or does not see them at all.

Rules:
1. Tokens whose kind stands in their first letters (``ghp_``, ``glpat-``) the tool knows by those letters alone:
   two of a kind would be one secret, and the second published under the first one's name. They are found here.
2. Their digest is the one that the tool gives of a whole value, so that what it says of the same one in other
   words is not a second secret.
3. What a Kubernetes ``Secret`` holds in base64 is looked at as what it says; only a value on the line
   of its key is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator

from interlock.core.scan.seen import Seen, Source

GITHUB, GITLAB = "GitHub Token", "GitLab Token"
WHOLE = frozenset({GITHUB, GITLAB})
_TOKENS = (
    (GITHUB, re.compile(rb"gh[pousr]_[A-Za-z0-9_]{36,255}")),
    (GITLAB, re.compile(rb"(?:gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-|GR1348941)[A-Za-z0-9_-]{20,1024}")),
)
_SECRET = re.compile(rb"^kind:[ \t]*['\"]?Secret\b", re.MULTILINE)
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


def is_kubernetes(source: Source, text: bytes) -> bool:
    """Whether it is YAML with a ``Secret`` in it."""
    return source.path.lower().endswith(_YAML) and _SECRET.search(text) is not None


def decoded(line: bytes) -> tuple[bytes, str]:
    """The line with what its value says in base64, and the digest of the value as it is written; else empty."""
    found = _VALUE.match(line)
    if found is None:
        return b"", ""
    try:
        plain = base64.b64decode(found[2], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return b"", ""
    if not plain.strip().isprintable() or '"' in plain:
        return b"", ""
    return found[1] + b': "' + plain.strip().encode() + b'"', digest(found[2])
