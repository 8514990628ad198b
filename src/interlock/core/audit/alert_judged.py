"""Whether an alert would tell somebody that the business fails: by what decides that it fires, and if it can.

Rules:
1. It counts when in one way of firing nothing technical decides and something of the business does: the catalog's
   metric, or without one a metric whose name says so. Whose requests are counted makes no business of them.
2. What is for nobody (its severity, paused, more than a day until it fires), fires always or never, or looks only
   at an environment that is not production, is none. That it can fire and nobody could show it, with all of it
   understood, is *unknown*; so is a threshold beyond all that is counted, a label of an environment that nobody
   knows, and a metric by its name alone that nothing here but alert rules names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from interlock.core.alerts.rule_files import Rule
from interlock.core.alerts.urgency import is_quiet, severity_of
from interlock.core.alerts.witness import Recorded, recorded_by, sought
from interlock.core.alerts.witness_never import never
from interlock.core.audit.alert_search import FoundRule, Looks
from interlock.core.audit.answers import Said
from interlock.core.audit.business import kind_of, word_in
from interlock.core.audit.decisive import Deciding, Way, ways
from interlock.core.audit.file_look import aside
from interlock.core.audit.senseless import sense
from interlock.core.change.catalog import Place

DAY, BEYOND = 86_400.0, 1e15
Mentions = Callable[[str], bool | None]
"""Whether something here but alert rules names a metric; None where that cannot be said."""

Fires = dict[tuple[str, float, int], str]
"""Why an expression could not be shown to fire; by it, how long it must hold, and the recording rules there."""

_NUMBER = re.compile(r"(?<![\w.])\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w.:])")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_ADDED = ("_total", "_count", "_sum", "_bucket")
_ASKING = re.compile(r"(?:^|/)alert-plans/|\.(?:md|rst|adoc|txt|json|jsonnet|libsonnet)$", re.IGNORECASE)
"""Dashboards, documents and plans look at a metric and count nothing."""
_WHOSE = frozenset(
    {
        "app", "application", "cluster", "component", "container", "deployment", "env", "environment", "instance",
        "job", "k8s_app", "namespace", "pod", "service", "service_name", "statefulset", "team", "workload",
    }
)  # fmt: skip
"""Labels that say whose a series is, and nothing of what it counts."""


def spellings(metric: str) -> tuple[str, ...]:
    """How whoever counts it may write a metric: without what a library adds, with dots, by its last words."""
    whole = next((metric.removesuffix(end) for end in _ADDED if metric.endswith(end)), metric)
    parts = whole.split("_")
    # A prefix is often given apart from the name; one last word alone could be anything.
    short = ["_".join(parts[place:]) for place in range(1, len(parts) - 1)]
    names = [metric, whole, whole.replace("_", "."), whole.replace("_", "-"), *short]
    return tuple(dict.fromkeys([*names, *(f"{each}_total" for each in (*short, *parts[-1:]) if each != metric)]))


def tells_of(path: str, rules: Collection[str]) -> bool:
    """Whether a file that names a metric may count it; ``rules`` are files of alert rules."""
    return path not in rules and not aside(path) and not _ASKING.search(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one alert comes to; ``about`` the metric that decides, with ``why`` where it is no yes."""

    rule: FoundRule
    said: Said
    about: str = ""
    why: str = ""
    declared: bool = False


