"""Whether a text of SQL takes anything in at all: bandit takes every f-string for one that does.

Rules:
1. A text that is gone on with by ``+=`` and something else takes that in.
2. A statement that puts together constants alone, whether by ``+``, ``%`` or an f-string without a field, takes
   nothing in, and is no injection. Whatever else stands in it counts as taking something in.
3. What is handed to a log, to ``print`` or to an exception that is raised is read by people, executed by nobody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

_FORMATS = frozenset({"format", "format_map", "join", "replace", "substitute", "safe_substitute"})
_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical"})
_LOGS = frozenset({"log", "_log", "logger", "_logger", "logging"})


def is_only_shown(tree: ast.Module, lines: range) -> bool:
    """Whether all that is put together on these lines is an argument of what shows it, as it stands."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and _stands_on(node, lines)]
    shown = [each for node in ast.walk(tree) for each in _shown(node) if _stands_on(each, lines)]
    inside = {id(each) for one in shown for each in ast.walk(one)}
    calls = any(isinstance(each, ast.Call | ast.NamedExpr) for one in shown for each in _besides_formats(one))
    return bool(shown) and not calls and all(id(node) in inside for node in found if _takes_in(node))


def _besides_formats(shown: ast.expr) -> Iterable[ast.AST]:
    """What stands in an argument, but for the calls that only put a text together."""
    for node in ast.walk(shown):
        if not (isinstance(node, ast.Call) and _takes_in(node)):
            yield node


def _shown(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return node.exc.args
    return node.args if isinstance(node, ast.Call) and _shows(node.func) else []


def _shows(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id == "print"
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    if (name, function.attr) == ("warnings", "warn"):
        return True
    return name.lower() in _LOGS and function.attr in _LEVELS


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
