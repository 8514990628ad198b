"""The ready rule for a loss: what is counted now against what was counted before.

Rules:
1. It begins to fire against the mean of the last hour, of which a few minutes are enough: series that are new with
   a release are compared from their first minutes on, and a spike an hour ago is no yardstick.
2. Once it fires, it goes on until as much is counted again as the threshold's share of the most in six hours: an
   outage that lasts is not over because the hour before it was one too. That it fires is read from ``ALERTS``.
3. Of a metric that the change renames both names are counted, so that the hour before the release is known, and
   old and new instances that run beside each other are one service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from interlock.core.alerts.expression import Selector
from interlock.core.alerts.modes import Failing, ModeKind
from interlock.core.alerts.shape import quoted

LOSSES: frozenset[ModeKind] = frozenset({"drop", "wrong"})
WINDOW = "5m"
HOUR, HOURS = "[1h:1m]", "[6h:5m]"
"""What a loss is compared with, and what it must get back to: subqueries with their steps."""


def drop(failing: Failing, alert: str, was: Mapping[str, str]) -> str:
    """The expression of ``alert``, in lines. ``was``: metrics by the name that they had before the change."""
    share = f"{1.0 - failing.mode.by / 2.0:.3g}"
    now = [line for each in failing.mode.selectors for line in _now(each, failing, was)]
    now = [line if place == 0 else f"+ {line}" for place, line in enumerate(now)]
    return "".join(
        f"{line}\n"
        for line in (
            f"# begins with less than {share} of the last hour's mean",
            *_compared(now, f"< {share} * avg_over_time(", HOUR),
            "# and lasts until that share of the most in six hours is back",
            "or",
            *_compared(now, f"< {share} * max_over_time(", HOURS),
            "and on() ALERTS{",
            f'  alertname="{quoted(alert)}",',
            '  alertstate="firing"',
            "}",
        )
    )


def selector_text(selector: Selector, more: str = "") -> str:
    """As PromQL writes it, with one more matcher."""
    written = [f'{each.label}{each.op}"{quoted(each.value)}"' for each in selector.matchers]
    inner = ",".join([*written, *([more] if more else [])])
    return f"{selector.metric}{{{inner}}}" if inner else selector.metric


def _compared(now: list[str], than: str, span: str) -> list[str]:
    """``now`` with an arithmetic operator is one side of a comparison, and in brackets a subquery's inside."""
    inner = ["(", *(f"  {line}" for line in now), f"){span}"] if len(now) > 1 else [f"{now[0]}{span}"]
    return [now[0], *(f"  {line}" for line in now[1:]), than, *(f"  {line}" for line in inner), ")"]


def _now(selector: Selector, failing: Failing, was: Mapping[str, str]) -> list[str]:
    if selector.metric not in was:
        return [_summed(selector, failing)]
    old = replace(selector, metric=was[selector.metric])
    # Either of them may be missing, and a sum with what is missing is nothing.
    return [f"({_summed(each, failing, like=selector)} or vector(0))" for each in (selector, old)]


def _summed(selector: Selector, failing: Failing, *, like: Selector | None = None) -> str:
    touched = [shape for shape in failing.healthy if shape.name in failing.touched]
    counter = any(shape.counter for shape in touched if shape.metric == (like or selector).metric)
    text = selector_text(selector)
    return f"sum(rate({text}[{WINDOW}]))" if counter else f"sum({text})"
