"""The files by which promtool proves witnesses: one small rule file and one file of tests for each alert.

Rules:
1. A rule file holds the alert as it is written, after the recording rules that it looks at, in one group, so that
   each is evaluated after what it needs.
2. The alert is asked about at the end, once every range is filled: whether it fired since then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from interlock.core.alerts.expression import Unparsed, selectors
from interlock.core.alerts.plain_rules import rule_of
from interlock.core.alerts.promtool_file import NEVER, labelled, span_text
from interlock.core.alerts.rule_files import Rule
from interlock.core.alerts.shape import quoted
from interlock.core.alerts.witness import Chosen, Sought
from interlock.core.alerts.witness_course import series_name, written

FIRES, SILENT = "fires", "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One alert's files. ``number`` tells it from others; which witness of each kind is asked, None for none."""

    number: int
    sought: Sought
    needs: tuple[Rule, ...]
    fires: int | None
    silent: int | None

    @property
    def rules_name(self) -> str:
        """Its rule file."""
        return f"rules-{self.number}.yaml"

    @property
    def tests_name(self) -> str:
        """Its file of tests."""
        return f"tests-{self.number}.yaml"

    def case(self, kind: str) -> str:
        """The label of the answer to one of its questions."""
        return f"{self.number}/{kind}"


def needed(rule: Rule, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The recording rules that an alert looks at, each after those that it needs itself."""
    recording: dict[str, list[Rule]] = {}
    for each in rules:
        if not each.alert:
            recording.setdefault(each.name, []).append(each)
    found: dict[int, Rule] = {}
    seen: set[str] = set()

    def visit(expression: str) -> None:
        names = selectors(expression)
        for selector in () if isinstance(names, Unparsed) else names:
            if selector.metric in seen:
                continue
            seen.add(selector.metric)
            for each in recording.get(selector.metric, ()):
                visit(each.expression)
                found[id(each)] = each

    visit(rule.expression)
    return tuple(found.values())


def files(asked: Iterable[Asked]) -> dict[str, bytes]:
    """All files by name."""
    found = {}
    for one in asked:
        found[one.rules_name] = _rules(one)
        found[one.tests_name] = _tests(one)
    return found


def _rules(one: Asked) -> bytes:
    whole = {"groups": [{"name": "witness", "rules": [rule_of(each) for each in (*one.needs, one.sought.rule)]}]}
    return yaml.safe_dump(whole, sort_keys=False, width=10_000, allow_unicode=True).encode()


def _tests(one: Asked) -> bytes:
    tests = []
    if one.fires is not None:
        tests.append(_test(one, FIRES, one.sought.fires[one.fires]))
    if one.silent is not None:
        tests.append(_test(one, SILENT, one.sought.silent[one.silent]))
    whole = {
        "rule_files": [one.rules_name],
        "evaluation_interval": span_text(one.sought.setting.interval),
        "tests": tests,
    }
    return yaml.safe_dump(whole, sort_keys=False, width=100_000, allow_unicode=True).encode()


def _test(one: Asked, kind: str, chosen: Chosen) -> Mapping[str, object]:
    setting, name = one.sought.setting, quoted(one.sought.rule.name)
    firing = f'ALERTS{{alertname="{name}",alertstate="firing"}}[{span_text(setting.end - setting.warm)}]'
    query = labelled(f"max(max_over_time({firing})) or vector({NEVER:g})", one.case(kind))
    return {
        "interval": span_text(setting.step),
        "input_series": [
            {"series": series_name(dict(key)), "values": written(course, until=setting.end, step=setting.step)}
            for key, course in chosen
            if course.kind != "absent"
        ],
        "promql_expr_test": [{"expr": query, "eval_time": span_text(setting.end), "exp_samples": []}],
    }
