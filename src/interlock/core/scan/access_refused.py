"""Whether a function turns anybody away, as far as it can be seen in its body.

Rules:
1. It does by raising, by ``abort``, ``redirect`` and the like, by an answer of 401 or 403, or by calling what
   guards by its name.
2. What is never reached does not count: a branch that a constant closes, what stands behind a ``return``, and an
   exception that is caught around it and forgotten.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from interlock.core.scan.access_inside import answers_no, last_name
from interlock.core.scan.access_words import demands_by_verb

_TURNS = frozenset({"abort", "forbidden", "redirect", "unauthorized"})
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_CAUGHT = frozenset({"BaseException", "Exception", "HTTPException"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


def refuses(node: Function | ast.ClassDef) -> bool:
    """By rule 1."""
    return any(_turns(each) for each in live(node.body))


def live(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Every node that can be reached, functions that are defined in it included."""
    for each in body:
        yield from _reached(each)
        if _leaves(each):
            return


def _reached(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If | ast.While):
        holds = constant_truth(node.test)
        yield from ast.walk(node.test) if holds is None else ()
        yield from live(node.body) if holds is not False else ()
        yield from live(node.orelse) if holds is not True else ()
    elif isinstance(node, ast.IfExp) and (holds := constant_truth(node.test)) is not None:
        yield from _reached(node.body if holds else node.orelse)
    elif isinstance(node, ast.Try) and any(_forgets(each) for each in node.handlers):
        yield from (each for each in live(node.body) if isinstance(each, ast.Return | ast.Name))
        for part in (*(each.body for each in node.handlers), node.orelse, node.finalbody):
            yield from live(part)
    else:
        yield node
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from live(value)
            else:
                for each in value if isinstance(value, list) else [value]:
                    yield from _reached(each) if isinstance(each, ast.AST) else ()


def _leaves(node: ast.stmt) -> bool:
    """Whether nothing behind it is reached."""
    if isinstance(node, ast.If):
        taken = {True: [node.body], False: [node.orelse], None: [node.body, node.orelse]}
        return all(any(_leaves(each) for each in part) for part in taken[constant_truth(node.test)])
    return isinstance(node, _ENDS)


def _forgets(handler: ast.ExceptHandler) -> bool:
    """Whether it catches whatever turns somebody away, and goes on as if nothing had been."""
    caught = {last_name(each) for each in ast.walk(handler.type)} if handler.type is not None else _CAUGHT
    return bool(caught & _CAUGHT) and not any(
        isinstance(each, ast.Return) or _turns(each) for each in live(handler.body)
    )


def constant_truth(test: ast.expr) -> bool | None:
    """What a condition comes to that a constant decides; None where none does."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = constant_truth(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        decides = isinstance(test.op, ast.Or)
        known = [constant_truth(each) for each in test.values]
        if decides in known:
            return decides
        return None if None in known else not decides
    return None


def _turns(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    called = last_name(node.func) if isinstance(node, ast.Call) else ""
    return called in _TURNS or demands_by_verb(called) or answers_no(node)
