"""The OpenAPI 3.1 document, read off the table of operations.

Rules:
1. Shapes come from the records themselves, by pydantic; nothing is described twice by hand.
2. Every operation lists the problems it can answer with.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from interlock import __version__
from interlock.doors.api.problems import MEDIA, Problem
from interlock.doors.api.surface import MAX_TEXT, Operation, Query
from interlock.doors.api.table import OPERATIONS

_NOT_MODIFIED = 304
_ERRORS = {
    "401": "The caller is not known.",
    "403": "The caller may not do this.",
    "404": "What was named does not exist.",
    "409": "The state moved, or does not permit this step.",
    "412": "The record is no longer at the version in If-Match.",
    "413": "The body is too large.",
    "422": "What was given cannot be used; nothing was changed.",
    "500": "A fault of interlock itself.",
    "502": "Something outside interlock failed.",
    "503": "No answer in time; repeat it.",
}


@cache
def document() -> dict[str, Any]:
    """The whole document; the same object every time."""
    refs, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = re.sub(r":path\}", "}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "interlock",
            "version": __version__,
            "summary": "Production changes: described, judged by policy, approved by people, provable by anyone.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _kinds() -> list[tuple[Any, str]]:
    found: list[tuple[Any, str]] = [(Problem, "serialization")]
    for operation in OPERATIONS:
        found.extend((kind, "serialization") for _, kind in operation.others.values() if kind is not None)
        if operation.body is not None:
            found.append((operation.body, "validation"))
        found.extend((kind, "serialization") for kind in (operation.reply, operation.list_of) if kind is not None)
    return list(dict.fromkeys(found))


def _schemas() -> tuple[dict[tuple[Any, str], Any], dict[str, Any]]:
    kinds = _kinds()
    inputs: list[Any] = [(number, mode, TypeAdapter(kind)) for number, (kind, mode) in enumerate(kinds)]
    refs, shared = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    by_kind = {kinds[int(str(number))]: schema for (number, _), schema in refs.items()}
    return by_kind, dict(shared.get("$defs", {}))


def _operation(operation: Operation, refs: dict[tuple[Any, str], Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *(_parameter(query) for query in operation.query)],
        "responses": _responses(operation, refs),
    }
    if operation.scope is None:
        described["security"] = []
    else:
        described["security"] = [{"token": []}] if operation.unless is None else [{"token": []}, {}]
        described["x-scope"] = str(operation.scope)
    if operation.method == "POST" and operation.joined:
        described["parameters"].append(_header("Idempotency-Key", {"type": "string", "pattern": "^[!-~]{8,128}$"}))
    if operation.takes_version:
        described["parameters"].append(_header("If-Match", {"type": "string", "pattern": '^("[0-9]{1,9}"|\\*)$'}))
    if _NOT_MODIFIED in operation.others:
        described["parameters"].append(_header("If-None-Match", {"type": "string"}))
    if operation.body is not None:
        schema = refs[operation.body, "validation"]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _responses(operation: Operation, refs: dict[tuple[Any, str], Any]) -> dict[str, Any]:
    content: dict[str, Any] = {operation.media: {"schema": _reply(operation, refs)}}
    errors = {
        status: {"description": text, "content": {MEDIA: {"schema": refs[Problem, "serialization"]}}}
        for status, text in _ERRORS.items()
    }
    others = {str(status): _other(text, kind, refs) for status, (text, kind) in operation.others.items()}
    return {str(operation.status): {"description": "Done.", "content": content}, **errors, **others}


def _other(text: str, kind: object, refs: dict[tuple[Any, str], Any]) -> dict[str, Any]:
    if kind is None:
        return {"description": text}
    return {"description": text, "content": {"application/json": {"schema": refs[kind, "serialization"]}}}


def _reply(operation: Operation, refs: dict[tuple[Any, str], Any]) -> dict[str, Any]:
    if operation.media != "application/json":
        return {"type": "string"}
    if operation.list_of is None:
        return dict(refs[operation.reply, "serialization"]) if operation.reply is not None else {}
    items = {"type": "array", "items": refs[operation.list_of, "serialization"]}
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {"items": items, "next": {"type": ["string", "null"]}},
    }


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)(?::path)?\}", operation.path)
    schema = {"type": "string", "pattern": "^[A-Za-z0-9._:@-]{1,128}$"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _parameter(query: Query) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer" if query.kind == "integer" else "string"}
    if query.kind == "integer":
        schema |= {"minimum": query.least, "maximum": query.most}
    elif query.kind == "text":
        schema |= {"minLength": 1, "maxLength": MAX_TEXT}
    else:
        schema["pattern"] = "^[A-Za-z0-9._:@-]{1,128}$"
    if query.choices:
        schema = {"enum": list(query.choices)}
    return {
        "name": query.name,
        "in": "query",
        "required": query.required,
        "description": query.text,
        "schema": schema,
    }


def _header(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema}
