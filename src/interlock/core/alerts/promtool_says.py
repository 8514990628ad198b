"""What promtool says of a test file: every answer that was not expected, which is all of them.

Rules:
1. promtool 2.x writes failures to its error stream, one ``got:`` line for each query; its layout is read by what
   is between fixed words, and whatever cannot be read makes the whole file undecided, with promtool's own words.
2. An error of a rule or a query (``err:``) makes all of the file undecided: answers after it are not complete.
   What a label says is no error, whatever it says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from interlock.core.alerts.promtool_file import ALERT, EDGE, LABEL, NEVER

_GOT = re.compile(r"^\s*got:\s?(?P<samples>.*)$", re.MULTILINE)
_SAMPLE = re.compile(
    r"\{(?P<labels>(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\} (?P<value>[-+0-9.eE]+|NaN|[+-]Inf)(?:, |$)"
)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_FAULT = re.compile(
    r"^(?!\s*(?:got|exp|expr):)\s*(?:err: .*|.*: error .*|.*could not .*)$", re.MULTILINE | re.IGNORECASE
)
_OURS = frozenset({LABEL, ALERT, EDGE, "alertstate", "__name__"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """An alert with the ``labels`` that it goes out with, and the ``seconds`` at which it began to fire.

    ``last`` is the last second at which it fired; infinite where it goes on, or nobody looked.
    """

    seconds: float
    labels: Mapping[str, str]
    last: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What fired, by case and alert, the earliest first; ``fault`` is why nothing can be said at all."""

    fired: Mapping[tuple[str, str], tuple[Fired, ...]]
    fault: str = ""


def read_said(output: str, *, asked: int) -> Said:
    """The answers in promtool's output; ``asked`` is how many queries there were."""
    wrong = _FAULT.search(output)
    if wrong:
        return Said(fired={}, fault=" ".join(wrong[0].split())[:300])
    found: dict[tuple[str, str], list[tuple[Mapping[str, str], float]]] = {}
    for got in _GOT.finditer(output):
        for sample in _SAMPLE.finditer(got["samples"]):
            labels = {name: _plain(value) for name, value in _LABEL.findall(sample["labels"])}
            of_it = found.setdefault((labels.get(LABEL, ""), labels.get(ALERT, "")), [])
            if (second := float(sample["value"])) != NEVER:
                of_it.append((labels, second))
    if len(found) != asked:
        told = " ".join(output.split())[:200]
        return Said(fired={}, fault=f"expected {asked} answers of promtool, got {len(found)}: {told}")
    return Said(fired={key: _fired(each) for key, each in found.items()})


def _fired(told: Iterable[tuple[Mapping[str, str], float]]) -> tuple[Fired, ...]:
    """First and last of each set of labels put together."""
    seconds: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for labels, second in told:
        sent = tuple(sorted((name, value) for name, value in labels.items() if name not in _OURS))
        seconds.setdefault(sent, {})[labels.get(EDGE, "")] = second
    fired = (
        Fired(seconds=min(both.values()), labels=dict(sent), last=max(both.values()))
        for sent, both in seconds.items()
    )
    return tuple(sorted(fired, key=lambda one: one.seconds))


def answers(output: str) -> dict[str, float]:
    """The answers by their case, whatever else promtool says; a question without one was not answered."""
    found = {}
    for got in _GOT.finditer(output):
        for sample in _SAMPLE.finditer(got["samples"]):
            labels = {name: _plain(value) for name, value in _LABEL.findall(sample["labels"])}
            if LABEL in labels:
                found[labels[LABEL]] = float(sample["value"])
    return found


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda each: "\n" if each[1] == "n" else each[1], value)
