"""Working out what is constant in a policy before Cedar is asked, over Cedar's JSON expressions.

Rules:
1. Only what cannot change the answer is folded: an operand that might raise an error is never dropped, except
   where Cedar itself would not evaluate it (the right side of a settled ``&&`` or ``||``, an untaken branch).
2. Values compare only with values of their own kind, as in Cedar: ``true`` is not ``1``.
3. A false fact and an empty set are sent to Cedar as absent, so a fact that is not constant is read as
   ``context has fact`` (booleans) or guarded by it (sets).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from interlock.core.policy.expressions import Node, attribute, constant, guarded, literal, only
from interlock.core.policy.facts import FACTS, Facts

TRUE: Node = {"Value": True}
FALSE: Node = {"Value": False}

_ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def fold(node: Node, known: Facts) -> Node:
    """``node`` with the facts in ``known`` put in and everything worked out that follows."""
    name = attribute(node) or guarded(node)
    if name is not None:
        return _leaf(name, node, known)
    if isinstance(node, list):
        return [fold(item, known) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        (kind, inner), *_ = node.items()
        special = _SPECIAL.get(kind)
        if special and isinstance(inner, dict):
            return special(inner, known)
        if kind in _ORDER or kind in {"==", "!="}:
            return _compared(kind, fold(inner, known))
    return {key: fold(item, known) for key, item in node.items()}


def _leaf(name: str, node: Node, known: Facts) -> Node:
    fact = FACTS[name]
    if guarded(node):
        return node if fact.optional else TRUE
    if name in known:
        return literal(known[name])
    if fact.type == "Bool":
        return _has(name)
    if fact.type == "Set<String>":
        return {"if-then-else": {"if": _has(name), "then": node, "else": literal([])}}
    return node


def _and(inner: Mapping[str, Node], known: Facts) -> Node:
    left = fold(inner["left"], known)
    if left == FALSE:
        return FALSE
    right = fold(inner["right"], known)
    if left == TRUE:
        return right
    return left if right == TRUE else {"&&": {"left": left, "right": right}}


def _or(inner: Mapping[str, Node], known: Facts) -> Node:
    left = fold(inner["left"], known)
    if left == TRUE:
        return TRUE
    right = fold(inner["right"], known)
    if left == FALSE:
        return right
    return left if right == FALSE else {"||": {"left": left, "right": right}}


def _not(inner: Mapping[str, Node], known: Facts) -> Node:
    arg = fold(inner["arg"], known)
    settled = {True: FALSE, False: TRUE}
    truth = _truth(arg)
    kind, below = only(arg)
    if kind == "!" and guarded(below["arg"]):
        return below["arg"]
    return {"!": {"arg": arg}} if truth is None else settled[truth]


def _if(inner: Mapping[str, Node], known: Facts) -> Node:
    test = fold(inner["if"], known)
    truth = _truth(test)
    if truth is not None:
        return fold(inner["then" if truth else "else"], known)
    return {"if-then-else": {"if": test, "then": fold(inner["then"], known), "else": fold(inner["else"], known)}}


def _empty(inner: Mapping[str, Node], known: Facts) -> Node:
    name = attribute(inner["arg"])
    if name is not None and name not in known:
        return {"!": {"arg": _has(name)}}
    arg = fold(inner["arg"], known)
    if isinstance(arg, dict) and set(arg) == {"Set"}:
        return FALSE if arg["Set"] else TRUE
    return {"isEmpty": {"arg": arg}}


def _compared(kind: str, inner: Node) -> Node:
    node = {kind: inner}
    if not isinstance(inner, dict):
        return node
    left, right = (constant(inner.get(side)) for side in ("left", "right"))
    if left is None or right is None or type(left) is not type(right):
        return node
    if kind in _ORDER:
        if not isinstance(left, int) or not isinstance(right, int) or isinstance(left, bool):
            return node
        return {"Value": _ORDER[kind](left, right)}
    return {"Value": (left == right) is (kind == "==")}


def _truth(node: Node) -> bool | None:
    value = constant(node)
    return value if isinstance(value, bool) else None


def _has(name: str) -> Node:
    return {"has": {"left": {"Var": "context"}, "attr": name}}


_SPECIAL: dict[str, Callable[[Mapping[str, Node], Facts], Node]] = {
    "&&": _and,
    "||": _or,
    "!": _not,
    "if-then-else": _if,
    "isEmpty": _empty,
}
