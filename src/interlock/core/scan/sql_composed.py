"""Texts of SQL into which something that is no constant is put before they are executed.

Rules:
1. ``sql-composed`` (CWE-89): a text of SQL is put together in any number of steps (``+``, ``+=``, ``%``,
   f-strings, ``format``, ``join``, in a loop, a branch, a function or an attribute of the same file), and given to
   what executes it. Told is where the thing is put in, once for each place.
2. What is bound beside the text, quoted by a library, a number, one of a fixed set or a constant is none.
3. A text that comes whole from elsewhere, and is gone on with by constants alone, is none: it has its own maker.
4. What another file does is not known: what it gives is taken for open, and what it is given for not executed
   unless its name says so.
"""

from __future__ import annotations

import ast

from interlock.core.scan.outline import Unparsed
from interlock.core.scan.sql_file import File, Function, called_name, followed, has_hint
from interlock.core.scan.sql_flow import Flow
from interlock.core.scan.sql_read import Found
from interlock.core.scan.sql_value import OPEN, either
from interlock.core.scan.sql_words import takes_sql


def composed(tree: ast.Module) -> Found:
    """Where something is put into SQL, with the name of what executes it.

    Raises:
        Unparsed: what is nested too deep to be gone through.
    """
    nodes = [*ast.walk(tree)]
    executed = any(isinstance(node, ast.Call) and takes_sql(called_name(node.func)) for node in nodes)
    if not executed or not any(has_hint(node) for node in nodes):
        return {}
    try:
        return _gone_through(tree, nodes)
    except RecursionError as error:
        raise Unparsed("nested too deep") from error


def _gone_through(tree: ast.Module, nodes: list[ast.AST]) -> Found:
    file = File(
        functions={each.name: each for each in _at_top(tree) if isinstance(each, Function)},
        classes={each.name: each for each in nodes if isinstance(each, ast.ClassDef)},
        followed=followed(nodes),
    )
    top = _top(tree, file, nodes)
    file.top = top.names
    top.defined()
    file.whole, file.calls, file.gone = True, 0, {}
    top = _top(tree, file, nodes)
    file.top = top.names
    top.defined()
    return top.found


def _top(tree: ast.Module, file: File, nodes: list[ast.AST]) -> Flow:
    flow = Flow(file, dict(file.top), "", {})
    flow.through(tree.body)
    # A function may give it anything, at any time.
    for name in (name for node in nodes if isinstance(node, ast.Global) for name in node.names):
        flow.names[name] = either([flow.names.get(name, OPEN), OPEN])
    return flow


def _at_top(tree: ast.Module) -> list[ast.stmt]:
    found, waiting = [], [*tree.body]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If | ast.Try):
            waiting += [*node.body, *node.orelse]
    return found
