"""Whether the body of a route asks who is asking.

Rules:
1. It does where it answers 401 or 403, calls something whose name guards, or decides by who somebody is: in a
   condition, not by merely using it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from interlock.core.scan.access_words import guards

_REFUSALS = frozenset({401, 403})
_REFUSING = frozenset(
    {"HTTP_401_UNAUTHORIZED", "HTTP_403_FORBIDDEN", "HTTPUnauthorized", "HTTPForbidden", "PermissionDenied"}
    | {"HttpResponseForbidden", "UNAUTHORIZED", "FORBIDDEN"}
)
_WHO = frozenset({"request.user", "self.request.user", "g.user", "request.authorization", "request.state.user"})
_HEADERS = frozenset({"authorization", "x-api-key"})


def asks_inside(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """By rule 1."""
    return any(_asks(each) for each in _inside(node))


def turns_away(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a hook before all requests can end one: it gives an answer, or raises."""
    return any(
        isinstance(each, ast.Raise)
        or (isinstance(each, ast.Return) and each.value is not None)
        or (isinstance(each, ast.Call) and last_name(each.func) == "abort")
        for each in _inside(node)
    )


def answers_no(node: ast.AST) -> bool:
    """Whether it is an answer of 401 or 403, or a call of what guards by its name."""
    if isinstance(node, ast.Attribute | ast.Name) and last_name(node) in _REFUSING:
        return True
    if isinstance(node, ast.Constant):
        return node.value in _REFUSALS and not isinstance(node.value, bool | float)
    return isinstance(node, ast.Call) and guards(last_name(node.func)) and not _makes(last_name(node.func))


def _asks(node: ast.AST) -> bool:
    if answers_no(node):
        return True
    if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
        return any(_is_who(each) for each in ast.walk(node.test))
    return False


def _makes(name: str) -> bool:
    """Whether a call makes a token or forgets one, which asks nobody."""
    return name.lower().startswith(("create", "generate", "make", "new", "revoke", "delete", "clear", "refresh"))


def _is_who(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id == "current_user"
    if isinstance(node, ast.Attribute):
        return node.attr == "current_user" or (
            node.attr in {"user", "authorization"} and ast.unparse(node) in _WHO
        )
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.lower() in _HEADERS
    return isinstance(node, ast.Subscript | ast.Compare) and "session" in ast.unparse(node)


def last_name(node: ast.AST) -> str:
    """The last name of ``a.b``; empty where it is none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _inside(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[ast.AST]:
    for statement in node.body:
        yield from ast.walk(statement)
