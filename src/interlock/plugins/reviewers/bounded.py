"""One request through a client library, whatever the other side does: bounded in time, in bytes and in places.

Rules:
1. One clock for everything: names looked up, connections, tries, waiting, the last byte of an answer that drips.
2. At most ``MOST_BYTES`` of an answer are read, as they come over the wire; a packed answer is refused, for nobody
   knows how large it is.
3. No redirect is followed. Proxies are those of the environment; nothing else of the environment is sent: of the
   headers that a library adds only those in ``HEADERS`` go out, with the key that the rules name.
4. How often is tried again, and after how long, is the library's own business, within the time.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from interlock.core.change.canonical import Json
from interlock.core.change.errors import BadReply, InterlockError, InvalidInput, Rejected, Unavailable
from interlock.core.evidence.strict_json import read_json

MOST_BYTES = 4 * 1024 * 1024
HEADERS = frozenset(
    {
        "accept", "accept-encoding", "anthropic-version", "authorization", "connection", "content-length",
        "content-type", "host", "transfer-encoding", "user-agent", "x-api-key", "x-stainless-raw-response",
    }
)  # fmt: skip
"""The last one is the libraries' own sign that the answer is wanted as it came."""
INSTALL = "pip install anthropic openai"
_AGAIN = "nothing was concluded; ask again"
_SHOWN = 300


class _TooMuch(Exception):
    """The answer is larger than is read, or packed."""


class Call(Protocol):
    """One call of a library over the given HTTP client; gives the answer's body as it came."""

    def __call__(self, http: Any) -> Awaitable[bytes]:  # noqa: ANN401  # the library's own client class
        """Send, and read."""


def lacks(*modules: str) -> str:
    """Which of these is not installed, with what installs it; empty where all are."""
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    return f"{absent[0]}, a client library: {INSTALL}" if absent else ""


def usable_key(key: str) -> str:
    """``key`` if it can stand in a header.

    Raises:
        InvalidInput: ``reviewer-key``; the key is not shown.
    """
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput(
            "expected a key of visible ASCII characters for the reviewer, got another text",
            code="reviewer-key",
            hint="set the variable that `reviewer.key_env` names to the key alone",
        )
    return key


def send(call: Call, *, headers: Mapping[str, str], seconds: float, plugin: str) -> Json:
    """The JSON that ``call`` brings back. ``headers`` are set, whatever the library thinks they are.

    Raises:
        Unavailable: ``review-silent``.
        Rejected: ``review-refused``.
        BadReply: ``review-unreadable``.
    """
    try:
        content = asyncio.run(_within(call, headers, seconds))
    except TimeoutError as error:
        raise _silent(f"none within {seconds:g} s", plugin) from error
    except InterlockError:
        raise
    except Exception as error:  # what libraries raise is theirs to name; each has a status, a cause or neither
        raise _translated(error, plugin) from error
    try:
        return read_json(content, what="the reviewer's answer", limit=MOST_BYTES)
    except InvalidInput as error:
        raise unreadable(error.message, plugin) from error


def unreadable(what: str, plugin: str) -> BadReply:
    """The error about an answer from which nothing is concluded."""
    return BadReply(
        f"expected an answer in the demanded form, got: {what[:_SHOWN]}",
        code="review-unreadable",
        hint=_AGAIN + ", or name a model that can fill in a form (call a tool)",
        plugin=plugin,
    )


async def _within(call: Call, headers: Mapping[str, str], seconds: float) -> bytes:
    import httpx2  # noqa: PLC0415  # comes with the client libraries

    hooks: dict[str, list[Callable[..., Any]]] = {"request": [_only(headers)], "response": [_bounded]}
    async with (
        asyncio.timeout(seconds),
        httpx2.AsyncClient(follow_redirects=False, timeout=seconds, event_hooks=hooks) as http,
    ):
        return await call(http)


def _only(headers: Mapping[str, str]) -> Callable[[Any], Awaitable[None]]:
    async def keep(request: Any) -> None:  # noqa: ANN401  # the library's own class
        for name in [name for name in request.headers if name.lower() not in HEADERS]:
            del request.headers[name]
        for name in ("authorization", "x-api-key"):
            request.headers.pop(name, None)
        request.headers.update({**headers, "accept-encoding": "identity"})

    return keep


async def _bounded(response: Any) -> None:  # noqa: ANN401  # the library's own class
    import httpx2  # noqa: PLC0415  # as above

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, inner: httpx2.AsyncByteStream) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._inner:
                size += len(chunk)
                if size > MOST_BYTES:
                    raise _TooMuch(f"more than {MOST_BYTES >> 20} MiB")
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    if response.headers.get("content-encoding", "identity") != "identity":
        raise _TooMuch("a packed one, which was not asked for")
    response.stream = Bounded(response.stream)


def _translated(error: BaseException, plugin: str) -> Unavailable | Rejected | BadReply:
    if isinstance(error, _TooMuch):
        return unreadable(str(error), plugin)
    if isinstance(error.__cause__, _TooMuch):  # one of the libraries takes it for a lost connection
        return unreadable(str(error.__cause__), plugin)
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        cause = error.__cause__ or error
        return _silent(f"none: {type(error).__name__}: {cause}"[:_SHOWN], plugin)
    place = getattr(getattr(error, "response", None), "headers", {}).get("location", "")
    if 300 <= status < 400:  # noqa: PLR2004  # redirects
        return _refused(f"a redirect ({status}) to {place[:_SHOWN]!a}, which is not followed", plugin)
    return _refused(f"status {status}: {str(error)[:_SHOWN]!a}", plugin)


def _silent(got: str, plugin: str) -> Unavailable:
    return Unavailable(
        f"expected an answer from the reviewer, got {got}",
        code="review-silent",
        hint=f"{_AGAIN}, or see `reviewer.endpoint` and `reviewer.seconds` in the rules",
        plugin=plugin,
    )


def _refused(got: str, plugin: str) -> Rejected:
    return Rejected(
        f"expected the reviewer's endpoint to answer, got {got}",
        code="review-refused",
        hint="see `reviewer.endpoint`, `reviewer.model` and the key in the rules; nothing was concluded",
        plugin=plugin,
    )
