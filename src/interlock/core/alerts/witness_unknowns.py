"""What a search for a witness may choose: the series an expression looks at, and the courses each may take.

Rules:
1. Each selector has one series that it means, or two and more alike where an expression counts or compares them.
   A label that several selectors or groupings name has one value in all.
2. Levels and slopes come from the numbers of the expression itself, from their products and ratios, a little above
   and below; the time counts where the expression asks for it.
3. The buckets of a histogram are one unknown: where all of its events fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product

import promql_parser as pp

from interlock.core.alerts.shape import Fits
from interlock.core.alerts.witness_course import ABSENT, Course, Kind
from interlock.core.alerts.witness_eval import labels_of
from interlock.core.alerts.witness_match import NAME, Labels
from interlock.core.alerts.witness_math import span
from interlock.core.alerts.witness_text import fitting

DEFAULT = "interlock"
_OTHERS = ("x", "1", "0.5", "/srv", "Z")
RISING = frozenset({"rate", "increase", "irate"})
SLOPED = frozenset({"delta", "idelta", "deriv", "predict_linear"})
CHANGING = frozenset({"changes", "resets"})
_PASSING: tuple[Kind, ...] = ("gone", "came")
_LOOKING_BACK = frozenset({"avg_over_time", "stddev_over_time", "max_over_time", "min_over_time"})
_MOST_NUMBERS, _MOST_EDGES = 14, 24


@dataclass(slots=True)
class Seen:
    """What an expression holds. ``uses`` are the selectors with the functions around them."""

    uses: list[tuple[pp.VectorSelector, frozenset[str]]] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The times of a test in seconds: between samples, until when, and when a jump or a bend comes."""

    step: float
    interval: float
    warm: float
    end: float
    turns: tuple[float, ...]
    pending: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How series are labelled: whether each has the labels of all selectors, and how many alike there are.

    ``apart`` is the label that tells those that are alike from one another.
    """

    shared: bool = False
    copies: int = 1
    apart: str = "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Series that are chosen together, and what they may be, the likeliest first, the last that there is none."""

    keys: tuple[Labels, ...]
    options: tuple[tuple[Course, ...], ...]


def seen(tree: pp.Expr, recorded: Mapping[str, Sequence[tuple[pp.Expr, Mapping[str, str]]]]) -> Seen:
    """All of an expression, through the rules that record what it looks at."""
    found, waiting, done = Seen(), [(tree, frozenset[str]())], set[str]()
    while waiting:
        node, around = waiting.pop()
        _walk(node, around, found)
        for selector, calls in [*found.uses]:
            name = selector.name or ""
            if name in recorded and name not in done:
                done.add(name)
                waiting += [(expression, calls) for expression, _ in recorded[name]]
                own = {label for _, labels in recorded[name] for label in labels}
                for each in selector.matchers.matchers:
                    if str(each.op).endswith(".Equal") and each.name not in own:
                        found.values.setdefault(each.name, each.value)
    found.uses = [(selector, calls) for selector, calls in found.uses if selector.name not in recorded]
    return found


def _walk(tree: pp.Expr, around: frozenset[str], found: Seen) -> None:
    calls: list[str] = [*around]

    def enter(node: pp.Expr) -> None:
        if isinstance(node, pp.Call):
            calls.append(node.func.name)
            found.calls.add(node.func.name)
        elif isinstance(node, pp.VectorSelector):
            found.uses.append((node, frozenset(calls)))
        _note(node, found)

    def leave(node: pp.Expr) -> None:
        if isinstance(node, pp.Call):
            calls.pop()

    pp.walk(tree, enter, leave)


def _note(node: pp.Expr, found: Seen) -> None:
    """The spans, the numbers, and the labels that series are grouped or matched by."""
    if isinstance(node, pp.VectorSelector) and node.offset:
        found.offsets.append(abs(node.offset.total_seconds()))
    elif isinstance(node, pp.MatrixSelector | pp.SubqueryExpr):
        found.spans.append(span(node.range))
    elif isinstance(node, pp.AggregateExpr):
        found.calls.add(str(node.op))
        if node.modifier is not None and str(node.modifier.type).endswith("By"):
            found.labels += node.modifier.labels
    elif isinstance(node, pp.BinaryExpr) and node.modifier is not None:
        matching = node.modifier.matching
        found.labels += matching.labels if matching and str(matching.type).endswith("Include") else []
        found.labels += node.modifier.group_labels or []
    if (number := folded(node)) is not None:
        found.numbers.append(number)


