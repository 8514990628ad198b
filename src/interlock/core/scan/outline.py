"""Where in a file something stands, told so that it is found again after the file was edited around it.

Rules:
1. Of Python the smallest statement counts, by its syntax: comments, blank lines and quotes change nothing. Of a
   compound statement only its head counts, and not what stands below it.
2. The symbol is the functions and classes around it. ``whole`` is the innermost of them without its name,
   decorators included: two that are equal are one function that was moved.
3. Of any other text, and of Python that cannot be parsed, the lines count without their outer spaces.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import sha256

_BODIES = frozenset({"body", "orelse", "finalbody", "handlers", "cases", "decorator_list"})
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """``snippet`` and ``whole`` are digests, ``symbol`` a dotted name; ``whole`` is empty outside any symbol."""

    snippet: str
    symbol: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class _Statement:
    first: int
    last: int
    node: ast.stmt
    symbol: str
    scope: ast.stmt | None


class Unparsed(ValueError):  # it says what the text is
    """Text that is no Python this interpreter reads; its message says why in a few words."""


def parsed(content: bytes) -> ast.Module:
    """The syntax tree.

    Raises:
        Unparsed: whatever the parser says against it; also where it is nested too deep.
    """
    try:
        with warnings.catch_warnings():
            # What it warns of (an invalid escape) is the author's business.
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except SyntaxError as error:
        raise Unparsed(f"line {error.lineno or 1}: {error.msg}"[:160]) from error
    except (ValueError, LookupError, UnicodeError) as error:
        raise Unparsed(str(error)[:160]) from error
    except (RecursionError, MemoryError) as error:
        raise Unparsed("nested too deep") from error


class Outline:
    """The places of one file."""

    def __init__(self, content: bytes, tree: ast.Module | None) -> None:
        self._lines = content.splitlines()
        self._statements = list(_statements(tree.body)) if tree is not None else []

    def where(self, lines: range) -> Where:
        """The place of a finding on these lines."""
        around = [one for one in self._statements if one.first <= lines.start <= one.last]
        if not around:
            return Where(snippet=_text(self._lines[lines.start - 1 : lines.stop - 1]))
        inner = min(around, key=lambda one: one.last - one.first)
        return Where(snippet=_head(inner.node), symbol=inner.symbol, whole=_whole(inner.scope))


def _statements(body: Sequence[ast.stmt]) -> Iterator[_Statement]:
    waiting: list[tuple[ast.AST, str, ast.stmt | None]] = [(each, "", None) for each in reversed(body)]
    while waiting:
        node, symbol, scope = waiting.pop()
        if isinstance(node, _SCOPES):
            symbol, scope = f"{symbol}.{node.name}".lstrip("."), node
        if isinstance(node, ast.stmt):
            first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
            yield _Statement(first, node.end_lineno or node.lineno, node, symbol, scope)
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                waiting += [(each, symbol, scope) for each in getattr(node, field, ())]


def _head(node: ast.stmt) -> str:
    parts = [type(node).__name__]
    for field, value in ast.iter_fields(node):
        if field not in _BODIES:
            values = value if isinstance(value, list) else [value]
            parts += [_dumped(each) if isinstance(each, ast.AST) else repr(each) for each in values]
    return sha256("\0".join(parts).encode("utf-8", "backslashreplace"))


def _whole(node: ast.stmt | None) -> str:
    if node is None:
        return ""
    parts = [type(node).__name__]
    for field, value in ast.iter_fields(node):
        if field != "name":
            values = value if isinstance(value, list) else [value]
            parts += [_dumped(each) for each in values if isinstance(each, ast.AST)]
    return sha256("\0".join(parts).encode("utf-8", "backslashreplace"))


def _dumped(node: ast.AST) -> str:
    try:
        return ast.dump(node)
    except RecursionError:
        # As deep as that nothing is told from another but by its place and kind.
        return f"{type(node).__name__}@{getattr(node, 'lineno', 0)}"


def _text(lines: Sequence[bytes]) -> str:
    return sha256(b"\n".join(line.strip() for line in lines))
