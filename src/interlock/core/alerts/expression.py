"""What a PromQL expression looks at: its selectors, closed over recording rules.

Rules:
1. ``promql-parser`` reads the expression; what it does not parse is a value with the reason, never an exception.
2. A selector's name is the metric's, whether written in front or as ``__name__="…"``. Matchers keep their order.
3. A selector by the exact name of a recording rule stands for what that rule looks at, with its own range and
   offset added. Rules that record from each other in a circle are refused: nobody can say what they look at. One
   that goes on from its own last value looks at what it begins with.
4. A range is that of the selector itself, in seconds; of a subquery around it the range is added. An offset
   into the past is positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import promql_parser

from interlock.core.alerts.rule_files import Rule
from interlock.core.change.cycles import cycles
from interlock.core.change.errors import InvalidInput

_OPS = {
    str(promql_parser.MatchOp.Equal): "=",
    str(promql_parser.MatchOp.NotEqual): "!=",
    str(promql_parser.MatchOp.Re): "=~",
    str(promql_parser.MatchOp.NotRe): "!~",
}


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """One matcher; ``op`` is ``=``, ``!=``, ``=~`` or ``!~``."""

    label: str
    op: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Series that are looked at; ``metric`` is empty where no exact name is written. Spans in seconds."""

    metric: str
    matchers: tuple[LabelMatch, ...] = ()
    range: float = 0.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Unparsed:
    """Why an expression could not be read."""

    reason: str


def selectors(expression: str) -> tuple[Selector, ...] | Unparsed:
    """Every selector of an expression, as written, each once; its recording rules are not looked into."""
    try:
        tree = promql_parser.parse(expression)
    except ValueError as error:
        return Unparsed(" ".join(str(error).split())[:300])
    found: list[Selector] = []
    for selector in _under(tree):
        if isinstance(selector, Unparsed):
            return selector
        found.append(selector)
    return tuple(dict.fromkeys(found))


def closed(expression: str, rules: Iterable[Rule]) -> tuple[Selector, ...] | Unparsed:
    """The selectors of an expression down to series that no rule of ``rules`` records.

    Raises:
        InvalidInput: ``alert-rules`` for recording rules in a circle.
    """
    recorded: dict[str, list[str]] = {}
    for rule in rules:
        if not rule.alert:
            recorded.setdefault(rule.name, []).append(rule.expression)
    _refuse_circles(recorded)
    waiting, seen, found = [(expression, 0.0, 0.0)], set[tuple[str, float, float]](), dict[Selector, None]()
    while waiting:
        text, span, offset = wanted = waiting.pop()
        inner = () if wanted in seen else selectors(text)
        seen.add(wanted)
        if isinstance(inner, Unparsed):
            return inner
        for each in inner:
            whole = replace(each, range=each.range + span, offset=each.offset + offset)
            if each.metric in recorded:
                waiting += [(one, whole.range, whole.offset) for one in recorded[each.metric]]
            else:
                found[whole] = None
    return tuple(found)


def muted_by(expression: str, rules: Iterable[Rule]) -> tuple[Selector, ...]:
    """What keeps an expression silent while it is there: the right sides of ``unless``, down to series.

    ``ALERTS`` is none of it: it is made by the rules themselves.
    """
    known = [*rules]
    recorded = {rule.name: rule.expression for rule in known if not rule.alert}
    waiting, seen, found = [expression], set[str](), dict[Selector, None]()
    while waiting:
        text = waiting.pop()
        inner = () if text in seen else selectors(text)
        seen.add(text)
        if isinstance(inner, Unparsed):
            continue
        waiting += [recorded[each.metric] for each in inner if each.metric in recorded]
        for side in _unless(text):
            within = closed(side, known)
            found |= dict.fromkeys(() if isinstance(within, Unparsed) else within)
    return tuple(one for one in found if one.metric not in {"ALERTS", "ALERTS_FOR_STATE"})


def _unless(expression: str) -> list[str]:
    found: list[str] = []

    def enter(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "unless":
            found.append(str(node.rhs))

    promql_parser.walk(promql_parser.parse(expression), enter, lambda _: None)
    return found


def _refuse_circles(recorded: Mapping[str, list[str]]) -> None:
    graph = {
        name: {metric for each in texts for metric in _metrics(each)} - {name} for name, texts in recorded.items()
    }
    if circle := next(iter(cycles(graph)), None):
        raise InvalidInput(
            f"expected recording rules that lead to series, got a circle `{' → '.join(circle)}`",
            code="alert-rules",
            hint="let one of them record from a series that is scraped",
        )


def _metrics(expression: str) -> list[str]:
    found = selectors(expression)
    return [] if isinstance(found, Unparsed) else [each.metric for each in found]


def _under(tree: promql_parser.Expr) -> list[Selector | Unparsed]:
    """The selectors of a tree, each with the ranges around it added up: the walk enters ranges like any node."""
    found: list[Selector | Unparsed] = []
    around: list[float] = []

    def enter(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.SubqueryExpr | promql_parser.MatrixSelector):
            around.append(node.range.total_seconds() if node.range else 0.0)
        elif isinstance(node, promql_parser.VectorSelector):
            found.append(_selector(node, sum(around)))

    def leave(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.SubqueryExpr | promql_parser.MatrixSelector):
            around.pop()

    promql_parser.walk(tree, enter, leave)
    return found


def _selector(node: promql_parser.VectorSelector, span: float) -> Selector | Unparsed:
    if node.matchers.or_matchers:
        return Unparsed("matchers joined by `or` are no PromQL that Prometheus reads")
    written = [LabelMatch(each.name, _OPS[str(each.op)], each.value) for each in node.matchers.matchers]
    named = [each.value for each in written if each.label == "__name__" and each.op == "="]
    metric = node.name or (named[0] if named else "")
    return Selector(
        metric=metric,
        matchers=tuple(each for each in written if each.label != "__name__" or each.op != "="),
        range=span,
        offset=node.offset.total_seconds() if node.offset else 0.0,
    )
