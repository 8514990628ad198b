"""Alerts that can never fire, whatever the series: only what is proven from the expression.

Rules:
1. Two proofs are known. *Bounds*: what an expression can be is an interval, and a comparison leaves nothing of it
   (``count(x) == 0``, ``vector(0) > 1``, ``x > 5 and x < 3``). *Labels*: two sides that must match have a label
   that can never be the same (``a{s="hit"} + a{s="miss"}``, or one that the other side cannot have).
2. An expression that is not understood can be anything: a proof never comes from that.
3. A label is known of a side only where the selector says so by ``=``, and nothing on the way may change it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import promql_parser as pp

_EVER = (-math.inf, math.inf)
_POSITIVE = (0.0, math.inf)
_COUNTS = frozenset({"changes", "resets", "count_over_time", "stddev_over_time", "stdvar_over_time"})
_FOLDS = frozenset({"min", "max", "avg"})
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_COMPARING = frozenset(_FLIPPED)


class _Never(Exception):  # it is no error, but what was looked for
    """The proof is its text."""


@dataclass(frozen=True, slots=True)
class _Side:
    """What is known of an expression: its bounds, the labels it must have, and those it can only have.

    ``only`` is None where it may have any label but those that it ``lacks``; ``limits`` are bounds of other
    expressions, by their text, that must hold for the same labels.
    """

    bounds: tuple[float, float] = _EVER
    scalar: bool = False
    must: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] | None = None
    lacks: frozenset[str] = frozenset()
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def never(expression: str) -> str:
    """The proof that it never fires, in words; empty where there is none."""
    try:
        tree = pp.parse(expression)
    except ValueError:
        return ""
    try:
        _side(tree)
    except _Never as proof:
        return str(proof)
    return ""


def _side(node: pp.Expr) -> _Side:  # one way out for each kind of node
    if isinstance(node, pp.ParenExpr):
        return _side(node.expr)
    if isinstance(node, pp.NumberLiteral):
        return _Side(bounds=(float(node.val), float(node.val)), scalar=True)
    if isinstance(node, pp.VectorSelector):
        must = {
            each.name: each.value
            for each in node.matchers.matchers
            if str(each.op).endswith(".Equal") and each.value and each.name != "__name__"
        }
        return _Side(must=must)
    if isinstance(node, pp.Call):
        return _call(node)
    if isinstance(node, pp.AggregateExpr):
        return _aggregate(node)
    if isinstance(node, pp.BinaryExpr):
        return _binary(node)
    return _Side()


def _call(node: pp.Call) -> _Side:
    name = node.func.name
    if name == "vector":
        # Exactly one sample without labels, which is what the number is.
        return _Side(bounds=_side(node.args[0]).bounds, only=frozenset())
    if name in {"absent", "absent_over_time", "time", "scalar"}:
        # What is inside may well be nothing, and this is something then.
        return _Side(bounds=(1.0, 1.0) if name.startswith("absent") else _EVER, scalar=name in {"time", "scalar"})
    ranged = next((each for each in node.args if isinstance(each, pp.MatrixSelector)), None)
    if ranged is not None:
        inner = _side(ranged.vector_selector)
        return replace(inner, bounds=_POSITIVE if name in _COUNTS else _EVER, limits={})
    if name in {"abs", "floor", "ceil", "round", "sqrt"} and node.args:
        inner = _side(node.args[0])
        return replace(inner, bounds=_POSITIVE if name in {"abs", "sqrt"} else _EVER, limits={})
    if name == "histogram_quantile":
        _side(node.args[1])
    return _Side()


def _aggregate(node: pp.AggregateExpr) -> _Side:
    op, inner = str(node.op), _side(node.expr)
    bounds = _EVER
    if op == "count":
        bounds = (1.0, math.inf)
    elif op in _FOLDS:
        bounds = inner.bounds
    elif op == "sum":
        low, high = inner.bounds
        bounds = (low if low >= 0 else -math.inf, high if high <= 0 else math.inf)
    elif op in {"stddev", "stdvar"}:
        bounds = _POSITIVE
    if op in {"topk", "bottomk"}:
        return inner
    if op == "count_values":
        return _Side(bounds=(1.0, math.inf))
    names = frozenset(node.modifier.labels) if node.modifier else frozenset[str]()
    if node.modifier is None or str(node.modifier.type).endswith("By"):
        must = {name: value for name, value in inner.must.items() if name in names}
        only = names if inner.only is None else names & inner.only
        return _Side(bounds=bounds, must=must, only=only, lacks=inner.lacks)
    return _without(replace(inner, bounds=bounds), names)


def _without(side: _Side, names: frozenset[str]) -> _Side:
    must = {name: value for name, value in side.must.items() if name not in names}
    only = None if side.only is None else side.only - names
    return _Side(bounds=side.bounds, must=must, only=only, lacks=side.lacks | names)


def _binary(node: pp.BinaryExpr) -> _Side:
    op = str(node.op)
    if op == "or":
        return _either(node)
    left = _side(node.lhs)
    if op == "unless":
        _quietly(node.rhs)
        return left
    right = _side(node.rhs)
    if not left.scalar and not right.scalar:
        _must_meet(left, right, node)
    if op == "and":
        limits = dict(left.limits)
        if node.modifier is None or node.modifier.matching is None:
            for text, bounds in right.limits.items():
                limits[text] = _within(limits.get(text, _EVER), bounds, text)
        return replace(left, limits=limits)
    if op in _COMPARING:
        if node.modifier is not None and node.modifier.return_bool:
            return _Side(bounds=(0.0, 1.0))
        return _compared(node, op, left, right)
    vector = left if not left.scalar else right
    bounds = _reckoned(op, left.bounds, right.bounds)
    both = left.scalar and right.scalar
    return _matched(replace(vector, bounds=bounds, scalar=both, limits={}), node)


def _either(node: pp.BinaryExpr) -> _Side:
    """Both must be impossible."""
    proofs = []
    for each in (node.lhs, node.rhs):
        try:
            _side(each)
        except _Never as proof:
            proofs.append(str(proof))
    if len(proofs) == 2:  # noqa: PLR2004  # both
        raise _Never("; ".join(proofs))
    return _Side()


def _quietly(node: pp.Expr) -> None:
    """What is taken away may be impossible: then nothing is taken away."""
    try:
        _side(node)
    except _Never:
        return


def _compared(node: pp.BinaryExpr, op: str, left: _Side, right: _Side) -> _Side:
    if left.scalar and not right.scalar:
        return _limited(right, node.rhs, _FLIPPED[op], left.bounds)
    if right.scalar and not left.scalar:
        return _limited(left, node.lhs, op, right.bounds)
    return _matched(replace(left, limits={}), node)


def _limited(side: _Side, node: pp.Expr, op: str, by: tuple[float, float]) -> _Side:
    """A side of which only what compares well with ``by`` is left."""
    text = _text(node)
    if op == "!=":
        return side
    low, high = by
    allowed = {
        ">": (math.nextafter(low, math.inf), math.inf),
        ">=": (low, math.inf),
        "<": (-math.inf, math.nextafter(high, -math.inf)),
        "<=": (-math.inf, high),
        "==": by,
    }[op]
    bounds = _within(side.bounds, allowed, text)
    limits = {**side.limits, text: _within(side.limits.get(text, _EVER), allowed, text)}
    return replace(side, bounds=bounds, limits=limits if _is_named(node) else {})


def _within(one: tuple[float, float], other: tuple[float, float], text: str) -> tuple[float, float]:
    low, high = max(one[0], other[0]), min(one[1], other[1])
    if low > high:
        raise _Never(f"`{text[:80]}` is never both {_told(one)} and {_told(other)}")
    return low, high


def _told(bounds: tuple[float, float]) -> str:
    low, high = bounds
    if low == high:
        return f"{low:g}"
    least, most = _edge("more than", "at least", low, -math.inf), _edge("less than", "at most", high, math.inf)
    return " and ".join(each for each in (least, most) if each)


def _edge(beyond: str, upto: str, edge: float, towards: float) -> str:
    """An edge that is not part of the bounds is the very next number."""
    if math.isinf(edge):
        return ""
    back = math.nextafter(edge, towards) + 0.0
    return f"{beyond} {back:g}" if len(repr(back)) < len(repr(edge)) else f"{upto} {edge:g}"


def _must_meet(left: _Side, right: _Side, node: pp.BinaryExpr) -> None:
    matching = node.modifier.matching if node.modifier else None
    names = set(matching.labels) if matching else set[str]()
    include = matching is not None and str(matching.type).endswith("Include")

    def counts(name: str) -> bool:
        return (name in names) is include if matching else True

    for one, other in ((left, right), (right, left)):
        for name, value in one.must.items():
            if not counts(name):
                continue
            said = f'its two sides never match: one has {name}="{value}", the other'
            if other.must.get(name, value) != value:
                raise _Never(f'{said} has {name}="{other.must[name]}"')
            if name in other.lacks or (other.only is not None and name not in other.only):
                raise _Never(f"{said} has no `{name}`")


def _matched(side: _Side, node: pp.BinaryExpr) -> _Side:
    """The labels of what two sides come to."""
    matching = node.modifier.matching if node.modifier else None
    if node.modifier is None or matching is None or side.scalar:
        return side
    if not str(node.modifier.card).endswith("OneToOne"):
        return _Side(bounds=side.bounds)
    names = frozenset(matching.labels)
    if str(matching.type).endswith("Include"):
        must = {name: value for name, value in side.must.items() if name in names}
        only = names if side.only is None else names & side.only
        return _Side(bounds=side.bounds, must=must, only=only, lacks=side.lacks)
    return _without(side, names)


def _reckoned(op: str, left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
    """Bounds of a sum, or of a product of what is not negative; anything else may be anything."""
    if op == "+":
        return left[0] + right[0], left[1] + right[1]
    if op == "-" and not any(map(math.isinf, (*left, *right))):
        return left[0] - right[1], left[1] - right[0]
    if op in {"*", "/"} and left[0] >= 0 and right[0] >= 0:
        return _POSITIVE
    return _EVER


def _text(node: pp.Expr) -> str:
    while isinstance(node, pp.ParenExpr):
        node = node.expr
    return " ".join(node.prettify().split())


def _is_named(node: pp.Expr) -> bool:
    """Whether every selector names its metric: without names, the same labels may be those of two metrics."""
    named: list[bool] = []

    def enter(inner: pp.Expr) -> None:
        if isinstance(inner, pp.VectorSelector):
            named.append(bool(inner.name))

    pp.walk(node, enter, lambda _: None)
    return all(named)
