"""JSON from strangers: one reading or none.

Rules:
1. Size and number of objects and lists are checked before anything is parsed, the depth after; limits are named in
   the error.
2. A key written twice, NaN, Infinity, a byte order mark, bytes that are not UTF-8 and anything behind the
   value are refused: two programs could read such a text differently, and one of them might be the signer's.
"""

from __future__ import annotations

import json
from typing import NoReturn

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.key_once import once

MAX_DEPTH = 64
MAX_CONTAINERS = 1_000_000


def read_json(content: bytes, *, what: str, limit: int) -> Json:
    """The JSON value in ``content`` (at most ``limit`` bytes, 64 levels).

    Raises:
        InvalidInput: ``input-too-large``, ``json-unreadable``, ``json-key-twice`` or ``json-too-deep``.
    """
    check_size(content, what=what, limit=limit)
    if content.count(b"{") + content.count(b"[") > MAX_CONTAINERS:
        raise InvalidInput(
            f"expected {what} of at most {MAX_CONTAINERS} objects and lists, got more",
            code="input-too-large",
            hint="split it, or leave out what nobody reads",
        )
    try:
        value: Json = json.loads(content.decode("utf-8"), object_pairs_hook=once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _unreadable(what, error) from error
    if _deeper_than(value, MAX_DEPTH):
        raise InvalidInput(
            f"expected {what} nested at most {MAX_DEPTH} levels, got more",
            code="json-too-deep",
            hint="no tool writes this; look at what produced it",
        )
    return value


def check_size(content: bytes, *, what: str, limit: int) -> None:
    """Refuse more than ``limit`` bytes.

    Raises:
        InvalidInput: ``input-too-large``, or ``input-empty`` for nothing at all.
    """
    if not content:
        raise InvalidInput(
            f"expected {what}, got an empty file",
            code="input-empty",
            hint="look at the step that should have written it",
        )
    if len(content) > limit:
        raise InvalidInput(
            f"expected {what} of at most {limit} bytes, got {len(content)}",
            code="input-too-large",
            hint="split it, or leave out what nobody reads (logs, output, snippets)",
        )


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _unreadable(what: str, error: Exception) -> InvalidInput:
    place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
    return InvalidInput(
        f"expected {what} to be JSON in UTF-8, got something unreadable{place}",
        code="json-unreadable",
        hint="give the file as the tool wrote it, whole and uncompressed",
    )


def _deeper_than(value: Json, limit: int) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
