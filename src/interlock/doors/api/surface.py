"""What the API offers, as a table: each operation with its path, scope, shapes and the function that does it.

Rules:
1. The table is the only list of operations. The server (FastAPI), the OpenAPI document and the in-process
   client all read it, so they cannot differ.
2. An operation is a plain function from ``Call`` to ``Answer``; it knows nothing of HTTP or of a framework.
3. Every operation names its scope; the few that anybody may ask (health) name None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.core.approval.actor import Actor, Scope
from interlock.core.change.errors import InvalidInput
from interlock.ports.store import Page
from interlock.road.station import Station

MAX_BODY = 24 * 1024 * 1024
"""Largest request body in bytes."""

MAX_PAGE = 200
DEFAULT_PAGE = 50
MAX_TEXT = 1024
"""Characters of a query parameter that is no name."""

_SEGMENT = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_DIGITS = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query parameter. ``least`` and ``most`` bound integers; ``choices`` bound words.

    A ``string`` is a name as in paths, a ``text`` one printable line, such as an address.
    """

    name: str
    text: str
    kind: Literal["string", "text", "integer"] = "string"
    required: bool = False
    least: int = 0
    most: int = 2**53
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, checked: path and query fit the operation, ``body`` is its record, ``actor`` may ask it.

    ``ready`` is what the operation's ``prepare`` made of it.
    """

    station: Station
    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    if_match: int | None = None
    ready: Any = None
    if_none_match: str | None = None

    def text(self, name: str) -> str | None:
        """A query parameter, None where it was not given."""
        return self.query.get(name)

    def number(self, name: str) -> int | None:
        """An integer query parameter, checked before."""
        value = self.query.get(name)
        return None if value is None else int(value)

    def listing(self, items: Sequence[Any]) -> Answer:
        """A page of records; ``next`` is None when this page was not full."""
        full = len(items) == (self.number("limit") or DEFAULT_PAGE)
        return Answer(body={"items": list(items), "next": items[-1].id if full else None})

    def page(self) -> Page:
        """The slice of a listing that was asked for."""
        return Page(after=self.text("after"), limit=self.number("limit") or DEFAULT_PAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What comes back. ``body`` is a record or plain JSON; ``raw`` are bytes served as they are instead.

    ``cache`` says who may keep it, as HTTP's Cache-Control.
    """

    body: object = None
    status: int = 200
    etag: str | None = None
    location: str | None = None
    raw: bytes | None = None
    media: str = "application/json"
    cache: str = "no-store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the table.

    ``body`` and ``reply`` are record types; a ``list_of`` reply is ``{items, next}``. A ``joined`` POST is one
    transaction, so that its stored reply commits with its work; a POST that only computes, or is idempotent by its
    nature, need not. ``prepare`` is done before that transaction: whatever takes long.
    ``kept`` is False where the answer holds a secret: a repeated key is then refused.
    ``committed`` completes an answer once its transaction is durable, on every repetition too. Where ``unless``
    says yes, a caller without a token may ask as well.
    ``others`` are further answers it may give by itself, by status, with what they say and their record type;
    ``refused`` answers in a shape of its own for a request that cannot be read, where another protocol wants that.
    Without a server what ``begins`` makes the state where there is none, and what is ``stateless`` needs none.
    """

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    scope: Scope | None
    summary: str
    run: Callable[[Call], Answer]
    body: Any = None
    reply: Any = None
    list_of: Any = None
    query: tuple[Query, ...] = ()
    status: int = 200
    prepare: Callable[[Call], object] | None = None
    committed: Callable[[Call, Answer], Answer] | None = None
    unless: Callable[[Station], bool] | None = None
    joined: bool = True
    kept: bool = True
    takes_version: bool = False
    begins: bool = False
    stateless: bool = False
    media: str = "application/json"
    others: Mapping[int, tuple[str, Any]] = field(default_factory=dict)
    refused: Callable[[Mapping[str, str], InvalidInput], Answer] | None = None
    path_pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Turn ``/v1/changes/{change}`` into a pattern; ``{rest:path}`` takes slashes too."""
        pattern = re.sub(r"\\{(\w+):path\\}", r"(?P<\1>.+)", re.escape(self.path))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern)
        object.__setattr__(self, "path_pattern", re.compile(pattern))


PAGE = (
    Query(name="limit", text="items per page", kind="integer", least=1, most=MAX_PAGE),
    Query(name="after", text="the `next` of the page before"),
)


def match(operations: Sequence[Operation], method: str, path: str) -> tuple[Operation, dict[str, str]] | list[str]:
    """The operation and its path parameters, or the methods that ``path`` does take (none: no such path).

    An address that is spelt out in the table is never read as the name of a record.
    """
    allowed: list[str] = []
    for operation in [each for each in operations if each.path == path] or operations:
        found = operation.path_pattern.fullmatch(path)
        if found and operation.method == method:
            return operation, found.groupdict()
        if found:
            allowed.append(operation.method)
    return sorted(set(allowed))


def check_path(path: Mapping[str, str]) -> None:
    """Every path parameter is a name, not more.

    Raises:
        InvalidInput: ``path-parameter``.
    """
    for name, value in path.items():
        if any(not _SEGMENT.fullmatch(step) or step in {".", ".."} for step in value.split("/")):
            raise InvalidInput(
                f"expected a name of letters, digits and `._:@-` for `{name}`, got `{value[:60]!r}`",
                code="path-parameter",
                hint="correct the address",
            )


def check_query(operation: Operation, given: Mapping[str, str]) -> None:
    """The query has what the operation takes and nothing else.

    Raises:
        InvalidInput: ``query-parameter``.
    """
    known = {query.name: query for query in operation.query}
    for name, value in given.items():
        if name not in known:
            raise _query(name, f"one of {', '.join(known) or 'none'} as query parameters", name)
        _check_value(known[name], value)
    for query in operation.query:
        if query.required and query.name not in given:
            raise _query(query.name, f"the query parameter `{query.name}`", "nothing")


def _check_value(query: Query, value: str) -> None:
    if query.kind == "integer" and not (_DIGITS.fullmatch(value) and query.least <= int(value) <= query.most):
        raise _query(query.name, f"`{query.name}` from {query.least} to {query.most}", value)
    if query.choices and value not in query.choices:
        raise _query(query.name, f"`{query.name}` to be one of {', '.join(query.choices)}", value)
    if query.kind == "string" and not _SEGMENT.fullmatch(value):
        raise _query(query.name, f"`{query.name}` to be a name", value)
    if query.kind == "text" and not (0 < len(value) <= MAX_TEXT and value.isprintable()):
        raise _query(query.name, f"`{query.name}` to be one line of at most {MAX_TEXT} characters", value)


def _query(name: str, expected: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"expected {expected}, got `{got[:60]!r}`", code="query-parameter", hint=f"correct or remove `{name}`"
    )
