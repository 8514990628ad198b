"""What a constant expression of Python comes to, without running it.

Rules:
1. Constants that are added, joined, turned round, written out of one another as text and bytes, or decoded from
   base64 or hex are one constant. Anything else is none.
2. It is at most ``MOST`` long and ``DEEPEST`` steps deep: what is more is not looked at.
"""

from __future__ import annotations

import ast
import base64
import binascii
from collections.abc import Iterator

MOST, DEEPEST = 64 * 1024, 60
_DECODES = {
    "b64decode": base64.b64decode,
    "standard_b64decode": base64.b64decode,
    "urlsafe_b64decode": base64.urlsafe_b64decode,
    "b32decode": base64.b32decode,
    "unhexlify": binascii.unhexlify,
    "fromhex": bytes.fromhex,
}
Constant = str | bytes


def folded(node: ast.expr, depth: int = DEEPEST) -> Constant | None:
    """The text or the bytes; None where it is no constant."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str | bytes) and len(node.value) <= MOST else None
    if depth == 0:
        return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _both(folded(node.left, depth - 1), folded(node.right, depth - 1))
    if isinstance(node, ast.JoinedStr):
        return _joined([_part(each, depth) for each in node.values])
    if isinstance(node, ast.Subscript):
        held = folded(node.value, depth - 1)
        return held[::-1] if held is not None and ast.unparse(node.slice) == "::-1" else None
    return _called(node, depth) if isinstance(node, ast.Call) and not node.keywords else None


def put_together(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The constants that stand nowhere in the file as they are, each as a text with its line."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        found = folded(node) if isinstance(node, ast.expr) else None
        if found is None or isinstance(node, ast.Constant):
            waiting += ast.iter_child_nodes(node)
        # Literals that stand beside one another are one constant for the parser: their lines tell.
        if found is not None and isinstance(node, ast.expr):
            text = found if isinstance(found, str) else found.decode("latin-1")
            if text.isprintable():
                yield node.lineno, text


def _both(one: Constant | None, other: Constant | None) -> Constant | None:
    if isinstance(one, str) and isinstance(other, str):
        return one + other if len(one) + len(other) <= MOST else None
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one + other if len(one) + len(other) <= MOST else None
    return None


def _joined(parts: list[Constant | None], between: str = "") -> str | None:
    texts = [each for each in parts if isinstance(each, str)]
    return between.join(texts)[:MOST] if len(texts) == len(parts) else None


def _part(node: ast.expr, depth: int) -> Constant | None:
    plain = node.value if isinstance(node, ast.FormattedValue) and node.format_spec is None else node
    return folded(plain, depth - 1)


def _called(node: ast.Call, depth: int) -> Constant | None:
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    on = folded(func.value, depth - 1) if isinstance(func, ast.Attribute) else None
    if name in {"decode", "encode"} and on is not None and len(node.args) <= 1:
        return _recoded(on, name)
    if len(node.args) != 1:
        return None
    first = node.args[0]
    if name == "join" and isinstance(on, str) and isinstance(first, ast.List | ast.Tuple):
        return _joined([folded(each, depth - 1) for each in first.elts], on)
    given = folded(first, depth - 1)
    if given is None or name not in _DECODES:
        return None
    try:
        return _DECODES[name](given.decode("ascii") if isinstance(given, bytes) else given)
    except (ValueError, TypeError):
        return None


def _recoded(held: Constant, name: str) -> Constant | None:
    try:
        if name == "decode" and isinstance(held, bytes):
            return held.decode()
        return held.encode() if name == "encode" and isinstance(held, str) else None
    except UnicodeError:
        return None
