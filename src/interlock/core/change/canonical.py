"""One canonical form for everything that is hashed or signed.

Rules:
1. ``plain`` turns a frozen dataclass into JSON values: enums by value, tuples as lists, times as RFC 3339
   UTC with milliseconds. What has no single faithful form (naive times, bytes, NaN, sub-millisecond times,
   integers beyond 2**53) is refused, never rounded.
2. ``canonical`` is RFC 8785 (JCS) over that, by the ``rfc8785`` library. What holds nothing on which writers of
   JSON differ (no number with a fraction or beyond 2**53, ASCII keys) is written by the standard library's encoder
   instead: the same bytes in a tenth of the time, and every entry of the ledger is hashed under its lock.
3. A digest is ``sha256:`` and 64 lowercase hex digits, and always carries a domain: the same bytes hashed
   for two purposes give two digests.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import reprlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import rfc8785
from pydantic import JsonValue as Json

from interlock.core.change.errors import InvalidInput

__all__ = ["Json", "canonical", "digest", "is_digest", "plain", "sha256", "timestamp"]

_MAX_INTEGER = 2**53 - 1
_WRITE = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")).encode

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
        universal = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError as error:  # year 1 or 9999, and a zone that leads out of it
        raise _refused(moment) from error
    return universal.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of ``value``.

    Raises:
        InvalidInput: ``not-canonical``.
    """
    try:
        try:
            return _WRITE(_undisputed(value)).encode()
        except _DisputedError:
            return rfc8785.dumps(plain(value))
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise _refused(value) from error


class _DisputedError(Exception):
    """A value that only the library may write."""


def _undisputed(value: Any) -> Json:  # noqa: ANN401  # its type is what is looked at
    """``plain`` of a value that every writer of JSON spells alike once keys are sorted."""
    kind = type(value)
    plain_already = value is None or kind is str or kind is bool or (kind is int and abs(value) <= _MAX_INTEGER)
    if plain_already:
        return value  # type: ignore[no-any-return]  # the line above narrows it to what Json allows
    if kind is dict:
        if not all(type(key) is str and key.isascii() for key in value):
            raise _DisputedError
        return {key: _undisputed(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_undisputed(item) for item in value]
    if kind is datetime:
        return timestamp(value)
    if isinstance(value, Enum):
        return _undisputed(value.value)
    if dataclasses.is_dataclass(kind):
        return {field.name: _undisputed(getattr(value, field.name)) for field in dataclasses.fields(kind)}
    raise _DisputedError


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
    shown = reprlib.repr(value) if isinstance(value, dict | list | tuple) else repr(value)
    return InvalidInput(
        f"expected a value with one canonical form, got `{shown[:60]}`",
        code="not-canonical",
        hint="use strings, booleans, numbers up to 2**53, UTC times in milliseconds, lists and string-keyed maps",
    )
