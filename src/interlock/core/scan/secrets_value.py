"""What a value says of itself: that it is a reference, words, or made up at random.

Rules:
1. The tool tells a value by its digest. It is looked for on the line, judged, and forgotten.
2. A reference leads to where the secret is: ``${NAME}``, ``$NAME``, ``{name}``, ``<name>``, ``env(…)``. What
   begins like one and is random (``$x7…``) is none. Digests of passwords (``$2b$…``) are no passwords.
3. A sentence, a word in a file of translations, and what says that it is wrong (``wrong-password``) are none.
4. Random is a text that changes between small and capital letters and digits as words do not, and a UUID.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from interlock.core.scan.secrets_whole import digest

_MOST_PLACES = 40
_QUOTES = (b'"', b"'", b"`")
_AFTER = re.compile(rb"[:=]\s*+")
_IN_URL = re.compile(rb":([^:@\s/]{1,300})@")
_REFERENCE = re.compile(
    r"\$\{.*\}|\$\(.*\)|\{\{.*\}\}|\{%.*%\}|\$\$?[A-Za-z_][\w.]*|%\(\w+\)s|%\w+%"
    r"|\{[^{}]*\}|<[^<>]*>|[\w.-]+[\[(][\w\"'.,: \[\]()/-]*|ENC\[.*",
    re.DOTALL,
)
_SURELY = re.compile(r"\$\{.*\}|\$\(.*\)|\{\{.*\}\}|\{%.*%\}|ENC\[.*", re.DOTALL)
_DIGEST = re.compile(r"\$(?:2[abxy]?|5|6|y|argon2\w*|pbkdf2[\w-]*|scrypt)\$")
_NEAR = 80
_IDENTIFIER = re.compile(
    rb"""(?:^(?:my|user)?id|_id)s?["'\])]{0,3}\s*[:=]+\s*[\[({]?[bfru]?["'`]$""", re.IGNORECASE
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WRONG = re.compile(
    r"(?:[A-Za-z]+[-_ ])*(?:wrong|invalid|incorrect|bad|fake|dummy)(?:[-_ ][A-Za-z]+)*", re.IGNORECASE
)
_SENTENCE = re.compile(r"[^\W\d_a-z][^\n]*\s\S+\s\S+\s[^\n]*[.!?:…]")
_WORDS = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*[?!.:…]?")
_TRANSLATED = frozenset(
    {"i18n", "l10n", "lang", "langs", "languages", "locale", "locales", "messages", "translations"}
)
_PLAIN = re.compile(r"[^A-Za-z0-9]+")
SHORTEST_RANDOM = 16
_LEAST, _FEW_DIGITS = 12, 3
_MIXED, _ONE_CASE = 0.4, 0.22
"""How often random letters and digits change their kind at least; names and words do it less."""


def value_of(line: bytes, identity: str) -> str | None:
    """The value on a line that has this digest, if it stands there as it is."""
    for each in _candidates(line):
        if digest(each) == identity:
            return each.decode("utf-8", "replace")
    return None


def is_reference(value: str) -> bool:
    """Whether a value says where the secret is, or is the digest of one."""
    if _SURELY.fullmatch(value) or _DIGEST.match(value):
        return True
    return bool(_REFERENCE.fullmatch(value.rstrip("\\"))) and not is_random(value.strip("${}<>"))


def is_identifier(line: bytes, value: str) -> bool:
    """Whether the name right before the value says that something is known by it."""
    return _IDENTIFIER.search(line.partition(value.encode())[0][-_NEAR:]) is not None


def is_said(value: str, path: str) -> bool:
    """Whether it is words that are shown to people, or says of itself that it is the wrong one."""
    if _WRONG.fullmatch(value) or _SENTENCE.fullmatch(value):
        return True
    folders = {each.lower() for each in PurePosixPath(path).parts[:-1]}
    return bool(folders & _TRANSLATED) and _WORDS.fullmatch(value) is not None


def is_random(value: str) -> bool:
    """Whether nobody thought of it: a UUID, or letters and digits in no order of words."""
    if _UUID.fullmatch(value):
        return True
    if len(value) < SHORTEST_RANDOM or "://" in value or any(each.isspace() for each in value):
        return False
    plain = _PLAIN.sub("", value)
    if len(plain) < _LEAST:
        return False
    kinds = ["0" if each.isdigit() else "a" if each.islower() else "A" for each in plain]
    changes = sum(one != other for one, other in pairwise(kinds)) / (len(kinds) - 1)
    if {"a", "A"} <= set(kinds):
        return changes >= _MIXED
    return kinds.count("0") >= _FEW_DIGITS and changes >= _ONE_CASE


def _candidates(line: bytes) -> Iterator[bytes]:
    for quote in _QUOTES:
        yield from line.split(quote)
    yield from _IN_URL.findall(line)
    for number, found in enumerate(_AFTER.finditer(line)):
        if number == _MOST_PLACES:
            return
        rest = line[found.end() :].strip()
        yield rest
        yield rest.strip(b"\"'`")
        for quote in _QUOTES:
            yield rest.partition(quote)[0]
        # As the tool quotes anew what it reads out of YAML.
        yield rest.partition(b'"')[0] + b"\\"
