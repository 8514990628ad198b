"""The routes of a Python file: what answers a request, and whether it asks who is asking.

Rules:
1. A route is a function that a decorator gives a path (Flask, FastAPI, Starlette, aiohttp, Sanic), or, in a file
   that imports Django, a function whose first argument is ``request``, or a view class. A function or class of the
   file that ``add_url_rule`` and the like are given is one as well.
2. It is guarded where a decorator, a dependency, a permission, a mixin, its router, a hook before all requests of
   the file, or its own body says so by a name (see ``access_words``), or answers 401 or 403.
3. A body that only uses who somebody is does not ask: it must decide by it, or call something that asks.
4. Django REST framework's views have their permissions from settings that are not seen here: one that says nothing
   is no route here, one that says that anybody may is unguarded.
5. What stands in the wrong place guards nothing: a decorator above the one that registers the route, a mixin
   behind the view whose method it would have to come before. Nor does one that only one branch of a condition has.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from interlock.core.scan.access_inside import asks_inside, turns_away
from interlock.core.scan.access_words import allows_anybody, demands, guards

_VERBS = frozenset({"route", "api_route", "get", "post", "put", "patch", "delete", "websocket"})
_HOOKS = frozenset({"before_request", "before_app_request", "middleware"})
_ROUTERS = frozenset({"APIRouter", "Blueprint", "FastAPI", "Flask", "Sanic"})
_ANSWERS = ("Response", "redirect", "render", "NotFound", "Forbidden", "render_to_response")
_PERMITS = "permission_classes"
_ADDS = frozenset({"add_api_route", "add_route", "add_url_rule"})
_VIEWS = ("endpoint", "handler", "view_func")
_DJANGO = frozenset({"django", "rest_framework"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. ``path`` is empty where the file does not say it; ``line`` is that of its name.

    ``declared``: it is guarded by what stands on it, and not only by what its body does; ``by`` is the text of
    each such guard, and ``inside`` whether its body asks.
    """

    name: str
    path: str
    line: int
    guarded: bool
    declared: bool = False
    anybody: bool = False
    inside: bool = False
    by: frozenset[str] = frozenset()


def routes(tree: ast.Module) -> tuple[Route, ...]:
    """Every route of the file, by line."""
    nodes = [*ast.walk(tree)]
    django = any(_imports(node, _DJANGO) for node in nodes)
    functions = [node for node in nodes if isinstance(node, Function)]
    decorated = [(node, path) for node in functions if (path := _first_path(node)) is not None]
    roots = _guarded_roots(nodes) if decorated else frozenset()
    found = [_decorated(node, path, roots) for node, path in decorated]
    found += _added(nodes)
    if django:
        known = {each.line for each in found}
        found += [each for each in _of_django(tree) if each.line not in known]
    return tuple(sorted(found, key=lambda one: one.line))


def _first_path(node: Function) -> str | None:
    return next((path for each in node.decorator_list if (path := path_of(each)) is not None), None)


def _decorated(node: Function, path: str, roots: frozenset[str]) -> Route:
    given = [each for each in node.decorator_list if path_of(each) is not None]
    rooted = frozenset(_root(each) for each in given) & roots
    return _route(node, path, by=_guards_on(node) | rooted)


def _added(nodes: Sequence[ast.AST]) -> Iterator[Route]:
    """The functions and classes of the file that a call makes routes of; the line is that of the call."""
    calls = [each for each in nodes if isinstance(each, ast.Call) and _last(each.func) in _ADDS]
    known = {each.name: each for each in nodes if isinstance(each, Function | ast.ClassDef)} if calls else {}
    for call in calls:
        path, named = next(iter(call.args), None), {each.arg: each.value for each in call.keywords}
        # Where the path is made elsewhere, so is what decides who may ask.
        if not isinstance(path, ast.Constant) or not isinstance(path.value, str):
            continue
        for view in [*call.args[1:], *(named[name] for name in _VIEWS if name in named)]:
            if (node := known.get(_viewed(view))) is not None:
                on = {ast.unparse(each) for key, each in named.items() if key == "dependencies" and _says(each)}
                one = _route(node, path.value, by=_guards_on(node, whole=True) | on)
                yield replace(one, line=call.lineno)


def _of_django(tree: ast.Module) -> Iterator[Route]:
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
            if first is not None and first.arg == "request" and _answers(node):
                yield _route(node, by=_guards_on(node))
        elif isinstance(node, ast.ClassDef):
            bases = [_last(each) for each in node.bases]
            rest = any(name.endswith(("APIView", "ViewSet")) for name in bases)
            if (rest and _permits(node) is not None) or (not rest and any(one.endswith("View") for one in bases)):
                yield _route(node, by=_guards_on(node) | _in_time(bases) | _permitted(node))


