"""Guards that let everybody through: what stands on a route is still called one, and is none any more.

Rules:
1. ``guard-voided`` (CWE-306), of one side alone: a decorator whose name demands something, or that stands on a
   route or is depended on in its file, and that gives back what it is given, or calls it without any question.
2. By comparison with the base: a function that turned somebody away there and turns nobody away here, where its
   name, or that of a function or class around it, guards, or where it answered 401 or 403; and one that always
   answers yes, and did not.
3. A name that routes of the file are guarded by, and that stands for something else than before, of which nothing
   says that it guards. Where the same name comes from another module is not told: there is the definition.
4. A function that is gone is nobody's here: whoever calls it still would fail.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from interlock.core.scan.access_inside import answers_no, last_name
from interlock.core.scan.access_refused import Function, constant_truth, live, refuses
from interlock.core.scan.access_words import demands, demands_by_verb, guards

Told = tuple[ast.AST, str]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ASKERS = frozenset({"Depends", "Security"})


def voided(tree: ast.Module, was: ast.Module | None) -> Iterator[Told]:
    """Where a guard lets everybody through, and what to say of it; ``was`` is the file at the base."""
    used = _used(tree)
    for node in ast.walk(tree):
        for name, made in _made(node):
            if (name in used or demands_by_verb(name)) and _lets_through(made):
                yield node, f"{name} lets everybody through: nothing in it turns anybody away"
    if was is not None:
        yield from _compared(tree, was)
        yield from _rebound(tree, was, used)


def _used(tree: ast.Module) -> frozenset[str]:
    """The names that guard something in this file: they stand on a function or class, or are depended on."""
    found = set()
    for node in ast.walk(tree):
        for each in getattr(node, "decorator_list", ()):
            found |= {one.id for one in ast.walk(each) if isinstance(one, ast.Name) and demands(one.id)}
        if isinstance(node, ast.Call) and last_name(node.func) in _ASKERS:
            found |= {one.id for one in node.args if isinstance(one, ast.Name) and demands(one.id)}
    return frozenset(found)


def _made(node: ast.AST) -> Iterator[tuple[str, Function | ast.Lambda]]:
    """The functions that a name is given here."""
    if isinstance(node, Function):
        yield node.name, node
    elif isinstance(node, ast.Assign):
        inside = [each for each in ast.walk(node.value) if isinstance(each, ast.Lambda)]
        # A lambda that something is given is its business.
        calls = [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]
        given = {id(each) for call in calls for each in (*call.args, *(one.value for one in call.keywords))}
        for target in node.targets:
            yield from ((last_name(target), each) for each in inside if id(each) not in given)


def _lets_through(node: Function | ast.Lambda) -> bool:
    """Whether it gives back the function that it is given, or one that only calls it."""
    first = next(iter([*node.args.posonlyargs, *node.args.args]), None)
    if first is None or first.arg in {"self", "cls"}:
        return False
    if isinstance(node, ast.Lambda):
        return isinstance(node.body, ast.Name) and node.body.id == first.arg
    return _only_gives(node, first.arg, set(), 0)


def _only_gives(node: Function, given: str, inner: set[str], depth: int) -> bool:
    """Whether its body does nothing but give back ``given`` or what it gives, or a function that does no more."""
    gives = False
    for each in node.body:
        if isinstance(each, Function):
            if depth > 1 or not _only_gives(each, given, inner, depth + 1):
                return False
            inner.add(each.name)
        elif isinstance(each, ast.Return):
            gives = True
            if not _is_given(each.value, given, inner):
                return False
            break
        elif not _does_nothing(each):
            return False
    return gives


def _is_given(node: ast.expr | None, given: str, inner: set[str]) -> bool:
    node = node.value if isinstance(node, ast.Await) else node
    if isinstance(node, ast.Call):
        called = isinstance(node.func, ast.Name) and node.func.id == given
        wraps = last_name(node.func) in {"update_wrapper", "wraps"}
        return called or (wraps and any(_is_given(each, given, inner) for each in node.args))
    return isinstance(node, ast.Name) and (node.id == given or node.id in inner)


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        parts = {True: node.body, False: node.orelse, None: [*node.body, *node.orelse]}
        return all(_does_nothing(each) for each in parts[constant_truth(node.test)])
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _compared(tree: ast.Module, was: ast.Module) -> Iterator[Told]:
    before = dict(_functions(was.body, ()))
    for names, node in _functions(tree.body, ()):
        old = before.get(names)
        if old is None or ast.dump(old) == ast.dump(node):
            continue
        called = ".".join(names)
        by_name = any(guards(each) or demands_by_verb(each) for each in names)
        answered = any(answers_no(each) for each in live(old.body))
        if (by_name or answered) and refuses(old) and not refuses(node):
            yield node, f"{called} turned somebody away before this change, and turns nobody away any more"
        elif by_name and _says_yes(node) and not _says_yes(old):
            yield node, f"{called} says yes to everybody since this change"


def _says_yes(node: Function) -> bool:
    given = [each.value for each in live(node.body) if isinstance(each, ast.Return)]
    return bool(given) and all(isinstance(each, ast.Constant) and each.value is True for each in given)


def _functions(body: Sequence[ast.stmt], around: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Function]]:
    """Every function with the names around it, those that are defined in another one's branches included."""
    for node in body:
        names = (*around, node.name) if isinstance(node, _SCOPES) else around
        if isinstance(node, Function):
            yield names, node
        for field in ("body", "orelse", "finalbody"):
            yield from _functions(getattr(node, field, ()), names)


def _rebound(tree: ast.Module, was: ast.Module, used: frozenset[str]) -> Iterator[Told]:
    before, now = _bindings(was.body), _bindings(tree.body)
    for name in sorted(used & before.keys() & now.keys()):
        known = {_meaning(each, name) for each in before[name]}
        for node in now[name]:
            if _meaning(node, name) not in known and not _still_guards(node, name):
                yield node, f"{name} stands for something else since this change, and nothing there says it guards"


def _bindings(body: Sequence[ast.stmt]) -> Mapping[str, list[ast.stmt]]:
    """What the names of a module are given, in whatever branch."""
    found: dict[str, list[ast.stmt]] = {}
    waiting = [*body]
    while waiting:
        node = waiting.pop()
        names: list[str] = []
        if isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        elif isinstance(node, ast.ImportFrom):
            names = [each.asname or each.name for each in node.names]
        elif isinstance(node, _SCOPES):
            names = [node.name]
        for name in names:
            found.setdefault(name, []).append(node)
        for field in ("body", "orelse", "finalbody") if isinstance(node, ast.If | ast.Try) else ():
            waiting += getattr(node, field, ())
        waiting += [each for one in getattr(node, "handlers", ()) for each in one.body]
    return found


def _meaning(node: ast.stmt, name: str) -> str:
    """What tells two bindings of a name apart; of an import what it is called there, wherever it is from."""
    if isinstance(node, ast.ImportFrom):
        return f"import {_imported(node, name)}"
    return "defined" if isinstance(node, _SCOPES) else ast.dump(node)


def _imported(node: ast.ImportFrom, name: str) -> str:
    return next((each.name for each in node.names if (each.asname or each.name) == name), name)


def _still_guards(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.ImportFrom):
        return demands(_imported(node, name))
    if isinstance(node, ast.Assign):
        values = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        return all(_is_guard(each) for each in values)
    # A definition is looked at as such: what it lets through is told there.
    return True


def _is_guard(node: ast.expr) -> bool:
    if isinstance(node, ast.Lambda):
        return False
    return any(demands(last_name(each)) for each in ast.walk(node))
