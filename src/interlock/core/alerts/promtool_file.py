"""The file that promtool is given: healthy series, then a failure, and when each alert began to fire.

Rules:
1. promtool runs the service's own rule files. Nothing of a rule is rewritten: ``for``, labels and templates count.
2. All rules of a file are evaluated at the file's ``evaluation_interval``; rules of another interval go into
   another file: an alert that is looked at every five minutes fires later than one that is every minute.
3. Each query asks for the first and the last second at which an alert fires, in the healthy phase or after the
   failure began, with each set of labels that it fires with, and always has an answer: no answer would be
   nothing in promtool's output. Labels carry the case's name and which of the two it is.
4. A query may look at 10,000 samples at most, so it looks back no longer than that many steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import yaml

from interlock.core.alerts.modes import Failing
from interlock.core.alerts.shape import Shape, quoted

LABEL, ALERT, EDGE = "interlock_case", "interlock_alert", "interlock_edge"
FIRST, LAST = "first", "last"
NEVER = -1.0
MOST_SAMPLES = 10_000
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Seconds: how long all is well and how long the failure lasts, between scrapes, between evaluations.

    In the first ``warm`` seconds alerts that look back see the beginning of the world: they are not asked.
    ``order`` names groups of rules in the order in which they are evaluated.
    """

    healthy: float
    warm: float
    failing: float
    step: float
    interval: float
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An alert by its ``name`` and those of its own ``labels`` that tell it from others of that name.

    ``key`` is both in one word. An empty label is one that it has not.
    """

    key: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failure against some alerts; ``name`` is the label of its answers."""

    name: str
    failing: Failing
    alerts: tuple[Named, ...]


def written(rule_files: Sequence[str], cases: Iterable[Case], phases: Phases) -> bytes:
    """The YAML of one file."""
    whole = {
        "rule_files": [*rule_files],
        "evaluation_interval": span_text(phases.interval),
        "group_eval_order": [*phases.order],
        "tests": [_test(case, phases) for case in cases],
    }
    return yaml.safe_dump(whole, sort_keys=False, width=10_000, allow_unicode=True).encode()


def healthy_name(case: str) -> str:
    """The label of what fired while all was well."""
    return f"{case}/healthy"


def _test(case: Case, phases: Phases) -> dict[str, object]:
    return {
        "interval": span_text(phases.step),
        "input_series": [
            {"series": before.name, "values": _values(before, after, phases)}
            for before, after in zip(case.failing.healthy, case.failing.failing, strict=True)
        ],
        "promql_expr_test": [
            query
            for alert in case.alerts
            for query in (
                _query(alert, healthy_name(case.name), phases.healthy, phases.healthy - phases.warm, phases),
                _query(alert, case.name, phases.healthy + phases.failing, phases.failing, phases),
            )
        ],
    }


def _query(alert: Named, name: str, at: float, back: float, phases: Phases) -> dict[str, object]:
    """When ``alert`` first and last fired in the ``back`` seconds before ``at``, with each set of labels."""
    step = max(phases.interval, math.ceil(back / (MOST_SAMPLES - 1)))
    wanted = {"alertname": alert.name, "alertstate": "firing", **alert.labels}
    firing = ",".join(f'{label}="{quoted(value)}"' for label, value in wanted.items())
    seen = f"(timestamp(ALERTS{{{firing}}})[{span_text(back)}:{span_text(step)}])"
    first, last = _labelled(f"min_over_time{seen}", EDGE, FIRST), _labelled(f"max_over_time{seen}", EDGE, LAST)
    expr = _labelled(labelled(f"{first} or {last} or on() vector({NEVER:g})", name), ALERT, alert.key)
    return {"expr": expr, "eval_time": span_text(at), "exp_samples": []}


def labelled(expr: str, case: str) -> str:
    """``expr`` with the label by which its answer is known again."""
    return _labelled(expr, LABEL, case)


def _labelled(expr: str, label: str, value: str) -> str:
    # The replacement of label_replace knows $1; the names of cases and alerts are no expressions.
    return f'label_replace({expr}, "{label}", "{quoted(value.replace("$", "$$"))}", "", "")'


def _values(before: Shape, after: Shape, phases: Phases) -> str:
    """The samples of both phases in promtool's notation; what is the same again and again is said once."""
    steps, more = (round(seconds / phases.step) for seconds in (phases.healthy, phases.failing))
    failing = _repeated(after.values, more)
    if not before.counter:
        # One level more than there are steps: all is still well in the very second in which it ends.
        return " ".join(_levels([*_repeated(before.values, steps + 1), *failing]))
    return " ".join(_rising(before.first, [*_repeated(before.values, steps), *failing]))


def _repeated(values: Sequence[float], count: int) -> list[float]:
    return [values[place % len(values)] for place in range(count)] if values else [math.nan] * count


def _levels(values: Iterable[float]) -> Iterable[str]:
    for value, same in groupby(values, key=lambda each: "nan" if math.isnan(each) else _number(each)):
        count = len([*same])
        if value == "nan":
            yield f"stale _x{count - 1}" if count > 1 else "stale"
        else:
            yield value if count == 1 else f"{value}x{count - 1}"


def _rising(first: float, rises: Iterable[float]) -> Iterable[str]:
    total = first
    yield _number(total)
    for rise, same in groupby(rises, key=lambda each: "nan" if math.isnan(each) else _number(each)):
        count = len([*same])
        if rise == "nan":
            yield f"stale _x{count - 1}" if count > 1 else "stale"
            continue
        # a+bxn is a itself and n more: the first one is the next value
        start = total + float(rise)
        yield _number(start) if count == 1 else f"{_number(start)}+{rise}x{count - 1}"
        total += float(rise) * count


def _number(value: float) -> str:
    text = f"{value:.{_DIGITS}g}"
    return text if "e" not in text else f"{value:.6f}".rstrip("0").rstrip(".")


def span_text(seconds: float) -> str:
    """A span as promtool reads it, to the millisecond."""
    whole = round(seconds * 1000)
    return f"{whole // 1000}s" if whole % 1000 == 0 else f"{whole}ms"


def names(cases: Iterable[Case]) -> Mapping[str, Case]:
    """The cases by name."""
    return {case.name: case for case in cases}
