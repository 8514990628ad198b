"""JSON documents of other tools, read fast and exactly, and hashed whatever order their keys were written in.

Rules:
1. A key that appears twice, NaN, infinities, half a surrogate pair and more than 100 levels are refused.
2. Numbers keep their exact value: integers whole, others as doubles where the double is exact and as
   ``{"number": "…"}`` where it is not. Which literals were not is part of the digest, so the stand-in cannot be
   confused with an object that looks like it.
3. The digest covers a sorted, compact form, element by element, so that memory stays near that of the document.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.key_once import twice
from interlock.core.change.keyed import MAX_DEPTH, Single, number

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class ExactDocument:
    """A parsed document and the literals in it that no double holds, in the order written."""

    value: Json
    inexact: tuple[str, ...]

    def digest(self, domain: str, *, without: frozenset[str] = frozenset()) -> str:
        """``sha256:…`` over the whole document but the top-level keys in ``without``.

        Raises:
            InvalidInput: ``json-malformed`` when a text in it is no Unicode.
        """
        hashed = hashlib.sha256(domain.encode("ascii") + b"\x00")
        try:
            for piece in _pieces(self.value, without):
                hashed.update(piece.encode("utf-8"))
            hashed.update(_ENCODER.encode(self.inexact).encode("utf-8"))
        except (UnicodeEncodeError, RecursionError) as error:
            raise malformed("half of a surrogate pair, or deeper nesting than can be read") from error
        return "sha256:" + hashed.hexdigest()


def read_exact(content: bytes) -> ExactDocument:
    """The document in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Raises:
        InvalidInput: ``json-malformed``, naming line and column where they are known.
    """
    inexact: list[str] = []

    def exact(text: str) -> Json:
        found = number(text)
        if isinstance(found, Single):
            inexact.append(text)
        return found

    try:
        text = content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
        value: Json = json.loads(text, object_pairs_hook=_object, parse_float=exact, parse_constant=_constant)
    except json.JSONDecodeError as error:
        problem = error.msg[:1].lower() + error.msg[1:]
        raise malformed(f"{problem} in line {error.lineno}, column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise malformed(f"bytes that are no text at offset {error.start}") from error
    except RecursionError as error:
        raise malformed(f"more than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise malformed("a number that is too long") from error
    _shallow(value)
    return ExactDocument(value, tuple(inexact))


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise malformed(f"the key `{twice(key for key, _ in pairs)[:60]}` twice in one object")
    return found


def _constant(text: str) -> Json:
    raise malformed(f"`{text}`, which JSON does not have")


def _shallow(value: Json) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise malformed(f"more than {MAX_DEPTH} levels")


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [item for item in value.values() if isinstance(item, dict | list)]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict | list)]
    return []


def _pieces(value: Json, without: frozenset[str]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _ENCODER.encode(value)
        return
    for key in sorted(value.keys() - without):
        item = value[key]
        yield _ENCODER.encode(key)
        if isinstance(item, list):
            yield "["
            for member in item:
                yield _ENCODER.encode(member)
                yield ","
            yield "]"
        else:
            yield _ENCODER.encode(item)
        yield ";"


def malformed(problem: str) -> InvalidInput:
    """Rule 1's refusal."""
    return InvalidInput(
        f"expected JSON, got {problem}",
        code="json-malformed",
        hint="write the file again with the tool that made it, and check that it is whole",
    )
