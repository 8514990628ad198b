"""What detect-secrets says in JSON, as findings that hold no secret.

Rules:
1. A secret is known by the digest that the tool gives of it; the value is never read here, and the digest never
   shown: of a short secret it can be guessed.
2. Keys and tokens that it tells by a part of their value are left out: ``secrets_keys`` and ``secrets_whole`` find
   them. A signed token is told by all that stands on its line.
3. In lock files long random texts are checksums, and only secrets of a known pattern count. So it is of a line on
   which nothing is random but a digest that says that it is one (``sha512-…``).
4. A name that says what else its value is (``secret_name``) makes no secret of it (see ``secrets_named``), nor is
   a reference one, a sentence or an identifier (see ``secrets_value``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InterlockError
from interlock.core.evidence.strict_json import read_json
from interlock.core.scan.secrets_named import names_another, sounds
from interlock.core.scan.secrets_value import is_identifier, is_random, is_reference, is_said, value_of
from interlock.core.scan.secrets_whole import WHOLE, whole
from interlock.core.scan.seen import Scanned, Seen, Source

TOOL = "detect-secrets"
MOST_BYTES = 64 * 1024 * 1024
_KEYWORD = "Secret Keyword"
GUESSED = frozenset({"Base64 High Entropy String", "Hex High Entropy String", _KEYWORD})
_NAMED = frozenset({_KEYWORD, "Basic Auth Credentials"})
_DIGEST = re.compile(rb"\bsha(?:256-[A-Za-z0-9+/]{43}=|384-[A-Za-z0-9+/]{64}|512-[A-Za-z0-9+/]{86}==)")
_RANDOM = re.compile(rb"[A-Za-z0-9+/=_-]{20,}")
_LOCKS = frozenset(
    {"Brewfile.lock.json", "Cargo.lock", "Cartfile.resolved", "Gemfile.lock", "Package.resolved", "Pipfile.lock"}
    | {"Podfile.lock", "bun.lock", "composer.lock", "deno.lock", "flake.lock", "go.sum", "gradle.lockfile"}
    | {"npm-shrinkwrap.json", "package-lock.json", "packages.lock.json", "pdm.lock", "pnpm-lock.yaml"}
    | {"poetry.lock", "pubspec.lock", "uv.lock", "yarn.lock", ".terraform.lock.hcl"}
)


def _as_it_is(source: Source, line: int) -> int:
    del source
    return line


def read_secrets(
    said: bytes, names: Mapping[str, Source], *, number: Callable[[Source, int], int] = _as_it_is
) -> Scanned:
    """What detect-secrets saw in the files that it was given; ``number`` gives a line of the source."""
    try:
        told = read_json(said, what="detect-secrets' answer", limit=MOST_BYTES)
    except InterlockError as error:
        return Scanned(tool=TOOL, fault=f"what detect-secrets said cannot be read: {error.message}")
    results = told.get("results") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(results, dict):
        return Scanned(tool=TOOL, fault="detect-secrets said something else than its results")
    version, seen = told.get("version"), []
    for name, listed in results.items():
        source = names.get(name)
        if source is None or not isinstance(listed, list):
            return Scanned(tool=TOOL, fault="detect-secrets names a file that it was not given")
        for one in listed:
            found = _seen(one, source, number)
            if found is None:
                return Scanned(tool=TOOL, fault="detect-secrets said something else than a finding")
            if found.rule not in WHOLE and not _is_none(found):
                seen.append(whole(found, _line(found)))
    return Scanned(tool=TOOL, version=version if isinstance(version, str) else "", seen=tuple(seen))


def _is_none(one: Seen) -> bool:
    line = _line(one)
    if one.rule == _KEYWORD and names_another(line):
        return True
    if one.rule in _NAMED and _is_told(one, line):
        return True
    return one.rule in GUESSED and (is_lock(one.source.path) or _is_digest(one) or _is_identifier(one, line))


def _is_told(one: Seen, line: bytes) -> bool:
    value = value_of(line, one.identity)
    if value is None:
        return False
    return is_reference(value) or (
        one.rule == _KEYWORD and not is_random(value) and is_said(value, one.source.path)
    )


def _is_identifier(one: Seen, line: bytes) -> bool:
    """Whether a random text is what something is known by, and no name on its line sounds like a secret's."""
    if one.rule == _KEYWORD or sounds(line):
        return False
    value = value_of(line, one.identity)
    return value is not None and is_identifier(line, value)


def _is_digest(one: Seen) -> bool:
    line = _line(one)
    rest = _DIGEST.sub(b"", line)
    return rest != line and _RANDOM.search(rest) is None


def _line(one: Seen) -> bytes:
    lines = one.source.content.split(b"\n")
    return lines[one.line - 1] if one.line <= len(lines) else b""


def is_lock(path: str) -> bool:
    """Whether a file is a lock file by its name."""
    return PurePosixPath(path).name in _LOCKS


def _seen(one: Json, source: Source, number: Callable[[Source, int], int]) -> Seen | None:
    if not isinstance(one, dict):
        return None
    kind, line, identity = one.get("type"), one.get("line_number"), one.get("hashed_secret")
    if not isinstance(kind, str) or not isinstance(line, int) or not isinstance(identity, str) or not identity:
        return None
    return Seen(
        source=source,
        line=max(1, number(source, line)),
        rule=kind[:100],
        tool=TOOL,
        level="warning",
        cwes=frozenset({798}),
        identity=identity,
    )
