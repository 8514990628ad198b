"""One canonical form for everything that is hashed or signed.

Rules:
1. ``plain`` turns a frozen dataclass into JSON values: enums by value, tuples as lists, times as RFC 3339
   UTC with milliseconds. What has no single faithful form (naive times, bytes, NaN, sub-millisecond times,
   integers beyond 2**53) is refused, never rounded.
2. ``canonical`` is RFC 8785 (JCS) over that, by the ``rfc8785`` library.
3. A digest is ``sha256:`` and 64 lowercase hex digits, and always carries a domain: the same bytes hashed
   for two purposes give two digests.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum

import rfc8785
from pydantic import JsonValue as Json

from interlock.core.change.errors import InvalidInput

__all__ = ["Json", "canonical", "digest", "is_digest", "plain", "sha256", "timestamp"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def plain(value: object) -> Json:
    """The JSON value of ``value``.

    Raises:
        InvalidInput: ``not-canonical`` when a part of it has no single faithful form.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return timestamp(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, frozenset | set):
        return sorted((plain(item) for item in value), key=repr)
    raise _refused(value)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, the only form in which a time is hashed."""
    if moment.tzinfo is None or moment.microsecond % 1000:
        raise _refused(moment)
    try:
        universal = moment.astimezone(UTC)
    except OverflowError as error:  # year 1 or 9999, and a zone that leads out of it
        raise _refused(moment) from error
    return universal.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of ``value``.

    Raises:
        InvalidInput: ``not-canonical``.
    """
    try:
        return rfc8785.dumps(plain(value))
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise _refused(value) from error


def digest(domain: str, value: object) -> str:
    """``sha256:…`` over the domain, a zero byte and the canonical form of ``value``."""
    return sha256(domain.encode("ascii") + b"\x00" + canonical(value))


def sha256(content: bytes) -> str:
    """``sha256:…`` of raw bytes: a file's or a blob's own digest, without a domain."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def is_digest(text: str) -> bool:
    """Whether ``text`` is ``sha256:`` and 64 lowercase hex digits."""
    return _DIGEST.fullmatch(text) is not None


def _key(key: object) -> str:
    if isinstance(key, Enum):
        key = key.value
    if not isinstance(key, str):
        raise _refused(key)
    return key


def _refused(value: object) -> InvalidInput:
    shown = repr(value)
    return InvalidInput(
        f"expected a value with one canonical form, got `{shown[:60]}`",
        code="not-canonical",
        hint="use strings, booleans, numbers up to 2**53, UTC times in milliseconds, lists and string-keyed maps",
    )
