"""Rule files that Prometheus would not load, as ``promtool check rules`` tells of them.

Rules:
1. Each fault is told once, with the file as the checkout names it, the rule's line, its group and its name.
2. What promtool says without naming a rule is about the whole file.
3. promtool knows files by numbers, because a path may hold what it takes for a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from interlock.core.alerts.rule_files import Group, Rule
from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import refused
from interlock.core.rollout.plan_faults import together

_CODE = "alert-rules-broken"
_FILE = re.compile(r"^(?P<file>rules-[0-9]+\.yaml): (?P<said>.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_RULE = re.compile(
    r"(?:[0-9]+:[0-9]+: )?group \"(?P<group>(?:[^\"\\]|\\.)*)\", rule (?P<number>[0-9]+), "
    r"(?:\"(?P<name>(?:[^\"\\]|\\.)*)\": )?(?P<why>.*)",
    re.DOTALL,
)
_LINE = re.compile(r"line ([0-9]+)")


def numbered(place: int) -> str:
    """What promtool calls the file at ``place``."""
    return f"rules-{place}.yaml"


def renamed(text: str, paths: Iterable[str]) -> str:
    """Words of promtool with the files' own names."""
    known = {numbered(place): path for place, path in enumerate(paths)}
    return re.sub(r"rules-[0-9]+\.yaml", lambda each: known.get(each[0], each[0]), text)


def broken(output: str, groups: Mapping[str, Sequence[Group]]) -> InvalidInput:
    """What is wrong with the files, whose groups are given by path, in the order in which promtool had them.

    Words that cannot be read are told as they are: the files are refused all the same.
    """
    paths = {numbered(place): path for place, path in enumerate(groups)}
    faults = [
        _fault(paths[each["file"]], each["said"], groups[paths[each["file"]]])
        for each in _FILE.finditer(output)
        if each["file"] in paths
    ]
    if not faults:
        told = renamed(" ".join(output.split())[:200], groups)
        return InvalidInput(
            f"expected rule files that Prometheus loads, got: {told}",
            code=_CODE,
            hint="look at them with: promtool check rules FILE",
        )
    return together(faults)


def _fault(path: str, said: str, groups: Sequence[Group]) -> InvalidInput:
    named = _RULE.match(said)
    rule = _rule(groups, named["group"], int(named["number"])) if named else None
    if named is None or rule is None:
        line = _LINE.search(said)
        place = Place(path=path, line=int(line[1]) if line else 1)
        return refused(place, "a rule file that Prometheus loads", said, code=_CODE, hint=_hint(said))
    kind = "alert" if rule.alert else "recording rule"
    expected = f"{kind} `{rule.name}` of group `{named['group']}` to be one that Prometheus loads"
    return refused(rule.place, expected, _short(named["why"]), code=_CODE, hint=_hint(named["why"]))


def _rule(groups: Sequence[Group], group: str, number: int) -> Rule | None:
    rules = next((each.rules for each in groups if each.name == group), ())
    return rules[number - 1] if 0 < number <= len(rules) else None


def _short(why: str) -> str:
    return why.removeprefix("could not parse expression: ").partition("parse error: ")[2] or why


def _hint(said: str) -> str:
    return f"promtool says: {' '.join(said.split())[:200]}"
