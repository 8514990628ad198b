"""Which functions of a file are new or other than before, by their syntax trees.

Rules:
1. A function is what its tree says, with decorators and defaults: layout and comments change nothing.
2. What a class sets up for its tests (``setUp``, ``setup_method`` and the like) belongs to each of its tests.
3. A file whose syntax is not that of this Python is compared by its bytes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from interlock.core.bite.seen import Place

Standing = Literal["new", "changed", "unchanged"]
Function = ast.FunctionDef | ast.AsyncFunctionDef

SETUPS = frozenset({
    "setUp", "tearDown", "setUpClass", "tearDownClass", "asyncSetUp", "asyncTearDown", "setup_method",
    "teardown_method", "setup_class", "teardown_class",
})  # fmt: skip
_WHOLE = "<whole file>"


def tree_of(content: bytes) -> ast.Module | None:
    """The tree of a file; None where it is none that can be read here."""
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Functions of the module and of its classes, with the names of these; none inside another function."""
    pending: list[tuple[str, Sequence[ast.stmt]]] = [("", tree.body)]
    while pending:
        prefix, body = pending.pop()
        for node in body:
            if isinstance(node, Function):
                yield f"{prefix}{node.name}", node
            elif isinstance(node, ast.ClassDef):
                pending.append((f"{prefix}{node.name}.", node.body))
            else:
                inner = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
                pending += [(prefix, each) for each in inner if isinstance(each, list)]
                pending += [(prefix, each.body) for each in getattr(node, "handlers", [])]


@lru_cache(maxsize=4_096)
def dumps(content: bytes) -> Mapping[str, str]:
    """Each function of a file as the text of its tree; of a file that cannot be read, its bytes."""
    tree = tree_of(content)
    if tree is None:
        return {_WHOLE: content.decode(errors="replace")}
    found: dict[str, str] = {}
    for name, node in functions(tree):
        # The last of a name is the one that counts at run time; in branches either may be.
        found[name] = found.get(name, "") + ast.dump(node)
    return found


def standing(place: Place, after: bytes | None, before: bytes | None) -> Standing:
    """How a function stands to what was there before; a file that is gone or was never there is None."""
    if after is None or before is None:
        return "new" if before is None else "changed"
    if after == before:
        return "unchanged"
    now, then = dumps(after), dumps(before)
    if _WHOLE in now or _WHOLE in then or place.name not in now:
        return "changed"
    if place.name not in then:
        return "new"
    return "unchanged" if _with_setups(place.name, now) == _with_setups(place.name, then) else "changed"


def _with_setups(name: str, known: Mapping[str, str]) -> list[str]:
    prefix = name.rpartition(".")[0]
    owned = [f"{prefix}.{each}" for each in sorted(SETUPS)] if prefix else ["setup_module", "setup_function"]
    return [known.get(each, "") for each in (name, *owned)]
