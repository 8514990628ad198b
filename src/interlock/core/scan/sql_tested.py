"""What a test says of a value: where it holds, or does not, the value cannot end a text of SQL.

Rules:
1. A member of something fixed, and what is equal to it, is one of it.
2. What ``isinstance`` says is a number is one; what is letters and digits by ``isdigit`` and the like is that.
3. What ``fullmatch`` lets through is believed: what its pattern says is for people to read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from interlock.core.scan.sql_value import Value
from interlock.core.scan.sql_words import NUMBERS, PLAIN

_KIND_ARGUMENTS = 2


def harmless(test: ast.expr, value: Callable[[ast.expr], Value], *, holds: bool) -> Iterator[ast.expr]:
    """What is harmless where ``test`` holds, or where it does not; ``value`` is what an expression comes to."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from harmless(test.operand, value, holds=not holds)
    elif isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is holds:
        for each in test.values:
            yield from harmless(each, value, holds=holds)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        fixed = value(test.comparators[0])
        among = fixed.keys or fixed
        if isinstance(test.ops[0], (ast.In, ast.Eq) if holds else (ast.NotIn, ast.NotEq)):
            yield from [test.left] if among.is_fixed and among.text else []
    elif isinstance(test, ast.Call) and holds:
        yield from _called(test)


def _called(test: ast.Call) -> Iterator[ast.expr]:
    func = test.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    if isinstance(func, ast.Attribute) and name in PLAIN:
        yield func.value
    elif name == "fullmatch" and test.args:
        yield test.args[-1]
    elif name == "isinstance" and len(test.args) == _KIND_ARGUMENTS and _are_numbers(test.args[1]):
        yield test.args[0]


def _are_numbers(kinds: ast.expr) -> bool:
    listed = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    return bool(listed) and all(isinstance(each, ast.Name) and each.id in NUMBERS for each in listed)
