"""Alert rules wherever a repository keeps them: rule files, PrometheusRules, Helm values, ConfigMaps, Grafana.

Rules:
1. A map with ``alert`` and ``expr`` is an alert, one with ``record`` and ``expr`` a recording rule, however deep
   it lies and whatever the file is for. Grafana's provisioned alerts are a ``title`` over queries in ``data``.
   What says that it is for nobody (labels, how long it waits, paused) is kept with it.
2. A text that holds rules itself, as in a ConfigMap, is read as the file it is; lines are those of the outer file.
3. Nothing is refused here: an expression that does not parse is kept, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from interlock.core.alerts.expression import Selector, Unparsed, selectors
from interlock.core.alerts.rule_files import duration
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import Mapping as YamlMapping
from interlock.core.change.yaml_nodes import Node, documents
from interlock.core.change.yaml_view import at, items, mappings, texts, word

MOST_INNER = 256 * 1024
MOST_TEXTS = 64
"""Texts of one document that are read as files: each may repeat itself through aliases, up to a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRule:
    """One rule where it stands. ``expressions`` are one, or of Grafana's alerts one for each query.

    ``pending`` is for how many seconds it must hold.
    """

    name: str
    alert: bool
    expressions: tuple[str, ...]
    path: str
    line: int
    labels: Mapping[str, str] = field(default_factory=dict)
    pending: float = 0.0
    paused: bool = False

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


def rules_in(path: str, node: Node) -> Iterator[FoundRule]:
    """All rules of one document."""
    yield from _rules(path, node, 0)
    inner = (text for text in texts(node) if "expr:" in text.text and "\n" in text.text)
    for text in islice(inner, MOST_TEXTS):
        if len(text.text) <= MOST_INNER:
            # A block's text begins on the line after its key.
            yield from _inner(path, text.text, text.line)


def _rules(path: str, node: Node, shift: int) -> Iterator[FoundRule]:
    for one in mappings(node):
        yield from _rule(path, one, shift)
        yield from _grafana(path, one, shift)


def _rule(path: str, node: YamlMapping, shift: int) -> Iterator[FoundRule]:
    expression = word(node, "expr")
    for key in ("alert", "record"):
        name = word(node, key)
        if name and expression:
            yield _found(path, node, shift, name=name, alert=key == "alert", expressions=(expression,))


def _grafana(path: str, node: YamlMapping, shift: int) -> Iterator[FoundRule]:
    title = word(node, "title")
    found = tuple(text for each in items(node, "data") if (text := word(at(each, "model"), "expr")))
    if title and found and ("condition" in node.fields or "uid" in node.fields):
        yield _found(path, node, shift, name=title, alert=True, expressions=found)


def _found(
    path: str, node: YamlMapping, shift: int, *, name: str, alert: bool, expressions: tuple[str, ...]
) -> FoundRule:
    labels = at(node, "labels")
    return FoundRule(
        name=name,
        alert=alert,
        expressions=expressions,
        path=path,
        line=node.line + shift,
        labels={key: word(labels, key) for key in labels.fields} if isinstance(labels, YamlMapping) else {},
        pending=duration(word(node, "for").strip()) or 0.0,
        paused=word(node, "isPaused").strip().lower() == "true",
    )


def _inner(path: str, text: str, shift: int) -> Iterator[FoundRule]:
    try:
        for node in documents(path, text.encode("utf-8", "surrogatepass")):
            yield from _rules(path, node, shift)
    except InvalidInput:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What an alert looks at: metrics by name, and its selectors. ``unread`` is why that is not known."""

    metrics: tuple[str, ...]
    selectors: tuple[Selector, ...]
    unread: str = ""


Parsed = dict[str, tuple[Selector, ...] | Unparsed]
"""Expressions that were read already, those of other commits too."""


class Reads:
    """What expressions look at, through the recording rules of one tree; each expression is read once."""

    def __init__(self, rules: Iterable[FoundRule], parsed: Parsed | None = None) -> None:
        self._recorded: dict[str, list[str]] = {}
        for rule in rules:
            if not rule.alert:
                self._recorded.setdefault(rule.name, []).extend(rule.expressions)
        self._read: Parsed = {} if parsed is None else parsed

    def looks(self, rule: FoundRule) -> Looks:
        """What one rule looks at, the names of recording rules it goes through included."""
        metrics: dict[str, None] = {}
        seen: dict[Selector, None] = {}
        waiting = [*rule.expressions]
        while waiting:
            found = self._selectors(waiting.pop())
            if isinstance(found, Unparsed):
                return Looks(metrics=tuple(metrics), selectors=tuple(seen), unread=found.reason)
            for each in found:
                seen[each] = None
                if each.metric and each.metric not in metrics:
                    metrics[each.metric] = None
                    waiting += self._recorded.get(each.metric, [])
        return Looks(metrics=tuple(metrics), selectors=tuple(seen))

    def _selectors(self, expression: str) -> tuple[Selector, ...] | Unparsed:
        if expression not in self._read:
            self._read[expression] = selectors(expression)
        return self._read[expression]


def label_words(found: Looks) -> Mapping[str, str]:
    """Label values that an alert picks by, with the label's name."""
    return {
        match.value: match.label for each in found.selectors for match in each.matchers if match.op in {"=", "=~"}
    }