def folded(node: pp.Expr) -> float | None:
    """The number that an expression of numbers alone comes to."""
    if isinstance(node, pp.NumberLiteral):
        return float(node.val)
    if isinstance(node, pp.ParenExpr):
        return folded(node.expr)
    if isinstance(node, pp.UnaryExpr):
        inner = folded(node.expr)
        return None if inner is None else -inner
    if isinstance(node, pp.BinaryExpr):
        left, right = folded(node.lhs), folded(node.rhs)
        if left is None or right is None:
            return None
        op = str(node.op)
        results = {"+": left + right, "-": left - right, "*": left * right, "/": left / right if right else None}
        return results.get(op)
    return None


def unknowns(found: Seen, setting: Setting, variant: Variant) -> list[Unknown]:
    """Each thing to be chosen; of several series alike all but the first are chosen together."""
    uses: dict[Labels, set[str]] = {}
    for selector, calls in found.uses:
        key = labels_for(selector, found, shared=variant.shared)
        uses.setdefault(key, set()).update(calls or {"instant"})
    levels, chosen = _levels(found, setting), []
    groups = [(0,)] if variant.copies == 1 else [(0,), tuple(range(1, variant.copies))]
    for key, functions in uses.items():
        calls = frozenset(functions)
        for group in groups:
            keys = [_apart(key, variant, number) for number in group]
            if "histogram_quantile" in calls and "le" not in dict(key):
                edges = _edges(found)
                whole = tuple(each | {("le", edge)} for each in keys for edge in edges)
                chosen.append(Unknown(keys=whole, options=_histograms(len(edges), len(keys), setting)))
            else:
                options = tuple((course,) * len(keys) for course in _courses(calls, levels, found, setting))
                chosen.append(Unknown(keys=tuple(keys), options=options))
    return chosen


def _apart(key: Labels, variant: Variant, number: int) -> Labels:
    if variant.copies == 1 or number == 0:
        return key
    return frozenset(pair for pair in key if pair[0] != variant.apart) | {(variant.apart, f"{DEFAULT}{number}")}


def labels_for(selector: pp.VectorSelector, found: Seen, *, shared: bool) -> Labels:
    """The labels of a series that a selector means; ``shared``: those that any selector names are its own too."""
    fits, wanted = Fits(), {NAME: selector.name or "interlock_metric"}
    if shared:
        for other, _ in found.uses:
            for each in other.matchers.matchers:
                wanted.setdefault(each.name, _chosen(other, each.name, found, fits))
    for label in found.labels:
        if label not in {"le", NAME}:
            wanted.setdefault(label, found.values.get(label, DEFAULT))
    for name in {each.name for each in selector.matchers.matchers}:
        if not _suits(selector, name, wanted.get(name, ""), fits) or name not in wanted:
            wanted[name] = _chosen(selector, name, found, fits)
    return labels_of(wanted.items())


def _chosen(selector: pp.VectorSelector, name: str, found: Seen, fits: Fits) -> str:
    mine = [each for each in selector.matchers.matchers if each.name == name]
    fixed = [each.value for each in mine if str(each.op).endswith(".Equal")]
    texts = [fitting(each.value) for each in mine if str(each.op).endswith(".Re")]
    options = [*fixed, found.values.get(name, DEFAULT), *texts, *_OTHERS, ""]
    return next((value for value in options if _suits(selector, name, value, fits)), options[0])


def _suits(selector: pp.VectorSelector, name: str, value: str, fits: Fits) -> bool:
    for each in selector.matchers.matchers:
        if each.name != name:
            continue
        kind = str(each.op).rsplit(".", 1)[-1]
        equal = value == each.value if kind in {"Equal", "NotEqual"} else fits(each.value, value)
        if equal is not (kind in {"Equal", "Re"}):
            return False
    return True


