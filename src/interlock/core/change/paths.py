r"""Paths and repository addresses in a form that reads the same on any machine.

Rules:
1. Bytes that are not UTF-8 are written ``\xNN`` and a backslash ``\\``, so two paths never read the same; the
   way back is exact.
2. Patterns are globs as in CODEOWNERS (see ``globs``). The last one that matches decides; ``!`` before it
   excludes.
3. A repository's address is ``https://host/path``: no user, no password, no query, no ``.git``, whatever
   transport was used. A local path or a file URL names nothing outside this machine and becomes ``""``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from interlock.core.change.errors import InvalidInput
from interlock.core.change.globs import MAX_PATTERN, matches

__all__ = ["glob_matcher", "path_bytes", "path_text", "readable", "repository_address", "split_patterns"]

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")
_SCP_LIKE = re.compile(r"(?:[^@/:\s]+@)?([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(?!//)(.+)")
_MAX_PATTERNS = 1_000


def path_text(raw: bytes) -> str:
    """The readable form of a path's bytes, by rule 1."""
    return raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def path_bytes(text: str) -> bytes:
    """The bytes of which ``text`` is the readable form."""
    return _ESCAPE.sub(_unescaped, text.encode("utf-8", "surrogatepass"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    body = match.group(1)
    return b"\\" if body == b"\\" else bytes([int(body[1:], 16)])


def readable(raw: bytes) -> str:
    r"""Text of bytes that claim to be UTF-8; what is not is written ``\xNN``. Not reversible, for people."""
    return raw.decode("utf-8", "backslashreplace")


def split_patterns(text: str) -> tuple[str, ...]:
    """Patterns from an argument: one a line or between commas, without empty ones."""
    return tuple(part.strip() for part in re.split(r"[\n,]", text) if part.strip())


def glob_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path matches, by rule 2.

    Raises:
        InvalidInput: ``pattern-invalid`` for an empty or too long one, for none at all and for more than 1,000.
    """
    if not 0 < len(patterns) <= _MAX_PATTERNS:
        raise _bad_pattern(f"1 to {_MAX_PATTERNS} patterns", str(len(patterns)))
    rules = [(pattern.removeprefix("!"), not pattern.startswith("!")) for pattern in patterns]
    for pattern, _ in rules:
        if not pattern.strip("/") or len(pattern) > MAX_PATTERN:
            raise _bad_pattern(f"a pattern of 1 to {MAX_PATTERN} characters", pattern[:60])
    rules.reverse()
    return lambda path: next((wanted for pattern, wanted in rules if matches(pattern, path)), False)


def _bad_pattern(expected: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got `{got}`",
        code="pattern-invalid",
        hint="write one pattern a line, such as `config/**/*.yaml`",
    )


def repository_address(url: str) -> str:
    """``https://host/path`` of a remote's URL, ``""`` when it names nothing outside this machine."""
    text = url.strip().removeprefix("git+")
    if "://" not in text:
        match = _SCP_LIKE.fullmatch(text)
        return _address(match.group(1).lower(), match.group(2)) if match else ""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme == "file" or not host:
        return ""
    if ":" in host:
        host = f"[{host}]"
    keeps_port = parts.scheme in {"http", "https"} and port not in {None, 80, 443}
    return _address(f"{host}:{port}" if keeps_port else host, parts.path)


def _address(host: str, path: str) -> str:
    trimmed = path.strip("/").removesuffix(".git").strip("/")
    return f"https://{host}/{trimmed}" if trimmed else ""
