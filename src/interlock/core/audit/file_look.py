"""What one file of a repository says of canaries, alerts and ways back; a pure function of its path and bytes.

Rules:
1. YAML is read; a file that does not parse (a template, say) is searched as text, and what that finds is a *hint*
   with its line: nobody knows what it renders to. So are languages that are not read here (Jsonnet, Terraform).
2. What lies in a folder of examples, tests or documentation is told apart: it may never have been deployed.
3. Nothing that a file holds stops the look: it is bounded, and what could not be read is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from interlock.core.audit.alert_search import FoundRule, rules_in
from interlock.core.audit.business import NAMED, kind_of
from interlock.core.audit.canary_search import Found, objects_in, plan_in
from interlock.core.audit.ci_search import Step, is_ci, steps_in
from interlock.core.change.errors import InvalidInput
from interlock.core.change.yaml_nodes import Node, Scalar, documents
from interlock.core.change.yaml_view import at, items, word

MOST_BYTES, MOST_SEARCHED = 2 * 1024 * 1024, 16 * 1024 * 1024
"""What is read as YAML, and what is opened at all."""

MOST_HINTS = 200
_YAML = re.compile(r"\.(?:ya?ml|rules)$", re.IGNORECASE)
_SEARCHED = re.compile(r"\.(?:ya?ml\.\w+|tpl|tmpl|gotmpl|j2|jsonnet|libsonnet|tf|cue|json)$", re.IGNORECASE)
_ASIDE = frozenset(
    {
        "doc", "docs", "documentation", "e2e", "example", "examples", "fixtures", "hack", "integration-tests",
        "node_modules", "sample", "samples", "test", "testdata", "test-data", "tests", "third_party", "vendor",
    }
)  # fmt: skip
_WORTH = re.compile(
    rb"\b(?:alert|record|expr)[\"']?[ \t]*:|interlock\.dev/metric|^(?:stages|driver|members):"
    rb"|\bkind[\"']?[ \t]*:[ \t]*[\"']?(?:Deployment|StatefulSet|DaemonSet|Rollout|Canary|VirtualService|HTTPRoute"
    rb"|GRPCRoute|TrafficSplit|TraefikService|Ingress|DeliveryPipeline)\b",
    re.MULTILINE,
)
_DEFINITION = re.compile(rb"^kind:[ \t]*[\"']?CustomResourceDefinition\b", re.MULTILINE)
_BETWEEN = re.compile(rb"^---(?:[ \t].*)?$", re.MULTILINE)
_ALERT = re.compile(
    rb"^ALERT[ \t]+(\w{1,200})$|^[ \t]*(?:-[ \t]*)?[\"']?alert[\"']?:[ \t]*[\"']?([^\"'\n,{}]{1,200})"
    rb"|^[ \t]*resource[ \t]+\"(?:google_monitoring_alert_policy|aws_cloudwatch_metric_alarm|datadog_monitor"
    rb"|azurerm_monitor_metric_alert|grafana_rule_group|newrelic_nrql_alert_condition)\""
    rb"[ \t]+\"([^\"\n]{1,200})\"",
    re.MULTILINE,
)
_CANARY = re.compile(rb"^[ \t]*kind:[ \t]*[\"']?(Rollout|Canary|TrafficSplit|DeliveryPipeline)\b", re.MULTILINE)
_WORKLOAD = re.compile(rb"^kind:[ \t]*[\"']?(Deployment|StatefulSet|DaemonSet)\b", re.MULTILINE)
_IN_CANARY = re.compile(rb"canary|analysis|backends|weight", re.IGNORECASE)

Unread = Literal["", "large", "closed", "gone", "template", "malformed", "language"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Something that text names in a file that could not be read. ``business`` is a metric of one named there."""

    of: Literal["alert", "canary", "workload"]
    name: str
    path: str
    line: int
    business: str = ""

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A service's business metric by a catalog entity."""

    service: str
    metric: str
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLook:
    """One file. ``unread`` is why it could only be searched, or not even that (``closed``, ``gone``)."""

    path: str
    aside: bool = False
    unread: Unread = ""
    rules: tuple[FoundRule, ...] = ()
    objects: tuple[Found, ...] = ()
    declared: tuple[Declared, ...] = ()
    hints: tuple[Hint, ...] = ()
    steps: tuple[Step, ...] = ()
    ci: bool = False
    yaml: bool = False


def wanted(path: str) -> bool:
    """Whether a file of that name may say anything."""
    return bool(_YAML.search(path) or is_ci(path) or (_SEARCHED.search(path) and not path.endswith(".json")))


