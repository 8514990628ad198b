"""Whether a text of SQL takes anything in at all: bandit takes every f-string for one that does.

Rules:
1. A text that is gone on with by ``+=`` and something else takes that in.
2. A statement that puts together constants alone, whether by ``+``, ``%`` or an f-string without a field, takes
   nothing in, and is no injection. Whatever else stands in it counts as taking something in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

_FORMATS = frozenset({"format", "format_map", "join", "replace", "substitute", "safe_substitute"})


def takes_in(tree: ast.Module, lines: range) -> bool:
    """Whether a text that stands on these lines is put together with anything that is no constant."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.expr | ast.stmt) and _stands_on(node, lines)]
    return not found or any(_takes_in(node) for node in found) or _goes_on(tree, found)


def _goes_on(tree: ast.Module, found: Iterable[ast.AST]) -> bool:
    """Whether what is put together there is gone on with elsewhere: ``query += f"…{name}"``."""
    targets = [each for node in found if isinstance(node, ast.Assign) for each in node.targets]
    names = {each.id for each in targets if isinstance(each, ast.Name)}
    return any(
        isinstance(node, ast.AugAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id in names
        and not _is_constant(node.value)
        for node in ast.walk(tree)
    )


def _stands_on(node: ast.expr | ast.stmt, lines: range) -> bool:
    end = node.end_lineno or node.lineno
    return node.lineno < lines.stop and end >= lines.start


def _takes_in(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(each, ast.FormattedValue) for each in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return not all(_is_constant(each) for each in (node.left, node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _FORMATS
    return False


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return all(_is_constant(each) for each in (node.left, node.right))
    if isinstance(node, ast.Tuple | ast.List):
        return _all_constant(node.elts)
    if isinstance(node, ast.JoinedStr):
        return not any(isinstance(each, ast.FormattedValue) for each in node.values)
    return isinstance(node, ast.Constant)


def _all_constant(nodes: Iterable[ast.expr]) -> bool:
    return all(_is_constant(node) for node in nodes)
