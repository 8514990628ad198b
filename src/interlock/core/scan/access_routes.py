"""The routes of a Python file: what answers a request, and whether it asks who is asking.

Rules:
1. A route is a function that a decorator gives a path (Flask, FastAPI, Starlette, aiohttp, Sanic), or, in a file
   that imports Django, a function whose first argument is ``request``, or a view class.
2. It is guarded where a decorator, a dependency, a permission, a mixin, its router, a hook before all requests of
   the file, or its own body says so by a name (see ``access_words``), or answers 401 or 403.
3. A body that only uses who somebody is does not ask: it must decide by it, or call something that asks.
4. Django REST framework's views have their permissions from settings that are not seen here: only one that says
   that anybody may is unguarded.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.core.scan.access_inside import asks_inside, turns_away
from interlock.core.scan.access_words import allows_anybody, demands, guards

_VERBS = frozenset({"route", "api_route", "get", "post", "put", "patch", "delete", "websocket"})
_HOOKS = frozenset({"before_request", "before_app_request", "middleware"})
_ROUTERS = frozenset({"APIRouter", "Blueprint", "FastAPI", "Flask", "Sanic"})
_ANSWERS = ("Response", "redirect", "render", "NotFound", "Forbidden", "render_to_response")
_DJANGO = frozenset({"django", "rest_framework"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. ``path`` is empty where the file does not say it; ``line`` is that of its name.

    ``declared``: it is guarded by what stands on it, and not only by what its body does.
    """

    name: str
    path: str
    line: int
    guarded: bool
    declared: bool = False
    anybody: bool = False


def routes(tree: ast.Module) -> tuple[Route, ...]:
    """Every route of the file, by line."""
    nodes = [*ast.walk(tree)]
    django = any(_imports(node, _DJANGO) for node in nodes)
    functions = [node for node in nodes if isinstance(node, Function)]
    decorated = [(node, path) for node in functions if (path := _first_path(node)) is not None]
    roots = _guarded_roots(nodes) if decorated else frozenset()
    found = [_decorated(node, path, roots) for node, path in decorated]
    if django:
        known = {each.line for each in found}
        found += [each for each in _of_django(tree) if each.line not in known]
    return tuple(sorted(found, key=lambda one: one.line))


def _first_path(node: Function) -> str | None:
    return next((path for each in node.decorator_list if (path := path_of(each)) is not None), None)


def _decorated(node: Function, path: str, roots: frozenset[str]) -> Route:
    given = [each for each in node.decorator_list if path_of(each) is not None]
    return _route(node, path, declared=_is_declared(node) or any(_root(each) in roots for each in given))


def _of_django(tree: ast.Module) -> Iterator[Route]:
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
            if first is not None and first.arg == "request" and _answers(node):
                yield _route(node, declared=_is_declared(node))
        elif isinstance(node, ast.ClassDef):
            bases = {_last(each) for each in node.bases}
            rest = any(name.endswith(("APIView", "ViewSet")) for name in bases)
            if (rest and _anybody(node)) or (not rest and any(name.endswith("View") for name in bases)):
                yield _route(node, declared=any(guards(name) for name in bases) or _is_declared(node))


def _answers(node: Function) -> bool:
    """Whether it gives back an answer to a request: what only takes one is no view."""
    given = (each.value for each in _inside(node.body) if isinstance(each, ast.Return))
    return any(isinstance(each, ast.Call) and _last(each.func).endswith(_ANSWERS) for each in given)


def _route(node: Function | ast.ClassDef, path: str = "", *, declared: bool) -> Route:
    anybody = _anybody(node)
    return Route(
        name=node.name,
        path=path,
        line=node.lineno,
        guarded=(declared or asks_inside(node)) and not anybody,
        declared=declared and not anybody,
        anybody=anybody,
    )


def path_of(decorator: ast.expr) -> str | None:
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


def _guarded_roots(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """The routers that ask before any of their routes: by a dependency, or by a hook of this file."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if _last(node.value.func) in _ROUTERS and any(_says(each.value) for each in node.value.keywords):
                found |= {ast.unparse(each) for each in node.targets}
        elif isinstance(node, Function) and turns_away(node) and (guards(node.name) or asks_inside(node)):
            found |= {_root(each) for each in node.decorator_list if _last(each) in _HOOKS}
    return frozenset(found)


def _is_declared(node: Function | ast.ClassDef) -> bool:
    # A route's own decorator says something only by what it depends on; its path may have any word in it.
    for each in node.decorator_list:
        if path_of(each) is None and (_says(each) or demands(_last(each))):
            return True
        given = each.keywords if isinstance(each, ast.Call) else ()
        if any(one.arg == "dependencies" and _says(one.value) for one in given):
            return True
    return isinstance(node, Function) and _in_arguments(node)


def _in_arguments(node: Function) -> bool:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    asked = [each for each in (*node.args.defaults, *node.args.kw_defaults) if isinstance(each, ast.Call)]
    return any(_says(each) for each in asked) or any(_says(each.annotation) for each in every if each.annotation)


def _says(node: ast.expr) -> bool:
    """Whether a name in this expression guards; one that allows anybody undoes it."""
    names = [_last(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute)]
    names += [
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    if "Security" in names:
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


def _imports(node: ast.AST, packages: frozenset[str]) -> bool:
    if isinstance(node, ast.Import):
        return any(each.name.split(".")[0] in packages for each in node.names)
    return isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] in packages
