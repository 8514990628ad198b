"""From JSON values to records: the one door through which outside input becomes a dataclass.

Rules:
1. Types are strict: no number from a string, no unknown key, no missing one without a default.
2. A value is counted before it is written out, so that one which repeats itself costs no memory.
3. Text that somebody else wrote holds no key twice.
4. Every error names the place in the input and what was expected there, in one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError, to_json

from interlock.core.change.errors import InvalidInput
from interlock.core.change.key_once import check_once

T = TypeVar("T")

MAX_NODES = 1_000_000
MAX_WRITTEN = 64 << 20

_STRICT = ConfigDict(extra="forbid", strict=True)
_UNKNOWN_KEY = frozenset({"unexpected_keyword_argument", "extra_forbidden"})
_MISSING_KEY = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
"""What pydantic calls them, in the words of Python."""


def parse(kind: type[T], value: object, *, what: str) -> T:
    """``value`` (parsed JSON or YAML) as a ``kind``; ``what`` names the input in the error.

    Raises:
        InvalidInput: ``input-shape``, naming the first place that does not fit and how many more there are.
    """
    _check_size(value, what)
    try:
        text = to_json(value, inf_nan_mode="strings")
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"expected {what} to hold JSON values, nested less than 100 levels",
            code="input-shape",
            hint="use strings, numbers, booleans, lists and string-keyed maps",
        ) from error
    return parse_json(kind, text, what=what)


def _check_size(value: object, what: str) -> None:
    """Count ``value`` as it would be written, where one object that stands in several places counts each time."""
    nodes, written, pending = 1, 0, [value]
    while pending and nodes <= MAX_NODES and written <= MAX_WRITTEN:
        item = pending.pop()
        inner: Collection[object] = ()
        if isinstance(item, str):
            written += len(item)
        elif isinstance(item, Mapping):
            written += sum(len(key) for key in item if isinstance(key, str))
            inner = item.values()
        elif isinstance(item, list | tuple):
            inner = item
        nodes += len(inner)
        if nodes <= MAX_NODES:
            pending.extend(inner)
    if nodes > MAX_NODES or written > MAX_WRITTEN:
        raise InvalidInput(
            f"expected {what} to hold at most {MAX_NODES} values and {MAX_WRITTEN} characters, got more",
            code="input-shape",
            hint="write it without repetitions, or split it",
        )


def parse_json(kind: type[T], text: bytes | str, *, what: str) -> T:
    """Like ``parse``, from JSON text; times are read from RFC 3339 strings."""
    try:
        joined = b"[" + (text.encode() if isinstance(text, str) else text) + b"]"
        adapter: TypeAdapter[tuple[T]] = _adapter(kind)  # type: ignore[arg-type]  # mypy doubts that types hash
        parsed = adapter.validate_json(joined)[0]
    except ValidationError as error:
        raise _refused(error, what, kind) from error
    return parsed


def parse_foreign(kind: type[T], text: bytes | str, *, what: str) -> T:
    """Like ``parse_json``, for text that came from outside.

    Raises:
        InvalidInput: ``input-shape``, or ``json-key-twice`` for what a second reader may read otherwise.
    """
    parsed = parse_json(kind, text, what=what)
    check_once(text)
    return parsed


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401  # any type pydantic can read
    # A dataclass takes its configuration from the schema around it, so each is wrapped in a tuple of one.
    return TypeAdapter(tuple[kind], config=_STRICT)


def _refused(error: ValidationError, what: str, kind: object) -> InvalidInput:
    problems = error.errors(include_url=False)
    first = problems[0]
    place = ".".join(str(step) for step in first["loc"][1:]) or "the top"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return InvalidInput(
        f"expected {what} to fit its schema, got a problem at `{place[:120]}`: {_sentence(first)}"
        f"{_meant(first, kind)}{more}",
        code="input-shape",
        hint=_hint(first),
    )


def _sentence(problem: ErrorDetails) -> str:
    if problem["type"] in _UNKNOWN_KEY:
        return "there is no such key"
    if problem["type"] in _MISSING_KEY:
        return "this key is missing"
    text = problem["msg"].replace("\n", " ")[:160]
    return text[:1].lower() + text[1:]


def _meant(problem: ErrorDetails, kind: object) -> str:
    """The nearest key that the record at that place has, where its path leads through records alone."""
    if problem["type"] not in _UNKNOWN_KEY:
        return ""
    *steps, last = problem["loc"][1:]
    for step in steps:
        kind = _inside(kind, str(step))
    known = fields(kind) if isinstance(kind, type) and is_dataclass(kind) else ()
    return closest(str(last), [field.name for field in known])


def _inside(kind: object, step: str) -> object:
    """The type at one step into ``kind``; None where that cannot be told."""
    if isinstance(kind, type) and is_dataclass(kind):
        kind = get_type_hints(kind).get(step)
    else:
        kind = next((each for each in reversed(get_args(kind)) if each is not ...), None)
    if isinstance(kind, UnionType):
        return next((each for each in get_args(kind) if each is not type(None)), None)
    return kind


def _hint(problem: ErrorDetails) -> str:
    if problem["type"] in _UNKNOWN_KEY:
        return f"remove the key `{str(problem['loc'][-1])[:60]}`, or correct its spelling"
    return "correct the value at that place"


def closest(word: str, known: list[str]) -> str:
    """`` (did you mean `x`?)`` for a near miss, else nothing."""
    near = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""
