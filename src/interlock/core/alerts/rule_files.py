"""Prometheus rule files: groups of alerting and recording rules, each with its line.

Rules:
1. A file has one or more documents. Each is a rule file (``groups``), or an object of Kubernetes: a
   ``PrometheusRule`` holds groups in its ``spec``, other kinds hold no rules and are passed over.
2. A group may have ``rules: null``, as generated files do: it has no rules.
3. A rule is an ``alert`` or a ``record``, never both, and has an ``expr``. The expression is kept as written;
   whether it parses is another's question.
4. Keys that are not read here are let be: a newer Prometheus has more of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import Mapping, Node, Scalar, Sequence, Words, documents, refused

_CODE = "alert-rules"
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_SECONDS = (31_536_000.0, 604_800.0, 86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_MOST_DIGITS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; spans are seconds. ``alert``: alerting, else recording; ``line`` is that of its first key."""

    name: str
    alert: bool
    expression: str
    place: Place
    pending: float = 0.0
    keep_firing: float = 0.0
    labels: ReadOnly[str, str]
    annotations: ReadOnly[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated one after another; ``interval`` in seconds, None for the server's own."""

    name: str
    interval: float | None
    rules: tuple[Rule, ...]
    place: Place


def read_rules(path: str, content: bytes) -> tuple[Group, ...]:
    """The groups of one file in their order; ``path`` names it in errors.

    Raises:
        InvalidInput: ``alert-rules``, or what is wrong with the YAML, with file and line.
    """
    found: list[Group] = []
    for document in documents(path, content):
        found += _document(path, document)
    first: dict[str, Group] = {}
    for group in found:
        if first.setdefault(group.name, group) is not group:
            raise refused(group.place, "each group once", group.name, code=_CODE, hint="rename one of the two")
    return tuple(found)


def duration(text: str) -> float | None:
    """A span as Prometheus writes it (``90s``, ``1h30m``, ``0``), in seconds; None for what is none."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text) if text and len(text) <= _MOST_DIGITS else None
    if match is None:
        return None
    return sum(int(count) * unit for count, unit in zip(match.groups(), _SECONDS, strict=True) if count)


def _document(path: str, node: Node) -> list[Group]:
    if isinstance(node, Scalar) and node.null:
        return []
    fields = _fields(path, node, "a rule file")
    if "apiVersion" in fields and "kind" in fields:
        kind = fields["kind"]
        if not isinstance(kind, Scalar) or kind.text != "PrometheusRule":
            return []
        spec = fields.get("spec")
        fields = {} if spec is None else _fields(path, spec, "the spec of a PrometheusRule")
    if "groups" not in fields:
        raise _refuse(path, node, "`groups`", Words("none"), hint="a rule file starts with `groups:`")
    return [_group(path, each) for each in _items(path, fields["groups"], "`groups`")]


def _group(path: str, node: Node) -> Group:
    fields = _fields(path, node, "a group")
    rules = _items(path, fields["rules"], "`rules`") if "rules" in fields else []
    return Group(
        name=_text(path, node, fields, "name"),
        interval=_span(path, fields, "interval"),
        rules=tuple(_rule(path, each) for each in rules),
        place=Place(path=path, line=node.line),
    )


def _rule(path: str, node: Node) -> Rule:
    fields = _fields(path, node, "a rule")
    kinds = [key for key in ("alert", "record") if key in fields]
    if len(kinds) != 1:
        raise _refuse(
            path,
            node,
            "one of `alert` and `record`",
            Words("both" if kinds else "neither"),
            hint="write one rule for each",
        )
    return Rule(
        name=_text(path, node, fields, kinds[0]),
        alert=kinds == ["alert"],
        expression=_text(path, node, fields, "expr"),
        place=Place(path=path, line=node.line),
        pending=_span(path, fields, "for") or 0.0,
        keep_firing=_span(path, fields, "keep_firing_for") or 0.0,
        labels=_texts(path, fields, "labels"),
        annotations=_texts(path, fields, "annotations"),
    )


def _fields(path: str, node: Node, what: str) -> dict[str, Node]:
    if not isinstance(node, Mapping):
        raise _refuse(path, node, f"{what} as a map", _shown(node), hint="write `key: value` lines")
    return node.fields


def _items(path: str, node: Node, what: str) -> list[Node]:
    if isinstance(node, Scalar) and node.null:
        return []
    if not isinstance(node, Sequence):
        raise _refuse(path, node, f"a list at {what}", _shown(node), hint="write one `- …` for each")
    return node.items


def _text(path: str, above: Node, fields: ReadOnly[str, Node], key: str) -> str:
    node = fields.get(key)
    if not isinstance(node, Scalar) or node.null or not node.text.strip():
        got = Words("none") if node is None else _shown(node)
        raise _refuse(path, node or above, f"a text at `{key}`", got, hint=f"add `{key}:`")
    return node.text


def _texts(path: str, fields: ReadOnly[str, Node], key: str) -> dict[str, str]:
    node = fields.get(key)
    if node is None or (isinstance(node, Scalar) and node.null):
        return {}
    inner = _fields(path, node, f"`{key}`")
    return {name: "" if _empty(value) else _text(path, node, inner, name) for name, value in inner.items()}


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.null or not node.text.strip())


def _span(path: str, fields: ReadOnly[str, Node], key: str) -> float | None:
    node = fields.get(key)
    if node is None or (isinstance(node, Scalar) and node.null):
        return None
    found = duration(node.text) if isinstance(node, Scalar) else None
    if found is None:
        raise _refuse(path, node, f"a span of time at `{key}`", _shown(node), hint="write 90s, 5m or 1h30m")
    return found


def _shown(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else Words("a collection")


def _refuse(path: str, node: Node, expected: str, got: str, *, hint: str) -> InvalidInput:
    return refused(Place(path=path, line=node.line), expected, got, code=_CODE, hint=hint)
