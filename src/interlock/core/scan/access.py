"""Two rules about who may do what, for which the scanner of Python has none: few, and said with their limits.

Rules:
1. ``route-unguarded`` (CWE-306; CWE-862 where the code says that anybody may): a route asks nobody who they are,
   while other routes of the project do. In a project in which none does, who may is asked elsewhere or nowhere,
   and nothing is said.
2. ``token-unverified`` (CWE-287): the claims of a signed token are read without its signature being verified.
3. What is guarded is read from names. Code that guards by other means is reported wrongly, and accepted in the
   plan.
4. Whether a record belongs to whoever asks for it (CWE-639) cannot be told from one file: there is no rule for it
   here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.scan.access_routes import routes
from interlock.core.scan.access_words import is_open

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


def guards_somewhere(tree: ast.Module) -> bool:
    """Whether a route of this file asks who somebody is."""
    return any(one.guarded for one in routes(tree))


def access_findings(tree: ast.Module, *, guarded: bool) -> tuple[Weak, ...]:
    """What these rules say of one file; ``guarded``: other routes of the project ask who somebody is."""
    found = [*_tokens(tree)]
    if guarded:
        found += _unguarded(tree)
    return tuple(sorted(found, key=lambda one: (one.line, one.rule)))


def _unguarded(tree: ast.Module) -> Iterator[Weak]:
    for route in routes(tree):
        if route.guarded or (is_open(route.name, route.path) and not route.anybody):
            continue
        where = f" `{route.path}`" if route.path else ""
        says = "says that anybody may" if route.anybody else "asks nobody who they are"
        yield Weak(
            line=route.line,
            end=route.line,
            rule="route-unguarded",
            cwe=862 if route.anybody else 306,
            message=f"the route {route.name}{where} {says}, while other routes of the project do ask",
        )


def _tokens(tree: ast.Module) -> Iterator[Weak]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_unverified(node):
            yield Weak(
                line=node.lineno,
                end=node.end_lineno or node.lineno,
                rule="token-unverified",
                cwe=287,
                message="claims of a token are read without verifying its signature",
            )


def _is_unverified(call: ast.Call) -> bool:
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
        if given.arg == "options" and isinstance(given.value, ast.Dict) and _turned_off(given.value):
            return True
        if given.arg in {"algorithms", "algorithm"} and "none" in _texts(given.value):
            return True
    return False


def _turned_off(options: ast.Dict) -> bool:
    pairs = zip(options.keys, options.values, strict=True)
    return any(isinstance(key, ast.Constant) and key.value in _OFF and _is_false(value) for key, value in pairs)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _texts(node: ast.expr) -> set[str]:
    found = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {value.lower() for value in found if isinstance(value, str)}
