"""A few rules for which the scanner of Python has none, most about who may do what, said with their limits.

Rules:
1. ``guard-removed`` (CWE-306): a route that was guarded before the change, by what stood on it or by its body, is
   not any more; or it lost one of several guards and got no other for it. ``guard-voided``: see ``access_voided``.
2. ``route-unguarded`` (CWE-306; CWE-862 where the code says that anybody may): a route asks nobody who they are,
   while at least three of four others do, of its file where it has ``FEW`` others, else of the project. In a
   project with many open routes one more says nothing, and nothing is said.
3. ``token-unverified`` (CWE-287): the claims of a signed token are read without its signature being verified.
4. ``deserialized`` (CWE-502): see ``loading``; ``sql-composed`` (CWE-89): see ``sql_composed``. What another
   scanner says of the same lines is told once.
5. What is guarded is read from names. Code that guards by other means is reported wrongly, and accepted in the
   plan.
6. Whether a record belongs to whoever asks for it (CWE-639) cannot be told from one file: there is no rule for it
   here.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.scan.access_routes import Route
from interlock.core.scan.access_voided import voided
from interlock.core.scan.access_words import is_open
from interlock.core.scan.loading import loads
from interlock.core.scan.sql_composed import composed

USUAL, FEW = 0.75, 3
"""The share of others from which on it is usual to ask, and of how many routes a file speaks for itself."""

_UNVERIFIED = frozenset({"get_unverified_claims"})
_OFF = frozenset({"verify_signature", "verify"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Weak:
    """One finding of these rules."""

    line: int
    end: int
    rule: str
    cwe: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """How many routes of a project that are not open by their name ask who somebody is, of how many."""

    asking: int = 0
    routes: int = 0

    def __add__(self, other: Custom) -> Custom:
        """Both together."""
        return Custom(asking=self.asking + other.asking, routes=self.routes + other.routes)

    @property
    def is_to_ask(self) -> bool:
        """Whether it is usual there."""
        return self.asking > 0 and self.asking >= self.routes * USUAL


def custom(found: Sequence[Route], without: Route | None = None) -> Custom:
    """What is usual among these routes, one of them left out."""
    counted = [one for one in found if one is not without and not is_open(one.name, one.path)]
    return Custom(asking=sum(one.guarded for one in counted), routes=len(counted))


def access_findings(
    tree: ast.Module,
    found: Sequence[Route],
    *,
    project: Custom | None,
    before: Sequence[Route] = (),
    was: ast.Module | None = None,
) -> tuple[Weak, ...]:
    """What these rules say of one file with the routes ``found`` in it, which were those ``before`` at the base.

    ``was`` is the whole file at the base.

    ``project`` is what is usual outside it; None for every route that asks nobody, whatever others do.
    """
    known = {one.name for one in before if one.declared}
    weak = [*_tokens(tree), *_loads(tree), *_composed(tree), *_removed(found, before), *_unguarded(found, project)]
    weak += _voided(tree, was, {one.line for one in found if one.declared and one.name not in known})
    once = {(one.line, one.cwe): one for one in reversed(weak)}
    return tuple(sorted(once.values(), key=lambda one: (one.line, one.rule)))


def unguarded(found: Sequence[Route]) -> bool:
    """Whether one of these routes asks nobody, and is not open by its name."""
    return any(True for _ in _unguarded(found, None))


def _removed(found: Sequence[Route], before: Sequence[Route]) -> Iterator[Weak]:
    had: dict[str, list[Route]] = {}
    for one in before:
        had.setdefault(one.name, []).append(one)
    names = Counter(one.name for one in found)
    for route in found:
        were = had.get(route.name, [])
        if any(one.declared for one in were) and not route.declared:
            said = f"the route {_told(route)} was guarded before this change, and is not any more"
        elif len(were) == 1 and names[route.name] == 1 and (lost := _lost(route, were[0])):
            said = f"the route {_told(route)} lost {lost} with this change, and got no other guard for it"
        else:
            continue
        yield _weak(route, "guard-removed", 306, said)


def _lost(now: Route, was: Route) -> str:
    """Which guard is gone for which there is no other."""
    if was.anybody or now.by - was.by or (now.inside and not was.inside):
        return ""
    gone = sorted(was.by - now.by)
    if gone:
        return f"`{gone[0][:60]}`"
    return "what its body asked" if was.inside and not now.inside else ""


def _voided(tree: ast.Module, was: ast.Module | None, guarded: set[int]) -> Iterator[Weak]:
    """``guarded`` are the routes that got a guard on them: what their body asks no more is asked there."""
    for node, said in voided(tree, was):
        line = getattr(node, "lineno", 1)
        if line in guarded:
            continue
        yield Weak(line=line, end=line, rule="guard-voided", cwe=306, message=said)


def _unguarded(found: Sequence[Route], project: Custom | None) -> Iterator[Weak]:
    for route in found:
        if route.guarded or (is_open(route.name, route.path) and not route.anybody):
            continue
        mine = custom(found, route)
        usual = mine if project is None or mine.routes >= FEW else mine + project
        if project is None or usual.is_to_ask:
            says = "says that anybody may" if route.anybody else "asks nobody who they are"
            said = f"the route {_told(route)} {says}, and {usual.asking} of {usual.routes} others ask"
            yield _weak(route, "route-unguarded", 862 if route.anybody else 306, said)


def _told(route: Route) -> str:
    return f"{route.name} `{route.path}`" if route.path else route.name


def _weak(route: Route, rule: str, cwe: int, message: str) -> Weak:
    return Weak(line=route.line, end=route.line, rule=rule, cwe=cwe, message=message)


def _loads(tree: ast.Module) -> Iterator[Weak]:
    for call, called in loads(tree):
        yield Weak(
            line=call.lineno,
            end=call.end_lineno or call.lineno,
            rule="deserialized",
            cwe=502,
            message=f"{called} makes objects of whatever it is given",
        )


def _composed(tree: ast.Module) -> Iterator[Weak]:
    for node, called in composed(tree).items():
        yield Weak(
            line=node.lineno,
            end=node.end_lineno or node.lineno,
            rule="sql-composed",
            cwe=89,
            message=f"a value goes into the text of the SQL that {called} is given: bind it instead",
        )


def _tokens(tree: ast.Module) -> Iterator[Weak]:
    said = _said(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_unverified(node, said):
            yield Weak(
                line=node.lineno,
                end=node.end_lineno or node.lineno,
                rule="token-unverified",
                cwe=287,
                message="claims of a token are read without verifying its signature",
            )


def _is_unverified(call: ast.Call, said: Mapping[str, Sequence[ast.expr]]) -> bool:
    func = call.func
    if not isinstance(func, ast.Attribute):
        return False
    if func.attr in _UNVERIFIED:
        return True
    if func.attr != "decode" or "jwt" not in ast.unparse(func.value).lower():
        return False
    for given in call.keywords:
        if given.arg in _OFF and _is_false(given.value):
            return True
        if given.arg == "options" and any(_turned_off(each) for each in _meant(given.value, said)):
            return True
        if given.arg in {"algorithms", "algorithm"} and "none" in _texts(given.value):
            return True
    return False


def _said(tree: ast.Module) -> Mapping[str, Sequence[ast.expr]]:
    """What each name of the file is given."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        for each in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(each, ast.Name) and isinstance(node, ast.Assign):
                found.setdefault(each.id, []).append(node.value)
    return found


def _meant(node: ast.expr, said: Mapping[str, Sequence[ast.expr]]) -> Sequence[ast.expr]:
    return said.get(node.id, ()) if isinstance(node, ast.Name) else (node,)


def _turned_off(options: ast.expr) -> bool:
    if isinstance(options, ast.Call) and isinstance(options.func, ast.Name) and options.func.id == "dict":
        return any(given.arg in _OFF and _is_false(given.value) for given in options.keywords)
    if not isinstance(options, ast.Dict):
        return False
    pairs = zip(options.keys, options.values, strict=True)
    return any(isinstance(key, ast.Constant) and key.value in _OFF and _is_false(value) for key, value in pairs)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _texts(node: ast.expr) -> set[str]:
    found = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {value.lower() for value in found if isinstance(value, str)}
