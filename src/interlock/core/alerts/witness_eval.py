"""PromQL over made-up series, closely enough to look for a witness: the real promtool has the last word.

Rules:
1. What is not known here is ``Beyond``, with its name; nothing is guessed.
2. A rate is what the samples in its range rose by, over the range; a counter that fell began again.
3. A metric that a rule records is that rule's expression, with the rule's labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import promql_parser as pp

from interlock.core.alerts.shape import Fits
from interlock.core.alerts.witness_course import Course
from interlock.core.alerts.witness_match import (
    NAME,
    SET_OPS,
    Beyond,
    Labels,
    Vector,
    bare,
    joined,
    matched,
    with_number,
)
from interlock.core.alerts.witness_math import BINARY, FOLD, OVER, quantile_of_buckets, span

Value = float | Vector
Ranged = pp.MatrixSelector | pp.SubqueryExpr
_MOST_POINTS, _FEW_POINTS, NODE_WORK = 400, 24, 4


@dataclass(slots=True)
class World:
    """Series by labels, and rules that record more. ``step`` is the seconds between samples.

    ``work`` counts samples and nodes that were looked at: a search is given up by it, not by the clock.
    """

    series: Mapping[Labels, Course]
    recorded: Mapping[str, Sequence[tuple[pp.Expr, Mapping[str, str]]]]
    step: float
    fits: Fits = field(default_factory=Fits)
    work: int = 0
    chosen: dict[tuple[str, int], list[Labels]] = field(default_factory=dict)
    entered: set[str] = field(default_factory=set)

    def value(self, node: pp.Expr, time: float) -> Value:
        """What ``node`` is at ``time``.

        Raises:
            Beyond: it is not known here.
        """
        kind = type(node).__name__
        self.work += NODE_WORK
        if kind not in _KINDS:
            raise Beyond(f"{kind} is not looked into")
        return _KINDS[kind](self, node, time)

    def vector(self, node: pp.Expr, time: float) -> Vector:
        """The same of a vector."""
        found = self.value(node, time)
        if not isinstance(found, dict):
            raise Beyond("a number stands where series are expected")
        return found


def _number(world: World, node: pp.NumberLiteral, time: float) -> Value:
    del world, time
    return float(node.val)


def _paren(world: World, node: pp.ParenExpr, time: float) -> Value:
    return world.value(node.expr, time)


def _unary(world: World, node: pp.UnaryExpr, time: float) -> Value:
    found = world.value(node.expr, time)
    return -found if isinstance(found, float) else {bare(key): -value for key, value in found.items()}


def _selector(world: World, node: pp.VectorSelector, time: float) -> Value:
    if node.at is not None:
        raise Beyond("the @ modifier is not looked into")
    at = time - (node.offset.total_seconds() if node.offset else 0.0)
    if node.name is not None and node.name in world.recorded:
        return _recorded(world, node, node.name, at)
    # a sample is there at most one step before
    grid = math.floor(at / world.step) * world.step
    found = {key: world.series[key].at(grid) for key in _meant(world, node)}
    return {key: value for key, value in found.items() if value is not None}


def _recorded(world: World, node: pp.VectorSelector, name: str, time: float) -> Vector:
    # What goes on from its own last value begins with none.
    if name in world.entered:
        return {}
    world.entered.add(name)
    try:
        return _now_recorded(world, node, name, time)
    finally:
        world.entered.discard(name)


def _now_recorded(world: World, node: pp.VectorSelector, name: str, time: float) -> Vector:
    found: Vector = {}
    for expression, labels in world.recorded[name]:
        value = world.value(expression, time)
        plain: Vector = value if isinstance(value, dict) else {frozenset(): value}
        for key, each in plain.items():
            more = {**dict(key), **labels, NAME: name}
            named = frozenset((label, text) for label, text in more.items() if text)
            if matching(node, dict(named), world.fits):
                found[named] = each
    return found


def _meant(world: World, node: pp.VectorSelector) -> list[Labels]:
    place = (str(node), len(world.series))
    if place not in world.chosen:
        world.chosen[place] = [key for key in world.series if matching(node, dict(key), world.fits)]
    return world.chosen[place]


def matching(node: pp.VectorSelector, labels: Mapping[str, str], fits: Fits) -> bool:
    """Whether a selector means a series."""
    if node.name and labels.get(NAME) != node.name:
        return False
    for each in node.matchers.matchers:
        value, op = labels.get(each.name, ""), str(each.op).rsplit(".", 1)[-1]
        equal = value == each.value if op in {"Equal", "NotEqual"} else fits(each.value, value)
        if equal is not (op in {"Equal", "Re"}):
            return False
    return True


def _windows(world: World, node: Ranged, time: float) -> tuple[float, dict[Labels, list[tuple[float, float]]]]:
    """The range in seconds, and the samples of each series in it."""
    inner = node.vector_selector if isinstance(node, pp.MatrixSelector) else None
    long = span(node.range)
    if inner is not None and inner.name not in world.recorded and inner.at is None:
        end = time - (inner.offset.total_seconds() if inner.offset else 0.0)
        last = math.floor(end / world.step)
        count = min(math.floor(long / world.step) + 1, last + 1)
        stride = max(1, count // _MOST_POINTS)
        times = [place * world.step for place in range(last - count + 1, last + 1, stride)]
        found = {}
        for key in _meant(world, inner):
            samples = [(at, value) for at in times if (value := world.series[key].at(at)) is not None]
            if samples:
                found[key] = samples
            world.work += len(times)
        return long, found
    source, offset, asked = _source(node)
    every = max(long / _FEW_POINTS, asked, world.step)
    gathered: dict[Labels, list[tuple[float, float]]] = {}
    at = max(0.0, time - offset - long)
    while at <= time - offset + 1e-9:  # the last point is one
        for key, value in world.vector(source, at).items():
            gathered.setdefault(key, []).append((at, value))
        at += every
    return long, gathered


def _source(node: Ranged) -> tuple[pp.Expr, float, float]:
    """What a range is evaluated of again and again, its offset and its step in seconds."""
    if isinstance(node, pp.SubqueryExpr):
        return node.expr, span(node.offset), span(node.step)
    return node.vector_selector, 0.0, 0.0


def _call(world: World, node: pp.Call, time: float) -> Value:
    name, args = node.func.name, node.args
    if name in _CALLS:
        return _CALLS[name](world, node, time)
    ranges = [one for each in args if (one := _ranged(each)) is not None]
    if name not in OVER or not ranges:
        raise Beyond(f"{name} is not looked into")
    long, windows = _windows(world, ranges[0], time)
    numbers = [_scalar(world, each, time) for each in args if _ranged(each) is None]
    found: Vector = {}
    for key, samples in windows.items():
        value = OVER[name](samples, long, time, *numbers)
        if value is not None:
            found[key if name == "last_over_time" else bare(key)] = value
    return found


def _time(world: World, node: pp.Call, time: float) -> Value:
    del world, node
    return time


def _each(act: Callable[..., float]) -> Callable[[World, pp.Call, float], Value]:
    def called(world: World, node: pp.Call, time: float) -> Value:
        numbers = [_scalar(world, each, time) for each in node.args[1:]]
        found = world.vector(node.args[0], time)
        return {bare(key): act(value, *numbers) for key, value in found.items()}

    return called


def _of_vector(world: World, node: pp.Call, time: float) -> Value:
    return {frozenset(): _scalar(world, node.args[0], time)}


def _scalar_of(world: World, node: pp.Call, time: float) -> Value:
    found = world.vector(node.args[0], time)
    return next(iter(found.values())) if len(found) == 1 else math.nan


def _timestamp(world: World, node: pp.Call, time: float) -> Value:
    return {bare(key): time for key in world.vector(node.args[0], time)}


def _absent(world: World, node: pp.Call, time: float) -> Value:
    return {} if world.vector(node.args[0], time) else {frozenset(): 1.0}


def _absent_over_time(world: World, node: pp.Call, time: float) -> Value:
    ranged = _ranged(node.args[0])
    return {} if ranged is not None and _windows(world, ranged, time)[1] else {frozenset(): 1.0}


def _same(world: World, node: pp.Call, time: float) -> Value:
    """Labels that are rewritten are left as they are: promtool sees whether that was enough."""
    return world.vector(node.args[0], time)


def _histogram_quantile(world: World, node: pp.Call, time: float) -> Value:
    q, buckets = _scalar(world, node.args[0], time), world.vector(node.args[1], time)
    groups: dict[Labels, list[tuple[float, float]]] = {}
    for key, value in buckets.items():
        labels = dict(key)
        edge = labels.pop("le", None)
        labels.pop(NAME, None)
        if edge is not None:
            groups.setdefault(frozenset(labels.items()), []).append((float(edge), value))
    return {key: quantile_of_buckets(q, sorted(each)) for key, each in groups.items()}


def _aggregate(world: World, node: pp.AggregateExpr, time: float) -> Value:
    op = str(node.op)
    groups: dict[Labels, list[float]] = {}
    members: dict[Labels, list[Labels]] = {}
    for key, value in world.vector(node.expr, time).items():
        group = _grouped(key, node.modifier)
        groups.setdefault(group, []).append(value)
        members.setdefault(group, []).append(key)
    if op in {"topk", "bottomk"}:
        return world.vector(node.expr, time)
    if op == "count_values":
        label = node.param.val if isinstance(node.param, pp.StringLiteral) else ""
        return {
            group | {(label, f"{value:g}")}: float(values.count(value))
            for group, values in groups.items()
            for value in values
        }
    if op not in FOLD:
        raise Beyond(f"{op} is not looked into")
    numbers = [] if node.param is None else [_scalar(world, node.param, time)]
    return {group: FOLD[op](values, *numbers) for group, values in groups.items()}


def _grouped(key: Labels, modifier: pp.AggModifier | None) -> Labels:
    if modifier is None:
        return frozenset()
    names, by = set(modifier.labels), str(modifier.type).endswith("By")
    if by:
        return frozenset(pair for pair in key if pair[0] in names)
    return frozenset(pair for pair in key if pair[0] not in names and pair[0] != NAME)


def _binary(world: World, node: pp.BinaryExpr, time: float) -> Value:
    op, left, right = str(node.op), world.value(node.lhs, time), world.value(node.rhs, time)
    if op in SET_OPS:
        if not isinstance(left, dict) or not isinstance(right, dict):
            raise Beyond(f"{op} joins a number")
        return joined(op, left, right, node.modifier)
    wants_bool = node.modifier is not None and node.modifier.return_bool
    if isinstance(left, float) and isinstance(right, float):
        return float(BINARY[op](left, right))
    if isinstance(left, float) or isinstance(right, float):
        return with_number(op, left, right, wants_bool=wants_bool)
    return matched(op, left, right, node.modifier, wants_bool=wants_bool)


def _scalar(world: World, node: pp.Expr, time: float) -> float:
    found = world.value(node, time)
    if not isinstance(found, float):
        raise Beyond("series stand where a number is expected")
    return found


def _ranged(node: pp.Expr) -> Ranged | None:
    """The range that an argument is, None where it is another thing."""
    while isinstance(node, pp.ParenExpr):
        node = node.expr
    return node if isinstance(node, pp.MatrixSelector | pp.SubqueryExpr) else None


_CALLS: Mapping[str, Callable[[World, pp.Call, float], Value]] = {
    "time": _time,
    "vector": _of_vector,
    "scalar": _scalar_of,
    "timestamp": _timestamp,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "histogram_quantile": _histogram_quantile,
    "label_replace": _same,
    "label_join": _same,
    "sort": _same,
    "sort_desc": _same,
    "abs": _each(abs),
    "ceil": _each(lambda value: float(math.ceil(value))),
    "floor": _each(lambda value: float(math.floor(value))),
    "sqrt": _each(lambda value: math.sqrt(value) if value >= 0 else math.nan),
    "ln": _each(lambda value: math.log(value) if value > 0 else math.nan),
    "exp": _each(lambda value: math.exp(min(value, 700.0))),
    "round": _each(lambda value, to=1.0: math.floor(value / to + 0.5) * to),
    "clamp_min": _each(max),
    "clamp_max": _each(min),
    "clamp": _each(lambda value, low, high: min(max(value, low), high)),
}
_KINDS: Mapping[str, Callable[..., Value]] = {
    "NumberLiteral": _number,
    "ParenExpr": _paren,
    "UnaryExpr": _unary,
    "VectorSelector": _selector,
    "Call": _call,
    "AggregateExpr": _aggregate,
    "BinaryExpr": _binary,
}


def empty(value: Value) -> bool:
    """Whether an alert would not fire by it."""
    return isinstance(value, dict) and not value


def labels_of(pairs: Iterable[tuple[str, str]]) -> Labels:
    """The key of a series; empty labels are none."""
    return frozenset((name, value) for name, value in pairs if value)
