"""Which alert holds back another, by Alertmanager's ``inhibit_rules``.

Rules:
1. Which side of a rule an alert's labels match is amtool's to say: each side is put to it as a route.
2. An alert is held back while another fires that matches the rule's source and has the same values of its
   ``equal`` labels; one that it has not is empty. What matches both sides is not held back by what does too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from interlock.core.change.yaml_nodes import Mapping as YamlMapping
from interlock.core.change.yaml_nodes import Node, Scalar
from interlock.core.change.yaml_view import at, items

_NEITHER = "neither"
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """One rule by its ``line``. ``source`` and ``target`` are the routes by which amtool tells its sides."""

    line: int
    equal: tuple[str, ...]
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibitions:
    """All rules of a file; ``content`` is a file whose routes are their sides, ``names`` its receivers."""

    rules: tuple[Inhibition, ...]
    content: bytes
    names: tuple[str, ...]


def read_inhibitions(top: Node) -> Inhibitions:
    """The file's rules."""
    listed = items(top, "inhibit_rules")
    rules = tuple(
        Inhibition(line=each.line, equal=tuple(texts(each, "equal")), source=f"s{place}", target=f"t{place}")
        for place, each in enumerate(listed)
    )
    routes = [
        {**matching(each, f"{side}_"), "receiver": f"{side[0]}{place}", "continue": True}
        for place, each in enumerate(listed)
        for side in ("source", "target")
    ]
    names = (_NEITHER, *(str(each["receiver"]) for each in routes))
    whole = {"route": {"receiver": _NEITHER, "routes": routes}, "receivers": [{"name": each} for each in names]}
    return Inhibitions(rules=rules, content=yaml.safe_dump(whole, width=10_000).encode(), names=names)


def holding(
    rules: Iterable[Inhibition],
    target: tuple[Labels, Iterable[str]],
    sources: Iterable[tuple[Labels, Iterable[str]]],
) -> tuple[Inhibition, Labels] | None:
    """The first rule by which one of ``sources`` holds ``target`` back; each with the sides that it matches."""
    labels, sides = target[0], {*target[1]}
    known = [(each, {*its}) for each, its in sources]
    for rule in rules:
        if rule.target not in sides:
            continue
        for each, its in known:
            both = rule.source in sides and rule.target in its
            same = all(each.get(name, "") == labels.get(name, "") for name in rule.equal)
            if rule.source in its and same and not both:
                return rule, each
    return None


def matching(node: Node, before: str = "") -> dict[str, object]:
    """The matchers of a route or of one side of a rule, as a route has them."""
    found: dict[str, object] = {}
    if listed := [*texts(node, f"{before}matchers")]:
        found["matchers"] = listed
    for key in ("match", "match_re"):
        fields = at(node, f"{before}{key}")
        if isinstance(fields, YamlMapping):
            found[key] = {name: one.text for name, one in fields.fields.items() if isinstance(one, Scalar)}
    return found


def texts(node: Node, key: str) -> Iterator[str]:
    """The words of a list."""
    return (each.text for each in items(node, key) if isinstance(each, Scalar))
