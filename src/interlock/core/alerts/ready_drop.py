"""The ready rule for a loss: what is counted now against what is usual.

Rules:
1. What is usual is what was counted in the lower quarter of the last two hours: a sale of less than an hour and a
   half is no yardstick, series that are new with a release are compared from their first minutes on, and a night
   that falls takes its yardstick along.
2. It stands still while the alert is pending or fires: an outage of hours is one alert, and ends when as much is
   counted again. That it fires is read from ``ALERTS``, what was usual from its own last value.
3. It is computed from the series themselves, never from what a rule has recorded of them: it holds in the very
   minute in which the rule is loaded, with the release that it is about.
4. Series that are gone altogether count nothing, as long as something was usual: a service that does not run any
   more loses all of its orders, and so does a release that exposes neither the old metric nor the new.
5. The window in which is counted is so long that chance alone is no loss: what is usual, less four times the
   root of its count (Poisson), is still above the threshold.
6. Of a metric that the change renames both names are counted, so that the hours before the release are known, and
   old and new instances that run beside each other are one service.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from interlock.core.alerts.expression import Selector
from interlock.core.alerts.modes import Failing, ModeKind
from interlock.core.alerts.shape import is_counter, quoted

LOSSES: frozenset[ModeKind] = frozenset({"drop", "wrong"})
WINDOW, LABEL = "5m", "interlock_metric"
WINDOWS = {"5m": 300.0, "10m": 600.0, "20m": 1200.0, "30m": 1800.0, "1h": 3600.0}
CHANCE, LOWER = 4.0, 0.67
"""How many standard deviations are chance, and how many the lower quarter is below the mean."""
QUARTER, HOURS = "0.25", "[2h:1m]"
"""What is usual: a quantile, and over which subquery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The ``records`` that the rule needs in front of it, by name, and the alert's own ``expression``."""

    records: Mapping[str, str]
    expression: str


def drop(failing: Failing, alert: str, was: Mapping[str, str], *, step: float) -> Loss:
    """The rule of ``alert``. ``was``: metrics by the name that they had before the change; ``step`` in seconds."""
    least = 1.0 - failing.mode.by / 2.0
    share, counted = f"{least:.3g}", _counted(failing, was, _window(failing, least, step))
    now, usual = f"interlock:{alert}:now", f"interlock:{alert}:usual"
    return Loss(
        records={
            now: _lines([*counted, f"or 0 * {usual}"]),
            usual: _lines(
                [
                    "# in the lower quarter of two hours; stands still while it fires",
                    f"quantile_over_time({QUARTER},",
                    *(f"  {line}" for line in counted[:-1]),
                    f"  {counted[-1]}{HOURS}",
                    ")",
                    f'unless on() ALERTS{{alertname="{quoted(alert)}"}}',
                    f"or {usual}",
                ]
            ),
        },
        expression=f"{now} < {share} * {usual}",
    )


def selector_text(selector: Selector, more: str = "") -> str:
    """As PromQL writes it, with one more matcher."""
    written = [f'{each.label}{each.op}"{quoted(each.value)}"' for each in selector.matchers]
    inner = ",".join([*written, *([more] if more else [])])
    return f"{selector.metric}{{{inner}}}" if inner else selector.metric


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _window(failing: Failing, share: float, step: float) -> str:
    """The shortest in which chance does not look like a loss; the longest where none is long enough."""
    touched = [shape for shape in failing.healthy if shape.name in failing.touched and shape.counter]
    values = [[each for each in shape.values if not math.isnan(each)] for shape in touched]
    rate = math.fsum(math.fsum(each) / len(each) for each in values if each) / step
    counts = {name: rate * seconds for name, seconds in WINDOWS.items()}
    enough = (
        name
        for name, count in counts.items()
        if count - CHANCE * math.sqrt(count) >= share * (count - LOWER * math.sqrt(count))
    )
    return next(enough, [*WINDOWS][-1]) if touched else WINDOW


def _counted(failing: Failing, was: Mapping[str, str], window: str) -> list[str]:
    """The sum of all that is counted, in lines. Series of several metrics are told apart, or ``or`` takes one."""
    selectors: dict[Selector, Selector] = {}
    for each in failing.mode.selectors:
        selectors.setdefault(each, each)
        if each.metric in was:
            selectors.setdefault(replace(each, metric=was[each.metric]), each)
    (first, *more) = [(one, _rate(one, like, failing, window)) for one, like in selectors.items()]
    if not more:
        return [f"sum({first[1]})"]
    others = (
        ("  or label_replace(", f"    {text},", f'    "{LABEL}", "{quoted(one.metric)}", "", ""', "  )")
        for one, text in more
    )
    return ["sum(", f"  {first[1]}", *(line for each in others for line in each), ")"]


def _rate(selector: Selector, like: Selector, failing: Failing, window: str) -> str:
    touched = [shape for shape in failing.healthy if shape.name in failing.touched and shape.metric == like.metric]
    counter = any(shape.counter for shape in touched) if touched else is_counter(selector.metric)
    text = selector_text(selector)
    return f"rate({text}[{window}])" if counter else text
