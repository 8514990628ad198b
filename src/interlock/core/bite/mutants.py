"""Mutants of the new code: what it would be if it did nothing, and which tests notice.

Rules:
1. What is mutated is what the change brought: functions of product files that are new or changed, and literal
   values that modules give to names.
2. There are three kinds: a function does nothing and returns None, it returns a stranger that is equal to nothing
   but to what it returns for the same arguments (else ``f(1) == f(1)`` would notice), and it raises. Names become
   None and the stranger.
3. Only the first two *kill*: a test that fails when a function raises calls it, and may look at nothing it gives.
4. Signatures, decorators and everything else stay as they are, so that a mutant is imported as the code is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from interlock.core.bite.syntax import Function, dumps, functions, tree_of

Kind = Literal["none", "stranger", "raises"]
KINDS: tuple[Kind, ...] = ("none", "stranger", "raises")
KILLING: tuple[Kind, ...] = ("none", "stranger")
_STRANGER = 'return globals().setdefault("__stranger__", {}).setdefault(repr(sorted(locals().items())), object())'
RAISED = "interlock: this function was replaced by one that raises"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A function or a name of a product file that the change brought or changed."""

    file: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What can be mutated, and the files of which nothing can be said: their syntax is of another Python."""

    found: tuple[Target, ...] = ()
    unread: tuple[str, ...] = ()


def targets(after: Mapping[str, bytes], before: Mapping[str, bytes]) -> Targets:
    """What the product files have that they had not; both by the paths of today."""
    found, unread = [], []
    for path, content in sorted(after.items()):
        tree = tree_of(content)
        if tree is None:
            unread.append(path)
            continue
        then = _known(before.get(path, b""))
        now = _known(content)
        found += [Target(file=path, name=name) for name in sorted(now) if now[name] != then.get(name)]
    return Targets(found=tuple(found), unread=tuple(unread))


def mutated(content: bytes, names: Sequence[str], kind: Kind) -> bytes | None:
    """A file in which these are replaced; None where the kind has nothing to do there.

    A method that Python itself calls by name can only do nothing: what it must return is not free.
    """
    tree = tree_of(content)
    if tree is None:
        return None
    wanted, touched = set(names), False
    for name, node in functions(tree):
        if name in wanted and (kind == "none" or not _is_special(node)):
            node.body = [*_docstring(node), *_replacement(kind)]
            touched = True
    if kind != "raises":
        for statement, name in _names(tree):
            if name in wanted:
                statement.value = _value(kind)
                touched = True
    if not touched:
        return None
    try:
        return ast.unparse(ast.fix_missing_locations(tree)).encode()
    except (RecursionError, ValueError):
        return None


def _known(content: bytes) -> dict[str, str]:
    tree = tree_of(content)
    names = {} if tree is None else {name: ast.dump(statement) for statement, name in _names(tree)}
    return {**names, **dumps(content)}


def _names(tree: ast.Module) -> Iterator[tuple[ast.Assign | ast.AnnAssign, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            target = node.target
        else:
            continue
        if not target.id.startswith("__") and _is_literal(node.value):
            yield node, target.id


def _is_literal(value: ast.expr | None) -> bool:
    """Whether a value is written out. What is made by a call may be needed by everything that runs."""
    return value is not None and not any(isinstance(each, ast.Call | ast.Name) for each in ast.walk(value))


def _is_special(node: Function) -> bool:
    return node.name.startswith("__") and node.name.endswith("__")


def _docstring(node: Function) -> list[ast.stmt]:
    return node.body[:1] if ast.get_docstring(node, clean=False) is not None else []


def _replacement(kind: Kind) -> list[ast.stmt]:
    if kind == "raises":
        return ast.parse(f"raise RuntimeError({RAISED!r})").body
    return ast.parse(_STRANGER).body if kind == "stranger" else [ast.Return(value=_value(kind))]


def _value(kind: Kind) -> ast.expr:
    return ast.Constant(value=None) if kind == "none" else ast.parse("object()", mode="eval").body
