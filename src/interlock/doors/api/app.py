"""The HTTP server's application: the table of operations behind FastAPI.

Rules:
1. A body larger than the limit is refused while it arrives, before anything is parsed.
2. Every reply carries ``x-request-id``; the log and every problem name the same id.
3. Operations are synchronous and run in the thread pool; the event loop only reads and writes sockets.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from interlock import __version__
from interlock.core.change.canonical import canonical
from interlock.doors.api import dispatch
from interlock.doors.api.large import Lane
from interlock.doors.api.observe import Observer, SilentObserver
from interlock.doors.api.openapi import document
from interlock.doors.api.problems import MEDIA, Problem, internal, refused
from interlock.doors.api.surface import MAX_BODY, Operation
from interlock.doors.api.table import OPERATIONS, route
from interlock.road.station import Station

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(station: Station, observer: Observer | None = None) -> FastAPI:
    """The application over ``station``; closing the store is the caller's business."""
    app = FastAPI(
        title="interlock",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    watching = observer or SilentObserver()
    lane = Lane()
    for operation in OPERATIONS:
        # A plain route: the endpoint reads its request itself, so FastAPI's own reading of parameters has no part.
        app.add_route(operation.path, _endpoint(station, operation, watching, lane), methods=[operation.method])
    if observer is not None:
        app.add_route("/metrics", _metrics(station, observer))
    app.openapi = document  # type: ignore[method-assign]  # FastAPI documents this as the way to replace it
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _fault(watching))
    return app


_SPELT_OUT = frozenset(operation.path for operation in OPERATIONS)
"""Addresses that are never read as the name of a record."""


def _endpoint(station: Station, operation: Operation, observer: Observer, lane: Lane) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        if request.path_params and request.url.path in _SPELT_OUT:
            raise HTTPException(405)
        started = time.perf_counter()
        request_id = _request_id(request)
        body = await _bounded(request)
        if body is None:
            reply = _too_large(request_id)
        else:
            asked = dispatch.Request(
                method=operation.method,
                path=request.url.path,
                query=_query(request),
                headers=dict(request.headers.items()),
                body=body,
                id=request_id,
            )
            path = {name: str(value) for name, value in request.path_params.items()}
            reply = await lane.run(len(body), partial(dispatch.answer, station, operation, path, asked))
        observer.request(operation.name, reply.status, time.perf_counter() - started, request_id, reply.body)
        headers = {"cache-control": "no-store", **reply.headers, "x-request-id": request_id}
        return Response(content=reply.body, status_code=reply.status, headers=headers)

    return endpoint


def _query(request: Request) -> dict[str, str]:
    # A parameter given twice reads as both values joined, which fits no schema and is refused.
    pairs: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        pairs[name] = f"{pairs[name]}, {value}" if name in pairs else value
    return pairs


async def _bounded(request: Request) -> bytes | None:
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > MAX_BODY:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(request_id: str) -> dispatch.Response:
    told = refused(
        413, "body-too-large", f"expected a body of at most {MAX_BODY} bytes", "send a smaller one", request_id
    )
    return dispatch.Response(
        status=413, headers={"content-type": MEDIA, "connection": "close"}, body=canonical(told)
    )


def _metrics(station: Station, observer: Observer) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        del request
        content, media = await run_in_threadpool(observer.exposition, station)
        return Response(content=content, headers={"content-type": media})

    return endpoint


async def _http_exception(request: Request, error: Any) -> Response:  # noqa: ANN401  # Starlette's handler type
    request_id = _request_id(request)
    status = error.status_code
    if status == 405:  # noqa: PLR2004  # the one status that says which methods there are
        found = route("", request.url.path)
        allowed = ", ".join(found) if isinstance(found, list) else ""
        told = refused(
            status,
            "method-not-allowed",
            f"expected {allowed}, got `{request.method}`",
            "see /openapi.json",
            request_id,
        )
        return _problem(told, {"allow": allowed})
    if status == 404:  # noqa: PLR2004  # everything else keeps its own words
        told = refused(
            status, "path-unknown", "expected a known address, got another", "see /openapi.json", request_id
        )
        return _problem(told)
    return _problem(refused(status, "request-refused", str(error.detail).lower(), "see /openapi.json", request_id))


def _fault(observer: Observer) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handler(request: Request, error: Exception) -> Response:
        request_id = _request_id(request)
        observer.fault(request_id, request.url.path, error)
        return _problem(internal(request_id))

    return handler


def _problem(told: Problem, headers: dict[str, str] | None = None) -> Response:
    shown = {"x-request-id": told.instance.rpartition(":")[2], **(headers or {})}
    return Response(content=canonical(told), status_code=told.status, media_type=MEDIA, headers=shown)


def _request_id(request: Request) -> str:
    if not hasattr(request.state, "request_id"):
        request.state.request_id = secrets.token_hex(8)
    return str(request.state.request_id)
