"""A key stands once in a JSON object (I-JSON, RFC 7493).

Two readers of a text with a key twice may see two different values, and one of them may be the signer's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TypeVar

from interlock.core.change.errors import InvalidInput

T = TypeVar("T")


def once(pairs: Sequence[tuple[str, T]]) -> dict[str, T]:
    """The object of these pairs; for ``json.loads(object_pairs_hook=…)``.

    Raises:
        InvalidInput: ``json-key-twice``.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidInput(
            f"expected every key once, got `{twice(key for key, _ in pairs)[:60]}` twice",
            code="json-key-twice",
            hint="correct the tool that wrote it: two readers would see two different values",
        )
    return found


def twice(keys: Iterable[str]) -> str:
    """The first of ``keys`` that stood before, in one pass; empty when there is none."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return ""


def check_once(text: bytes | str) -> None:
    """Refuse a key twice anywhere in a JSON text that was read before; nothing of it is kept.

    Raises:
        InvalidInput: ``json-key-twice``, or ``json-unreadable`` where the two readers disagree.
    """
    try:
        _CHECK.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "expected JSON that every reader reads alike, got something else",
            code="json-unreadable",
            hint="write it with a JSON library: no NaN, no control characters, few levels",
        ) from error


def _forget(pairs: Sequence[tuple[str, object]]) -> None:
    once(pairs)


def _as_written(text: str) -> str:
    # A number is not read again: its length was the first reader's business.
    return text


_CHECK = json.JSONDecoder(object_pairs_hook=_forget, parse_int=_as_written)