def aside(path: str) -> bool:
    """Whether it lies among examples, tests, documentation or other people's code."""
    return not _ASIDE.isdisjoint(part.lower() for part in path.split("/")[:-1])


def unopened(path: str, why: Unread = "closed") -> FileLook:
    """A file that nobody opened: far too large, or not in this copy of the repository (``gone``)."""
    return FileLook(path=path, aside=aside(path), unread=why, yaml=bool(_YAML.search(path)), ci=is_ci(path))


def look(path: str, content: bytes) -> FileLook:
    """What the file says."""
    found = FileLook(path=path, aside=aside(path), yaml=bool(_YAML.search(path)))
    if is_ci(path):
        found = replace(found, ci=True, steps=tuple(steps_in(path, content.decode("utf-8", "replace"))))
    if not _WORTH.search(content):
        return found
    if len(content) > MOST_BYTES:
        return replace(found, unread="large", hints=tuple(_hints(path, content)))
    if not found.yaml:
        hints = tuple(_hints(path, content))
        return replace(found, hints=hints, unread="language" if hints else "")
    for part in _parts(content):
        try:
            found = _read(found, part)
        except InvalidInput:
            found = replace(
                found,
                unread="template" if b"{{" in part else "malformed",
                hints=(*found.hints, *_hints(path, part)),
            )
    return found


def _parts(content: bytes) -> Iterator[bytes]:
    """Each document that is worth reading, behind as many empty lines as stand before it in the file.

    A definition of a kind of object is none of that kind, and often larger than all the rest.
    """
    ends = [match.start() for match in _BETWEEN.finditer(content)]
    for first, last in zip([0, *ends], [*ends, len(content)], strict=True):
        part = content[first:last]
        if _WORTH.search(part) and not _DEFINITION.search(part):
            yield b"\n" * content.count(b"\n", 0, first) + part


def _read(found: FileLook, content: bytes) -> FileLook:
    for node in documents(found.path, content):
        plan, path = plan_in(found.path, node), found.path
        found = replace(
            found,
            rules=(*found.rules, *rules_in(path, node)),
            objects=(*found.objects, *objects_in(path, node), *([plan] if plan else [])),
            declared=(*found.declared, *_declared(path, node)),
            steps=(*found.steps, *_rehearsal(path, node)),
        )
    return found


def _rehearsal(path: str, node: Node) -> Iterator[Step]:
    """Interlock's own plan of a rehearsal: that going back is tried somewhere, not that it was.

    A plan has no probes where its driver brings them, as that of a migration does.
    """
    service, place = word(node, "service"), word(node, "environment")
    named = at(node, "driver") if word(node, "driver", "kind") else None
    if named is None and any(word(each, "driver", "kind") for each in items(node, "members")):
        named = at(node, "members")
    if service and place and named is not None:
        yield Step(path=path, line=named.line, text=f"rehearsal plan of {service} in {place}")


def _declared(path: str, node: Node) -> Iterator[Declared]:
    found = at(node, "metadata", "annotations", "interlock.dev/metric")
    if isinstance(found, Scalar) and not found.null and word(node, "metadata", "name"):
        yield Declared(
            service=word(node, "metadata", "name"), metric=found.text.strip(), path=path, line=found.line
        )


def _hints(path: str, content: bytes) -> Iterator[Hint]:
    """At most 200 of each kind."""
    business = _business(content)
    for match in islice(_ALERT.finditer(content), MOST_HINTS):
        name = (match[1] or match[2] or match[3]).decode("utf-8", "replace").strip()
        yield Hint(of="alert", name=name, path=path, line=_line(content, match), business=business)
    for match in islice(_CANARY.finditer(content) if _IN_CANARY.search(content) else (), MOST_HINTS):
        yield Hint(of="canary", name=match[1].decode(), path=path, line=_line(content, match))
    for match in islice(_WORKLOAD.finditer(content), MOST_HINTS):
        yield Hint(of="workload", name=match[1].decode(), path=path, line=_line(content, match))


def _line(content: bytes, match: re.Match[bytes]) -> int:
    return content.count(b"\n", 0, match.start()) + 1


def _business(content: bytes) -> str:
    """A metric that counts something of the business, by its name, anywhere in the text."""
    for match in NAMED.finditer(content):
        name = match[0]
        if name.endswith((b"_total", b"_count", b"_sum", b"_bucket")) and kind_of(name.decode()) == "business":
            return name.decode()
    return ""
