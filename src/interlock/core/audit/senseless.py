"""Comparisons that say nothing of a count: always true, never true, or with more than any rate comes to.

Rules:
1. A counter by its name (``_total``, ``_count``, ``_sum``, ``_bucket``), and what ``rate``, ``increase`` and the
   like make of any series, is never below 0. So are sums, ratios and products of such. What is not understood can
   be anything, and nothing is said of it.
2. Either side of an ``or`` that always fires makes the whole alert do it; never does it only where both do. What
   ``and`` and ``unless`` add takes nothing away.
3. No rate of anything that people buy is above 1e9 a second: that is likely, and no proof.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import promql_parser as pp

MOST_RATE, DEEPEST = 1e9, 8
Sense = Literal["", "always", "never", "unlikely"]
Recorded = Mapping[str, Sequence[str]]
_COUNTERS = ("_total", "_count", "_sum", "_bucket")
_RATES = frozenset({"rate", "irate"})
_GROWING = _RATES | {"increase", "resets", "changes", "count_over_time", "present_over_time"}
_OVER = frozenset({"avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "last_over_time"})
_KEEPING = frozenset({"abs", "ceil", "floor", "round", "sort", "sort_desc", "scalar"})
_FOLDS = frozenset({"sum", "min", "max", "avg", "topk", "bottomk"})
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Least:
    """What an expression can be: ``low`` and above; ``rate`` is how often a second. ``exact`` is a number."""

    low: float = -math.inf
    rate: bool = False
    exact: float | None = None


_ANYTHING, _COUNT = Least(), Least(low=0.0)


def sense(expression: str, recorded: Recorded) -> tuple[Sense, str]:
    """What its comparison comes to, and why in words; empty where nothing is wrong with it."""
    return _read(expression, recorded, 0)


def _read(expression: str, recorded: Recorded, depth: int) -> tuple[Sense, str]:
    try:
        return _sense(pp.parse(expression), recorded, depth)
    except ValueError:
        return "", ""


def _sense(node: pp.Expr, recorded: Recorded, depth: int) -> tuple[Sense, str]:
    if isinstance(node, pp.ParenExpr):
        return _sense(node.expr, recorded, depth)
    if isinstance(node, pp.VectorSelector):
        only = recorded.get(node.name or "", ())
        return _read(only[0], recorded, depth + 1) if len(only) == 1 and depth < DEEPEST else ("", "")
    if not isinstance(node, pp.BinaryExpr):
        return "", ""
    op = str(node.op)
    if op in {"and", "unless"}:
        return _sense(node.lhs, recorded, depth)
    if op == "or":
        return _either(_sense(node.lhs, recorded, depth), _sense(node.rhs, recorded, depth))
    return _compared(node, op, recorded, depth) if op in _FLIPPED else ("", "")


def _either(left: tuple[Sense, str], right: tuple[Sense, str]) -> tuple[Sense, str]:
    for each in (left, right):
        if each[0] == "always":
            return each
    return left if left[0] and right[0] else ("", "")


def _compared(node: pp.BinaryExpr, op: str, recorded: Recorded, depth: int) -> tuple[Sense, str]:
    if node.modifier is not None and node.modifier.return_bool:
        return "always", f"`{op} bool` answers 0 or 1, and either is a result"
    left, right = _least(node.lhs, recorded, depth), _least(node.rhs, recorded, depth)
    if left.exact is not None:
        left, right, op = right, left, _FLIPPED[op]
    edge = right.exact
    if edge is None or left.exact is not None:
        return "", ""
    found = _against(left.low, op, edge)
    if found:
        return found, f"what it compares with `{op} {edge:g}` is never below {left.low:g}"
    if left.rate and edge > MOST_RATE:
        return "unlikely", f"no rate comes to {edge:g} a second"
    return "", ""


def _against(low: float, op: str, edge: float) -> Sense:
    if (op == ">=" and low >= edge) or (op in {">", "!="} and low > edge):
        return "always"
    if (op == "<" and low >= edge) or (op in {"<=", "=="} and low > edge):
        return "never"
    return ""


def _least(node: pp.Expr, recorded: Recorded, depth: int) -> Least:
    if isinstance(node, pp.ParenExpr | pp.SubqueryExpr):
        return _least(node.expr, recorded, depth)
    if isinstance(node, pp.NumberLiteral):
        return Least(low=float(node.val), exact=float(node.val))
    if isinstance(node, pp.UnaryExpr):
        inner = _least(node.expr, recorded, depth)
        return _ANYTHING if inner.exact is None else Least(low=-inner.exact, exact=-inner.exact)
    if isinstance(node, pp.VectorSelector):
        return _selected(node, recorded, depth)
    if isinstance(node, pp.MatrixSelector):
        return _least(node.vector_selector, recorded, depth)
    if isinstance(node, pp.AggregateExpr):
        if str(node.op) in {"count", "group"}:
            return _COUNT
        return _summed(_least(node.expr, recorded, depth)) if str(node.op) in _FOLDS else _ANYTHING
    if isinstance(node, pp.Call):
        return _called(node, recorded, depth)
    return _reckoned(node, recorded, depth) if isinstance(node, pp.BinaryExpr) else _ANYTHING


def _selected(node: pp.VectorSelector, recorded: Recorded, depth: int) -> Least:
    name = node.name or ""
    if name not in recorded:
        return _COUNT if name.endswith(_COUNTERS) else _ANYTHING
    only = recorded[name]
    if len(only) != 1 or depth >= DEEPEST:
        return _ANYTHING
    try:
        return _least(pp.parse(only[0]), recorded, depth + 1)
    except ValueError:
        return _ANYTHING


def _called(node: pp.Call, recorded: Recorded, depth: int) -> Least:
    name = node.func.name
    if name in _GROWING:
        return Least(low=0.0, rate=name in _RATES)
    if name == "vector" or name in _OVER | _KEEPING:
        return _summed(_least(node.args[0], recorded, depth))
    return _ANYTHING


def _summed(inner: Least) -> Least:
    """At least 0 stays that, however many are added or rounded; of less nothing is known."""
    return Least(low=0.0, rate=inner.rate) if inner.low >= 0 else _ANYTHING


def _reckoned(node: pp.BinaryExpr, recorded: Recorded, depth: int) -> Least:
    op = str(node.op)
    left, right = _least(node.lhs, recorded, depth), _least(node.rhs, recorded, depth)
    if op in {"and", "unless"}:
        return left
    if op in _FLIPPED:
        asked = node.modifier is not None and node.modifier.return_bool
        return _COUNT if asked else left if left.exact is None else right
    low = min(left.low, right.low)
    if op == "or":
        return Least(low=low, rate=left.rate and right.rate)
    if op in {"+", "*", "/"} and low >= 0:
        return _COUNT
    return _ANYTHING
