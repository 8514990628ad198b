"""Expressions that ask the clock, and the same expressions at another time.

Rules:
1. promtool's clock begins on Thursday, 1 January 1970, at midnight. What asks the clock (``time``, ``timestamp``,
   ``hour`` and its like without an argument) is asked there whether it fires in that night, and nothing else.
2. ``moved(text, seconds)`` is worth at promtool's second *t* what ``text`` is worth at *t* + ``seconds`` over the
   same series that much later: each place that asks the clock gets the seconds added, and nothing else changes.
3. Only calls are changed: strings, comments, and labels or metrics of these names are let be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from interlock.core.alerts.expression import Unparsed, selectors
from interlock.core.alerts.rule_files import Group, Rule

DATES = frozenset(
    {"hour", "minute", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"}
)
_CLOCKS = frozenset({"time", "timestamp", *DATES})
_OF_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\#[^\n]*)"""
    r"""|(?P<call>[a-zA-Z_:][a-zA-Z0-9_:]*)(?=(?:\s|\#[^\n]*\n)*\()|(?P<rest>[a-zA-Z0-9_:]+|.)""",
    re.DOTALL | re.VERBOSE,
)
_EMPTY = re.compile(r"(?:\s|\#[^\n]*\n)*\((?:\s|\#[^\n]*\n)*\)")


def asks(expression: str) -> bool:
    """Whether it is worth something else at another time of the day or year, over the same series."""
    return moved(expression, 1) != expression


def asking(groups: Iterable[Group]) -> frozenset[str]:
    """The names of the alerts that ask it, themselves or through what they look at: recorded, or ``ALERTS``."""
    rules = [rule for group in groups for rule in group.rules]
    looks = {id(rule): _looks(rule) for rule in rules}
    found = {id(rule): rule for rule in rules if asks(rule.expression)}
    grown = True
    while grown:
        names = {rule.name for rule in found.values() if not rule.alert}
        names |= {_named(rule.name) for rule in found.values() if rule.alert}
        names |= {*_OF_ALERTS} if any(rule.alert for rule in found.values()) else set()
        more = {id(rule): rule for rule in rules if id(rule) not in found and names & looks[id(rule)]}
        found, grown = found | more, bool(more)
    return frozenset(rule.name for rule in found.values() if rule.alert)


def fixed(expression: str) -> str:
    """What in it stands at a moment of its own, wherever the clock stands; empty where nothing does."""
    at = any(match["rest"] == "@" for match in _TOKEN.finditer(expression))
    return "`@`" if at else "`ALERTS_FOR_STATE`" if "ALERTS_FOR_STATE" in _metrics(expression) else ""


def moved(expression: str, seconds: int) -> str:
    """The same, as it is ``seconds`` later."""
    return "".join(_pieces(expression, f" + {seconds}"))


def _metrics(expression: str) -> set[str]:
    found = selectors(expression)
    return set() if isinstance(found, Unparsed) else {each.metric for each in found}


def of_alerts(expression: str) -> frozenset[str]:
    """The names of the alerts that it looks at through ``ALERTS``; an empty one where it names none exactly."""
    found = selectors(expression)
    looking = () if isinstance(found, Unparsed) else [each for each in found if each.metric in _OF_ALERTS]
    return frozenset(
        next((each.value for each in one.matchers if each.label == "alertname" and each.op == "="), "")
        for one in looking
    )


def _looks(rule: Rule) -> set[str]:
    """What a rule looks at: metrics, and alerts by their names. Its own state is nothing that it looks at."""
    alerts = {_named(name) for name in of_alerts(rule.expression) if name and name != rule.name}
    unnamed = _OF_ALERTS if "" in of_alerts(rule.expression) else frozenset()
    return (_metrics(rule.expression) - _OF_ALERTS) | alerts | unnamed


def _named(alert: str) -> str:
    return f"ALERTS{{{alert}}}"


def _pieces(text: str, more: str) -> Iterator[str]:
    depth, place, closing = 0, 0, list[int]()
    while match := _TOKEN.match(text, place):
        place, word = match.end(), match[0]
        name = match["call"] or ""
        empty = _EMPTY.match(text, place) if name in _CLOCKS else None
        if empty and name == "timestamp":
            empty = None
        if empty:
            yield f"(time(){more})" if name == "time" else f"{name}(vector(time(){more}))"
            place = empty.end()
        elif name == "timestamp":
            closing.append(depth)
            yield "(timestamp"
        else:
            yield word
            if match["rest"] == "(":
                depth += 1
            if match["rest"] == ")":
                depth -= 1
                if closing and closing[-1] == depth:
                    closing.pop()
                    yield f"{more})"
