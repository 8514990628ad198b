"""Finds every error code in the source, with what is said and what to do.

A code is a constant: given to an error's constructor, to a function with a parameter ``code`` (by name or place),
or kept in a constant of the module that is, a table of codes included. Where the words are made elsewhere, only the code is known.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
EXITS = {
    "InvalidInput": 2,
    "NotFound": 2,
    "Conflict": 2,
    "IllegalTransition": 2,
    "Forbidden": 2,
    "Unauthenticated": 2,
    "Unavailable": 3,
    "Rejected": 3,
    "BadReply": 3,
    "IntegrityError": 3,
    "InterlockError": 3,
    "Refusal": 1,
}
_SAYS = dict.fromkeys(("message", "text", "detail", "problem"), "") | {
    "expected": "expected ",
    "what": "expected ",
}
"""Parameters that carry the words, and what the function puts before them."""
_DOOR = {"usage": 2, "internal": 3, "interrupted": 130}

Makers = dict[str, tuple[list[str], int | None]]


@dataclass(frozen=True, slots=True, order=True)
class Code:
    """One place where a code is used. ``exit`` is None and texts are empty where they are made elsewhere."""

    code: str
    message: str
    hint: str
    exit: int | None
    module: str


def codes(source: Path) -> list[Code]:
    """Every use of every code below ``source``, sorted."""
    trees = {
        path.relative_to(source).with_suffix("").as_posix().replace("/", "."): ast.parse(path.read_text("utf-8"))
        for path in sorted(source.rglob("*.py"))
    }
    makers = {module: _makers(tree) for module, tree in trees.items()}
    known = {name: maker for module in makers.values() for name, maker in module.items()}
    found = {
        code
        for module, tree in trees.items()
        for code in _used(module, tree, known | _imported(tree, makers) | makers[module])
    }
    return sorted(found, key=lambda one: (one.code, one.module, one.message, one.hint, one.exit or 0))


def _makers(tree: ast.Module) -> Makers:
    """Functions and methods with a parameter ``code``: their parameters in order, and the exit they lead to."""
    found: Makers = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            given = [item.arg for item in (*function.args.args, *function.args.kwonlyargs)]
            if "code" in given and function.name != "__init__":
                names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
                exits = [EXITS[name] for name in sorted(names) if name in EXITS]
                found[function.name] = ([name for name in given if name != "self"], exits[0] if exits else None)
    return found


def _imported(tree: ast.Module, makers: dict[str, Makers]) -> Makers:
    return {
        alias.name: makers[module][alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (module := (node.module or "").removeprefix("interlock.")) in makers
        for alias in node.names
        if alias.name in makers[module]
    }


def _used(module: str, tree: ast.Module, makers: Makers) -> Iterator[Code]:
    written = sorted(_assigned(tree), key=lambda pair: pair[0])
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        if name in makers:
            given = dict(zip(makers[name][0], call.args, strict=False)) | given
        if name in EXITS and call.args:
            given["message"] = call.args[0]
        texts = {key: _text(node, call.lineno, written) for key, node in given.items()}
        named = _named(given.get("code"), call.lineno, written)
        said = next((before + texts[key] for key, before in _SAYS.items() if texts.get(key)), "")
        for code in named:
            yield Code(
                code=code,
                message=said,
                hint=texts.get("hint") or texts.get("remedy", ""),
                exit=EXITS.get(name) or _DOOR.get(code) or makers.get(name, ([], None))[1],
                module=module,
            )


def _named(node: ast.expr | None, line: int, written: list[tuple[int, str, ast.expr]]) -> list[str]:
    """Every code that ``node`` may be: a constant, any that a name was given before, any value of a table."""
    values: list[ast.expr | None] = [node]
    if isinstance(node, ast.Name):
        values = [value for at, name, value in written if name == node.id and at < line]
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        tables = [value for _, name, value in written if name == node.value.id and isinstance(value, ast.Dict)]
        values = [value for table in tables for value in table.values]
    texts = [_text(value, 0, []) for value in values]
    return [text for text in dict.fromkeys(texts) if _CODE.fullmatch(text)]


def _assigned(tree: ast.Module) -> Iterator[tuple[int, str, ast.expr]]:
    """Line, name and value of every plain assignment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            for name, given in zip(target.elts, value.elts, strict=False) if several else [(target, value)]:
                if isinstance(name, ast.Name):
                    yield node.lineno, name.id, given


def _text(node: ast.expr | None, line: int, written: list[tuple[int, str, ast.expr]]) -> str:
    """The words of a constant or an f-string, or of the name they were given last; ``…`` is what is filled in."""
    if isinstance(node, ast.Name):
        named = [value for at, name, value in written if name == node.id and at < line]
        return _text(named[-1], 0, []) if named else ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""
