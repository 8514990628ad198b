"""Conditions that are plain to see: one fact that holds, is a word, or stands in an order to a number.

Rules:
1. Only what Cedar would answer without an error becomes a literal: facts that are always known, of the kind that
   the comparison asks for. All else is Cedar's.
2. A fact holds when it is true, or a set with something in it: as ``context has fact`` once it is folded.
3. Whole numbers are Cedar's, of 64 bits. A value of another kind in the place of one raises, as in Cedar.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NamedTuple

from interlock.core.policy.expressions import Node, attribute, constant, guarded, only
from interlock.core.policy.facts import FACTS, Facts, FactType, FactValue

_ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LONG = 1 << 63


class Literal(NamedTuple):
    """``fact`` is, as ``wanted``, in the relation ``test`` to the fact called ``other``, or else to ``value``."""

    fact: str
    wanted: bool
    test: Callable[[FactValue, FactValue], bool]
    other: str | None = None
    value: FactValue = 0


def literals(node: Node) -> tuple[Literal, ...] | None:
    """What must be so for a folded condition to hold; None when it says anything but literals."""
    kind, inner = only(node)
    if kind == "&&":
        left, right = literals(inner["left"]), literals(inner["right"])
        return None if left is None or right is None else (*left, *right)
    if kind == "!":
        below = _literal(inner["arg"])
        return below and (below._replace(wanted=not below.wanted),)
    found = _literal(node)
    return found and (found,)


def all_hold(wanted: tuple[Literal, ...], facts: Facts) -> bool:
    """Whether every literal is as wanted.

    Raises:
        TypeError: a value is not of its fact's kind.
    """
    for literal in wanted:
        other = literal.value if literal.other is None else facts[literal.other]
        if literal.test(facts[literal.fact], other) is not literal.wanted:
            return False
    return True


def _literal(node: Node) -> Literal | None:
    name = guarded(node)
    if name is not None:
        return None if FACTS[name].optional else Literal(name, wanted=True, test=_holds)
    kind, inner = only(node)
    if kind in {"==", "!="}:
        return _word(inner["left"], constant(inner["right"]), wanted=kind == "==")
    return _ordered(kind, inner["left"], inner["right"]) if kind in _ORDER else None


def _word(left: Node, word: object, *, wanted: bool) -> Literal | None:
    name = _known(left, "String")
    return Literal(name, wanted=wanted, test=operator.eq, value=word) if name and isinstance(word, str) else None


def _ordered(kind: str, left: Node, right: Node) -> Literal | None:
    if constant(left) is not None:
        kind, left, right = _MIRRORED[kind], right, left
    name, other, number = _known(left, "Long"), _known(right, "Long"), constant(right)
    if name and other:
        return Literal(name, wanted=True, test=_TESTS[kind], other=other)
    return Literal(name, wanted=True, test=_TESTS[kind], value=number) if name and type(number) is int else None


def _known(node: Node, kind: FactType) -> str | None:
    name = attribute(node)
    return name if name in FACTS and FACTS[name].type == kind and not FACTS[name].optional else None


def _holds(value: FactValue, _other: FactValue) -> bool:
    return value is not False and value != []


def _counted(compare: Callable[[int, int], bool]) -> Callable[[FactValue, FactValue], bool]:
    def test(left: FactValue, right: FactValue) -> bool:
        if type(left) is int and type(right) is int and -_LONG <= left < _LONG and -_LONG <= right < _LONG:
            return compare(left, right)
        raise TypeError(f"expected two whole numbers of 64 bits, got `{left!r:.40}` and `{right!r:.40}`")

    return test


_TESTS = {kind: _counted(compare) for kind, compare in _ORDER.items()}