def _answers(node: Function) -> bool:
    """Whether it gives back an answer to a request: what only takes one is no view."""
    given = (each.value for each in _inside(node.body) if isinstance(each, ast.Return))
    return any(isinstance(each, ast.Call) and _last(each.func).endswith(_ANSWERS) for each in given)


def _viewed(view: ast.expr) -> str:
    """The name of a view as it is registered: ``name`` or ``name.as_view(…)``."""
    made = isinstance(view, ast.Call) and isinstance(view.func, ast.Attribute) and view.func.attr == "as_view"
    return _first_name(view) if made or isinstance(view, ast.Name) else ""


def _first_name(node: ast.expr) -> str:
    """The first name of an expression such as ``a.b(…)``."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _in_time(bases: Sequence[str]) -> frozenset[str]:
    """The guards among the bases of a view that come before it; one that is a view itself always does."""
    first = next((number for number, name in enumerate(bases) if name.endswith("View")), len(bases))
    return frozenset(
        name for number, name in enumerate(bases) if guards(name) and (number < first or name.endswith("View"))
    )


def _permits(node: ast.ClassDef) -> ast.expr | None:
    """What a class says may ask it."""
    given = [one for one in node.body if isinstance(one, ast.Assign)]
    return next((one.value for one in given if any(_last(name) == _PERMITS for name in one.targets)), None)


def _permitted(node: ast.ClassDef) -> frozenset[str]:
    said = _permits(node)
    return frozenset({ast.unparse(said)}) if said is not None and _says(said) else frozenset()


def _route(node: Function | ast.ClassDef, path: str = "", *, by: frozenset[str]) -> Route:
    anybody, inside = _anybody(node), asks_inside(node)
    return Route(
        name=node.name,
        path=path,
        line=node.lineno,
        guarded=(bool(by) or inside) and not anybody,
        declared=bool(by) and not anybody,
        anybody=anybody,
        inside=inside,
        by=by,
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


def _guards_on(node: Function | ast.ClassDef, *, whole: bool = False) -> frozenset[str]:
    """What stands on it and guards; ``whole``: it is registered with all that stands on it."""
    found = {ast.unparse(each) for each in _applied(node, whole=whole) if _is_guard(each)}
    if isinstance(node, Function):
        found |= _in_arguments(node)
    return frozenset(found)


def _applied(node: Function | ast.ClassDef, *, whole: bool) -> list[ast.expr]:
    """The decorators that its routes are served with: what stands above a route's own comes after it."""
    listed = node.decorator_list
    last = max((number for number, each in enumerate(listed) if path_of(each) is not None), default=-1)
    return [each for number, each in enumerate(listed) if whole or number >= last or path_of(each) is not None]


def _is_guard(decorator: ast.expr) -> bool:
    # A route's own decorator says something only by what it depends on; its path may have any word in it.
    if path_of(decorator) is None and (_says(decorator) or demands(_last(decorator))):
        return True
    given = decorator.keywords if isinstance(decorator, ast.Call) else ()
    return any(one.arg == "dependencies" and _says(one.value) for one in given)


def _in_arguments(node: Function) -> set[str]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    asked = [each for each in (*node.args.defaults, *node.args.kw_defaults) if isinstance(each, ast.Call)]
    hints = [each.annotation for each in every if each.annotation]
    return {ast.unparse(each) for each in (*asked, *hints) if _says(each)}


def _says(node: ast.expr) -> bool:
    """Whether a name in this expression guards; one that allows anybody undoes it."""
    spoken = [*_spoken(node)]
    names = [_last(each) for each in spoken if isinstance(each, ast.Name | ast.Attribute)]
    names += [each.value for each in spoken if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if "Security" in names:
        return True
    return any(guards(name) for name in names) and not any(allows_anybody(name) for name in names)


def _spoken(node: ast.AST) -> Iterator[ast.AST]:
    """All that is in it, but for what only one branch of a condition says, and what a function of its own does."""
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.IfExp):
        if _says(node.body) and _says(node.orelse):
            yield from (*_spoken(node.body), *_spoken(node.orelse))
        return
    yield node
    for each in ast.iter_child_nodes(node):
        yield from _spoken(each)


def _anybody(node: Function | ast.ClassDef) -> bool:
    """Whether it says itself that anybody may."""
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and _last(each.func) == _PERMITS:
            return any(allows_anybody(name) for name in _names(each.args)) or _is_empty(each.args)
    said = _permits(node) if isinstance(node, ast.ClassDef) else None
    return said is not None and (any(allows_anybody(name) for name in _names([said])) or _is_empty([said]))


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