@dataclass(slots=True)
class Bench:
    """What all alerts of one tree are judged by. ``fires`` remembers what was looked for, of other trees too."""

    rules: Sequence[FoundRule]
    declared: Collection[str]
    mentioned: Mentions
    fires: Fires = field(default_factory=dict)
    _texts: Mapping[str, Sequence[str]] | None = None
    _trees: Recorded | None = None
    _stamp: int = 0

    def judged(self, rule: FoundRule, looks: Looks) -> Judged | None:
        """None for an alert that is not about business at all."""
        kind, metric, way = self._about(rule)
        if kind == "technical":
            return (
                None
                if not _picks(looks)
                else _open(rule, "is about one by a label; whether it counts business is not known")
            )
        if kind == "unclear":
            # A recording rule's name is only what somebody called it: the series behind it comes first.
            behind = sorted(looks.metrics, key=lambda each: each in self._recorded())
            named = next((each for each in behind if word_in(each)), "")
            by = f"its name alone, {named}" if named and not _picks(looks) else "a label or its name"
            told = f"is about one by {by}; whether it counts business is not known"
            return _open(rule, told) if named or word_in(rule.name) or _picks(looks) else None
        if idle := _idle(rule) or _elsewhere(way) or self._senseless(rule):
            return Judged(rule=rule, said="no", about=metric, why=idle)
        if apart := next((each for each in way if each.where), None):
            return _open(rule, f"on {metric}: whether {apart.by} is production is not known")
        if doubt := self._doubt(rule, metric):
            return _open(rule, f"on {metric}: {doubt}")
        return Judged(rule=rule, said="yes", about=metric, declared=metric in self.declared)

    def _about(self, rule: FoundRule) -> tuple[str, str, Way]:
        """Of its ways of firing the one that is most about business and production, with the metric."""
        found = [way for each in rule.expressions for way in ways(each, self._recorded())]
        kinds = [(*self._kind(way), way) for way in found]
        if business := [each for each in kinds if each[0] == "business"]:
            return min(
                business, key=lambda each: sum(1 + (one.where == "elsewhere") for one in each[2] if one.where)
            )
        unclear = not kinds or any(kind == "unclear" for kind, _, _ in kinds)
        return ("unclear" if unclear else "technical"), "", frozenset()

    def _senseless(self, rule: FoundRule) -> str:
        for each in rule.expressions:
            kind, why = sense(each, self._recorded())
            if kind in {"always", "never"}:
                return f"{'fires always' if kind == 'always' else 'can never fire'}: {why}"
        return ""

    def _kind(self, way: Way) -> tuple[str, str]:
        kinds = {each: self._of(each) for each in way}
        business = sorted(each.metric for each, kind in kinds.items() if kind == "business")
        technical = "technical" in kinds.values()
        if business and not technical:
            return "business", business[0]
        return ("technical" if technical and len({*kinds.values()}) == 1 else "unclear"), ""

    def _of(self, one: Deciding) -> str:
        kind = kind_of(one.metric)
        if kind == "technical" and one.metric not in self.declared:
            return kind
        if one.counted or ":" in one.metric or kind == "technical":
            # How many series, or a recording rule that is not here: what that counts is not told.
            return "unclear"
        if self.declared:
            return "business" if one.metric in self.declared else "unclear"
        return kind

    def _doubt(self, rule: FoundRule, metric: str) -> str:
        if far := next((each for each in map(_beyond, rule.expressions) if each), ""):
            return f"nothing is ever counted up to {far}"
        for each in rule.expressions:
            kind, why = sense(each, self._recorded())
            if kind == "unlikely":
                return why
        if doubt := next((each for text in rule.expressions if (each := self._unfired(text, rule))), ""):
            return doubt
        if metric in self.declared:
            return ""
        known = self.mentioned(metric)
        if known is None:
            return "whether anything counts it could not be looked up"
        return "" if known else "nothing here but alert rules names it, so that anything counts it is not known"

    def _unfired(self, text: str, rule: FoundRule) -> str:
        witnesses = self._witnesses()
        key = (text, rule.pending, self._stamp)
        if key not in self.fires:
            found = sought(_rule(rule, text), witnesses)
            shown = found.fires or not found.whole
            self.fires[key] = "" if shown else f"that it can fire is not shown: {found.reason}"
        return self.fires[key]

    def _recorded(self) -> Mapping[str, Sequence[str]]:
        if self._texts is None:
            found: dict[str, list[str]] = {}
            for rule in self.rules:
                if not rule.alert:
                    found.setdefault(rule.name, []).extend(rule.expressions)
            self._texts = found
        return self._texts

    def _witnesses(self) -> Recorded:
        if self._trees is None:
            recording = [_rule(one, one.expressions[0]) for one in self.rules if not one.alert]
            self._trees = recorded_by(recording)
            self._stamp = hash(tuple(sorted((one.name, one.expression) for one in recording)))
        return self._trees


def _idle(rule: FoundRule) -> str:
    """Why it would tell nobody, whatever happens; empty where it would."""
    if is_quiet(rule.labels):
        return f"is for nobody: severity {severity_of(rule.labels)}"
    if rule.paused:
        return "is paused"
    if rule.pending > DAY:
        return f"fires only after {rule.pending / DAY:,.0f} days"
    proof = next((each for each in map(never, rule.expressions) if each), "")
    return f"can never fire: {proof}" if proof else ""


def _elsewhere(way: Way) -> str:
    """The matcher by which all of it is of another environment; empty where something is not."""
    if not all(each.where == "elsewhere" for each in way):
        return ""
    return f"is about {min(each.by for each in way)} only, which is not production"


def _open(rule: FoundRule, why: str) -> Judged:
    return Judged(rule=rule, said="unknown", why=why)


def _picks(looks: Looks) -> bool:
    """Whether a label that says what is counted picks something of the business."""
    return any(
        word_in(match.value)
        for each in looks.selectors
        for match in each.matchers
        if match.op in {"=", "=~"} and match.label not in _WHOSE
    )


def _beyond(expression: str) -> str:
    numbers = _NUMBER.findall(_QUOTED.sub("", expression))
    return next((each for each in numbers if float(each.replace("_", "")) >= BEYOND), "")


def _rule(found: FoundRule, expression: str) -> Rule:
    return Rule(
        name=found.name,
        alert=found.alert,
        expression=expression,
        place=Place(path=found.path, line=found.line),
        pending=found.pending,
        labels=found.labels,
        annotations={},
    )
