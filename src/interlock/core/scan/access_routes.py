"""The routes of a Python file: what answers a request, and whether it asks who is asking.

Rules:
1. A route is a function that a decorator gives a path (Flask, FastAPI, Starlette, aiohttp, Sanic), or, in a file
   that imports Django, a function whose first argument is ``request``, or a view class.
2. It is guarded where a decorator, a dependency, a permission, a mixin, its router, a hook before all requests of
   the file, or its own body says so by a name (see ``access_words``), or answers 401 or 403.
3. Django REST framework's views have their permissions from settings that are not seen here: only one that says
   that anybody may is unguarded.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.core.scan.access_words import allows_anybody, guards

_VERBS = frozenset({"route", "api_route", "get", "post", "put", "patch", "delete", "websocket"})
_HOOKS = frozenset({"before_request", "before_app_request", "middleware"})
_ROUTERS = frozenset({"APIRouter", "Blueprint", "FastAPI", "Flask", "Sanic"})
_REFUSALS = frozenset({401, 403})
_REFUSING = frozenset({"HTTP_401_UNAUTHORIZED", "HTTP_403_FORBIDDEN", "HTTPUnauthorized", "HTTPForbidden"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. ``path`` is empty where the file does not say it; ``line`` is that of its name."""

    name: str
    path: str
    line: int
    guarded: bool
    anybody: bool = False


def routes(tree: ast.Module) -> tuple[Route, ...]:
    """Every route of the file, by line."""
    django = _imports(tree, "django") or _imports(tree, "rest_framework")
    roots = _guarded_roots(tree)
    found = [*_decorated(tree, roots)]
    if django:
        known = {each.line for each in found}
        found += [each for each in _of_django(tree) if each.line not in known]
    return tuple(sorted(found, key=lambda one: one.line))


def _decorated(tree: ast.Module, roots: frozenset[str]) -> Iterator[Route]:
    for node in ast.walk(tree):
        if not isinstance(node, Function):
            continue
        for each in node.decorator_list:
            path = _path(each)
            if path is not None:
                guarded = _is_guarded(node) or _root(each) in roots
                yield Route(name=node.name, path=path, line=node.lineno, guarded=guarded, anybody=_anybody(node))
                break


def _of_django(tree: ast.Module) -> Iterator[Route]:
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
            if first is not None and first.arg == "request":
                yield _route(node, guarded=_is_guarded(node))
        elif isinstance(node, ast.ClassDef):
            bases = {_last(each) for each in node.bases}
            rest = any(name.endswith(("APIView", "ViewSet")) for name in bases)
            if rest and _anybody(node):
                yield _route(node, guarded=False)
            elif rest:
                continue
            elif any(name.endswith("View") for name in bases):
                yield _route(node, guarded=any(guards(name) for name in bases) or _is_guarded(node))


def _route(node: Function | ast.ClassDef, *, guarded: bool) -> Route:
    return Route(name=node.name, path="", line=node.lineno, guarded=guarded, anybody=_anybody(node))


def _path(decorator: ast.expr) -> str | None:
    """The path that a decorator gives; None where it is none of a route."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return None
    if decorator.func.attr not in _VERBS:
        return None
    named = [each.value for each in decorator.keywords if each.arg in {"path", "rule"}]
    for each in [*decorator.args[:1], *named]:
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value[:1] in {"", "/", "<"}:
            return each.value
    return None


def _root(decorator: ast.expr) -> str:
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(func.value) if isinstance(func, ast.Attribute) else ""


def _guarded_roots(tree: ast.Module) -> frozenset[str]:
    """The routers that ask before any of their routes: by a dependency, or by a hook of this file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if _last(node.value.func) in _ROUTERS and any(_says(each.value) for each in node.value.keywords):
                found |= {ast.unparse(each) for each in node.targets}
        elif isinstance(node, Function) and (guards(node.name) or _in_body(node)):
            found |= {_root(each) for each in node.decorator_list if _last(each) in _HOOKS}
    return frozenset(found)


def _is_guarded(node: Function | ast.ClassDef) -> bool:
    # What says that it is for anybody says so beside whatever else there is.
    if _anybody(node):
        return False
    if any(_path(each) is None and _says(each) for each in node.decorator_list):
        return True
    given = [each for one in node.decorator_list if isinstance(one, ast.Call) for each in one.keywords]
    if any(each.arg == "dependencies" and _says(each.value) for each in given):
        return True
    return (isinstance(node, Function) and _in_arguments(node)) or _in_body(node)


def _in_arguments(node: Function) -> bool:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    asked = [each for each in (*node.args.defaults, *node.args.kw_defaults) if isinstance(each, ast.Call)]
    return any(_says(each) for each in asked) or any(_says(each.annotation) for each in every if each.annotation)


def _in_body(node: Function | ast.ClassDef) -> bool:
    for each in _inside(node.body):
        if isinstance(each, ast.Attribute) and (each.attr in _REFUSING or _is_who(each)):
            return True
        if isinstance(each, ast.Name) and (each.id in _REFUSING or {"current", "user"} <= _split(each.id)):
            return True
        if isinstance(each, ast.Constant) and (each.value in _REFUSALS or _is_header(each.value)):
            return True
        if isinstance(each, ast.Call) and guards(_last(each.func)):
            return True
        if isinstance(each, ast.Subscript) and _last(each.value) == "session":
            return True
    return False


_WHO = frozenset({"request.user", "self.request.user", "g.user", "request.authorization", "request.state.user"})


def _is_who(node: ast.Attribute) -> bool:
    return node.attr in {"user", "authorization"} and ast.unparse(node) in _WHO


def _is_header(value: object) -> bool:
    return isinstance(value, str) and value.lower() in {"authorization", "x-api-key"}


def _says(node: ast.expr) -> bool:
    """Whether a name in this expression guards; one that allows anybody undoes it."""
    names = [_last(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)]
    names += [
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    if isinstance(node, ast.Call) and _last(node.func) == "Security":
        return True
    return any(guards(name) for name in names) and not any(allows_anybody(name) for name in names)


def _anybody(node: Function | ast.ClassDef) -> bool:
    """Whether it says itself that anybody may."""
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and _last(each.func) == "permission_classes":
            return any(allows_anybody(name) for name in _names(each.args)) or _is_empty(each.args)
    for one in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(one, ast.Assign) and any(_last(name) == "permission_classes" for name in one.targets):
            return any(allows_anybody(name) for name in _names([one.value])) or _is_empty([one.value])
    return False


def _is_empty(nodes: Sequence[ast.expr]) -> bool:
    return all(isinstance(each, ast.List | ast.Tuple) and not each.elts for each in nodes)


def _names(nodes: Sequence[ast.expr]) -> Iterator[str]:
    for node in nodes:
        yield from (_last(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute))


def _last(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _inside(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def _split(name: str) -> frozenset[str]:
    return frozenset(name.lower().split("_"))


def _imports(tree: ast.Module, package: str) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(each.name.split(".")[0] == package for each in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package and not node.level:
            return True
    return False
