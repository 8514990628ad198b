"""Which metrics decide whether an alert fires: each way in which it can, with what it looks at there.

Rules:
1. Either side of an ``or`` is a way of its own. What stands after ``and`` and ``unless`` only holds an alert back,
   and decides nothing.
2. The name of a recording rule that is there stands for what it records.
3. A selector that an environment's label keeps away from production says so, that of a recording rule's name too.
4. What asks only whether series are there, or how many, says nothing of what they count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

import promql_parser as pp

from interlock.core.audit.environments import Where, where

Way = frozenset["Deciding"]
MOST_WAYS, DEEPEST = 32, 8
_PRESENCE = frozenset({"absent", "absent_over_time", "present_over_time"})
_COUNTING = frozenset({"count", "count_values", "group"})
_NOTHING: tuple[Way, ...] = (frozenset(),)
_OPS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class Deciding:
    """One metric by its exact name, empty where none is written. ``counted``: only its series are.

    ``where`` is what ``by``, a matcher, says of the environment.
    """

    metric: str
    counted: bool = False
    where: Where = ""
    by: str = ""


def ways(expression: str, recorded: Mapping[str, Sequence[str]]) -> tuple[Way, ...]:
    """Each way, at most 32; none for what does not parse. ``recorded`` are expressions by the rule's name."""
    return tuple(each for each in _read(expression, recorded, 0) if each)


def _read(expression: str, recorded: Mapping[str, Sequence[str]], depth: int) -> tuple[Way, ...]:
    try:
        return _ways(pp.parse(expression), recorded, depth)
    except ValueError:
        return ()


def _ways(node: pp.Expr, recorded: Mapping[str, Sequence[str]], depth: int) -> tuple[Way, ...]:
    if isinstance(node, pp.VectorSelector):
        return _selected(node, recorded, depth)
    if isinstance(node, pp.BinaryExpr):
        return _both(node, recorded, depth)
    if isinstance(node, pp.AggregateExpr):
        found = _ways(node.expr, recorded, depth)
        return _counted(found) if str(node.op) in _COUNTING else found
    if isinstance(node, pp.Call):
        found = _NOTHING
        for each in node.args:
            found = _crossed(found, _ways(each, recorded, depth))
        return _counted(found) if node.func.name in _PRESENCE else found
    if isinstance(node, pp.MatrixSelector):
        return _ways(node.vector_selector, recorded, depth)
    if isinstance(node, pp.ParenExpr | pp.SubqueryExpr | pp.UnaryExpr):
        return _ways(node.expr, recorded, depth)
    return _NOTHING


def _both(node: pp.BinaryExpr, recorded: Mapping[str, Sequence[str]], depth: int) -> tuple[Way, ...]:
    op, left = str(node.op), _ways(node.lhs, recorded, depth)
    if op in {"and", "unless"}:
        return left
    right = _ways(node.rhs, recorded, depth)
    return (*left, *right)[:MOST_WAYS] if op == "or" else _crossed(left, right)


def _selected(node: pp.VectorSelector, recorded: Mapping[str, Sequence[str]], depth: int) -> tuple[Way, ...]:
    written = node.matchers.matchers
    named = [each.value for each in written if each.name == "__name__" and str(each.op).endswith(".Equal")]
    metric = node.name or (named[0] if named else "")
    if metric in recorded and depth < DEEPEST:
        found = [each for text in recorded[metric] for each in _read(text, recorded, depth + 1)]
        return tuple(frozenset(_at(each, node) for each in way) for way in found)[:MOST_WAYS]
    return (frozenset({_at(Deciding(metric), node)}),)


def _at(one: Deciding, node: pp.VectorSelector) -> Deciding:
    """The same, of the environment that a matcher of this selector names; elsewhere outweighs what is doubtful."""
    for each in node.matchers.matchers:
        op = _OPS[str(each.op).rpartition(".")[2]]
        if (found := where(each.name, op, each.value)) and one.where != "elsewhere":
            one = replace(one, where=found, by=f'{each.name}{op}"{each.value}"')
    return one


def _crossed(left: Sequence[Way], right: Sequence[Way]) -> tuple[Way, ...]:
    return tuple(dict.fromkeys(one | other for one, other in islice(product(left, right), MOST_WAYS)))


def _counted(found: Sequence[Way]) -> tuple[Way, ...]:
    return tuple(frozenset(replace(each, counted=True) for each in way) for way in found)