def _levels(found: Seen, setting: Setting) -> list[float]:
    """Numbers worth trying, the likeliest first."""
    mine = [*dict.fromkeys(abs(each) for each in found.numbers if each)][:_MOST_NUMBERS]
    pairs = [value for one in mine for other in mine for value in (one / other, one * other) if one != other]
    levels: list[float] = [1.0, 0.0]
    for each in mine:
        levels += [each * 2, each / 2, each, each + 1, each - 1, -each * 2]
    if found.calls & {"time", "timestamp"}:
        times = [setting.end + sign * each * times for each in mine for times in (2, 0.5) for sign in (-1, 1)]
        levels = [*levels[:2], *times, setting.end, *levels[2:]]
    for each in pairs:
        levels += [each * 2, each / 2]
    near = sorted({*mine, *pairs})
    levels += [(low + high) / 2 for low, high in pairwise(near)][:_MOST_NUMBERS]
    levels += [each * 1.01 for each in mine] + [each * 0.99 for each in mine]
    levels += [100.0, 10_000.0, 1e7, 1e10, 1e13, -1.0, -100.0, -1e7, 0.5, 0.01]
    return [*dict.fromkeys(levels)]


def _courses(around: frozenset[str], levels: Sequence[float], found: Seen, setting: Setting) -> list[Course]:
    """What one series may be."""
    end, spans = setting.end, sorted(set(found.spans))
    over = [*spans, *found.offsets]
    slopes = [*dict.fromkeys([1.0, 0.0, *(each / long for each in levels[2:30] for long in over), *levels[2:]])]
    courses: list[Course] = []
    if around & RISING:
        courses += [Course("slope", each * end, each, end) for each in slopes if each >= 0]
    if around & SLOPED:
        bases = (0.0, 1.0, 1_000.0, 1e7)
        courses += [
            Course("slope", base, slope, end) for slope in (*slopes, *(-each for each in slopes)) for base in bases
        ]
    if around & CHANGING:
        courses += [Course("level", 1.0), Course("toggle", 1.0, 0.0, step=setting.step)]
        courses += [Course("toggle", each + 1, each, step=setting.step) for each in levels[2:8]]
    if not around & (RISING | SLOPED | CHANGING) or "instant" in around:
        courses += [Course("level", each) for each in levels]
    if len(spans) > 1 or found.offsets or around & _LOOKING_BACK:
        courses[4:4] = _turning(levels, slopes, setting, rising=bool(around & RISING))
    if found.offsets:
        courses[2:2] = [Course(kind, 1.0, turn=turn) for turn in reversed(setting.turns) for kind in _PASSING]
    return [*dict.fromkeys([*courses, ABSENT])]


def _turning(levels: Sequence[float], slopes: Sequence[float], setting: Setting, *, rising: bool) -> list[Course]:
    few = [each for each in (slopes if rising else levels)[:8] if each >= 0 or not rising]
    pairs = [(one, other) for one, other in product([*few, 100.0], repeat=2) if one != other]
    kind: Kind = "bend" if rising else "jump"
    return [
        Course(kind, one, other, setting.end, turn) for one, other in pairs for turn in reversed(setting.turns)
    ]


def _edges(found: Seen) -> list[str]:
    numbers = sorted({abs(each) for each in found.numbers if each and each != 1.0 and abs(each) < 1e12})  # noqa: PLR2004  # no edge is there
    edges = sorted({value for each in numbers[:6] for value in (each / 10, each / 2, each, each * 2, each * 20)})
    return [*(f"{edge:.12g}" for edge in edges[:_MOST_EDGES]), "+Inf"]


def _histograms(edges: int, keys: int, setting: Setting) -> tuple[tuple[Course, ...], ...]:
    """All events in one bucket, whichever, at several rates; and none at all."""
    options: list[tuple[Course, ...]] = []
    for rate in (1.0, 100.0, 0.0):
        for place in range(edges) if rate else (0,):
            slopes = [0.0 if edge < place else rate for edge in range(edges)]
            one = tuple(Course("slope", slope * setting.end, slope, setting.end) for slope in slopes)
            options.append(one * keys)
    return (*options, (ABSENT,) * (edges * keys))
