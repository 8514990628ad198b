"""What promtool says of a test file: every answer that was not expected, which is all of them.

Rules:
1. promtool 2.x writes failures to its error stream, one ``got:`` line for each query; its layout is read by what
   is between fixed words, and whatever cannot be read makes the whole file undecided, with promtool's own words.
2. An error of a rule or a query (``err:``) makes all of the file undecided: answers after it are not complete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.alerts.promtool_file import LABEL, NEVER

_GOT = re.compile(r"^\s*got:\s?(?P<samples>.*)$", re.MULTILINE)
_SAMPLE = re.compile(
    r"\{(?P<labels>(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\} (?P<value>[-+0-9.eE]+|NaN|[+-]Inf)(?:, |$)"
)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_FAULT = re.compile(r"^\s*(?:err: .*|.*: error .*|.*could not .*)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """First seconds by case and alert, None where it never fired; ``fault`` is why nothing can be said at all."""

    first: Mapping[tuple[str, str], float | None]
    fault: str = ""


def read_said(output: str, *, asked: int) -> Said:
    """The answers in promtool's output; ``asked`` is how many queries there were."""
    wrong = _FAULT.search(output)
    if wrong:
        return Said(first={}, fault=" ".join(wrong[0].split())[:300])
    found: dict[tuple[str, str], float | None] = {}
    for got in _GOT.finditer(output):
        for sample in _SAMPLE.finditer(got["samples"]):
            labels = {name: _plain(value) for name, value in _LABEL.findall(sample["labels"])}
            first = float(sample["value"])
            found[labels.get(LABEL, ""), labels.get("alert", "")] = None if first == NEVER else first
    if len(found) != asked:
        told = " ".join(output.split())[:200]
        return Said(first={}, fault=f"expected {asked} answers of promtool, got {len(found)}: {told}")
    return Said(first=found)


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
