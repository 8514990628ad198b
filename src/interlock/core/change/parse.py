"""From JSON values to records: the one door through which outside input becomes a dataclass.

Rules:
1. Types are strict: no number from a string, no unknown key, no missing one without a default.
2. A value is counted before it is written out, so that one which repeats itself costs no memory.
3. Text that somebody else wrote holds no key twice.
4. Every error names the places in the input and what was expected there, in one line: what nobody knows first,
   with the nearest key that is known. A key that was misspelt is not missing as well.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError, to_json

from interlock.core.change.errors import InvalidInput
from interlock.core.change.key_once import check_once
from interlock.core.change.pointers import one_line

T = TypeVar("T")

MAX_NODES = 1_000_000
MAX_WRITTEN = 64 << 20

_STRICT = ConfigDict(extra="forbid", strict=True)
_UNKNOWN_KEY = frozenset({"unexpected_keyword_argument", "extra_forbidden"})
_MISSING_KEY = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
"""What pydantic calls them, in the words of Python."""

_BRANCH = re.compile(r"str|int|float|bool|.*\[.*\]")
"""The last step of a problem's place where one of several types was tried: a key of nobody's."""

_MOST_TOLD = 6


class Misshapen(InvalidInput):
    """``input-shape``; ``place`` leads to the first thing that is wrong."""

    def __init__(self, message: str, *, hint: str, place: tuple[str | int, ...]) -> None:
        super().__init__(message, code="input-shape", hint=hint)
        self.place = place


def parse(kind: type[T], value: object, *, what: str) -> T:
    """``value`` (parsed JSON or YAML) as a ``kind``; ``what`` names the input in the error.

    Raises:
        InvalidInput: ``input-shape``; a ``Misshapen`` names the places that do not fit.
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


def _refused(error: ValidationError, what: str, kind: object) -> Misshapen:
    problems = _told(error.errors(include_url=False), kind)
    first = problems[0]
    told = "; ".join(
        f"{'' if number else 'a problem '}at `{_named(_place(each))}`: {_sentence(each)}{_meant(each, kind)}"
        for number, each in enumerate(problems[:_MOST_TOLD])
    )
    more = f" (and {len(problems) - _MOST_TOLD} more)" if len(problems) > _MOST_TOLD else ""
    return Misshapen(
        f"expected {what} to fit its schema, got {told}{more}", hint=_hint(first, kind), place=_place(first)
    )


def _told(problems: list[ErrorDetails], kind: object) -> list[ErrorDetails]:
    """Those worth telling: unknown keys first, one of each place, none that is missing because it was misspelt."""
    unknown = [each for each in problems if each["type"] in _UNKNOWN_KEY]
    written = {(*_place(each)[:-1], _nearest(each, kind)) for each in unknown}
    others = {
        _place(each): each
        for each in reversed(problems)
        if each["type"] not in _UNKNOWN_KEY and (each["type"] not in _MISSING_KEY or _place(each) not in written)
    }
    return [*unknown, *reversed(others.values())]


def _place(problem: ErrorDetails) -> tuple[str | int, ...]:
    """Where it is, as it is written."""
    steps = problem["loc"][1:]
    keys = problem["type"] in _UNKNOWN_KEY or problem["type"] in _MISSING_KEY
    return steps[:-1] if steps and not keys and _BRANCH.fullmatch(str(steps[-1])) else steps


def _named(place: tuple[str | int, ...]) -> str:
    return one_line(".".join(map(str, place)))[:120] or "the top"


def _sentence(problem: ErrorDetails) -> str:
    if problem["type"] in _UNKNOWN_KEY:
        return "there is no such key"
    if problem["type"] in _MISSING_KEY:
        return "this key is missing"
    text = one_line(problem["msg"].replace("\n", " "))[:160]
    return text[:1].lower() + text[1:]


def _meant(problem: ErrorDetails, kind: object) -> str:
    near = _nearest(problem, kind) if problem["type"] in _UNKNOWN_KEY else ""
    return f" (did you mean `{near}`?)" if near else ""


def _nearest(problem: ErrorDetails, kind: object) -> str:
    """The nearest key that the record at that place has; empty where none is near."""
    near = difflib.get_close_matches(str(problem["loc"][-1]), _known(problem, kind), n=1)
    return near[0] if near else ""


def _known(problem: ErrorDetails, kind: object) -> list[str]:
    """The keys of the record at that place, where its path leads through records alone."""
    for step in problem["loc"][1:-1]:
        kind = _inside(kind, str(step))
    return [field.name for field in fields(kind)] if isinstance(kind, type) and is_dataclass(kind) else []


def _inside(kind: object, step: str) -> object:
    """The type at one step into ``kind``; None where that cannot be told."""
    if isinstance(kind, type) and is_dataclass(kind):
        kind = get_type_hints(kind).get(step)
    else:
        kind = next((each for each in reversed(get_args(kind)) if each is not ...), None)
    if isinstance(kind, UnionType):
        return next((each for each in get_args(kind) if each is not type(None)), None)
    return kind


def _hint(problem: ErrorDetails, kind: object) -> str:
    if problem["type"] not in _UNKNOWN_KEY:
        return "correct the value at that place"
    known = _known(problem, kind)
    spelling = f"remove the key `{one_line(str(problem['loc'][-1]))[:60]}`, or correct its spelling"
    return f"known: {', '.join(known)}" if known else spelling


def closest(word: str, known: list[str]) -> str:
    """`` (did you mean `x`?)`` for a near miss, else nothing; what is known as it stands was not misspelt."""
    if word in known:
        return ""
    near = nearest(word, known)
    return f" (did you mean `{near}`?)" if near else ""


def nearest(word: str, known: list[str]) -> str:
    """The one of them that is written most like ``word``; empty where none is near."""
    return next(iter(difflib.get_close_matches(word, known, n=1)), "")
