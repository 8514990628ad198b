"""Canaries in manifests: what sends a part of the traffic to a new version before all of it.

Rules:
1. Argo ``Rollout`` with canary steps, Flagger ``Canary``, weights between two versions at Istio, the Gateway API,
   SMI, Traefik or an nginx Ingress, a Cloud Deploy pipeline with a canary strategy, interlock's own rollout plan
   with a stage below 100 %.
2. A Deployment's rolling update is none: it replaces pods and never stops by itself for what customers see. Nor is
   blue-green (all traffic at once), nor steps at which nothing waits (``canary_waits``).
3. Every workload is counted, so that a canary of one in twelve is told as that.
4. Weights that stand still at 0 and 100 only show that a split could be made: they are told, and are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from interlock.core.audit import canary_waits
from interlock.core.audit.answers import Said
from interlock.core.audit.canary_waits import FULL, LEAST, Told, span
from interlock.core.change.yaml_nodes import Mapping as YamlMapping
from interlock.core.change.yaml_nodes import Node, Scalar
from interlock.core.change.yaml_view import at, items, mappings, number, word
from interlock.core.rollout.phrases import amount

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object in a manifest. ``what`` says in a few words what it does; ``names`` is what it may be asked by.

    ``said`` is whether it really is a canary: where not, ``what`` is something that is easily taken for one.
    ``covers`` is what it sends traffic to, exactly one workload's name where ``exact``, else also a Service's.
    """

    kind: str
    name: str
    path: str
    line: int
    what: str = ""
    said: Said = "no"
    names: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    exact: bool = False

    @property
    def canary(self) -> bool:
        """Whether it really is one."""
        return self.said == "yes"

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


def objects_in(path: str, node: Node) -> Iterator[Found]:
    """The workloads and canaries of one document, those inside a ``List`` too."""
    for one in _objects(node):
        kind, group = word(one, "kind"), word(one, "apiVersion").partition("/")[0]
        found = _READERS.get((group, kind)) or _READERS.get(("", kind))
        what, said = found(one) if found else _NOTHING
        if what or kind in WORKLOADS:
            yield Found(
                kind=kind,
                name=word(one, "metadata", "name"),
                path=path,
                line=_line(one),
                what=what,
                said=said,
                names=_names(one),
                covers=_covers(one) if what else (),
                exact=kind in _OWN,
            )


def plan_in(path: str, node: Node) -> Found | None:
    """Interlock's own rollout plan, where the document is one."""
    stages, service = items(node, "stages"), word(node, "service")
    percents = [share for each in stages if (share := number(each, "percent")) is not None]
    if not service or not percents or at(node, "router") is None:
        return None
    shares = ", ".join(f"{share:g}" for share in percents)
    held = [each for each in stages if 0 < (number(each, "percent") or 0) < FULL and _bakes(each)]
    return Found(
        kind="rollout plan",
        name=service,
        path=path,
        line=_line(node),
        what=f"{shares} %",
        said="yes" if held else "no",
        names=(service,),
        covers=(service,),
    )


def _bakes(stage: Node) -> bool:
    """Without a time of its own a stage has that of the default, which is long enough."""
    written = word(stage, "bake")
    return not written or (span(written) or 0.0) >= LEAST


def _objects(node: Node) -> Iterator[Node]:
    if word(node, "kind") == "List" or word(node, "kind").endswith("List"):
        yield from items(node, "items")
    elif isinstance(node, YamlMapping):
        yield node


def _line(node: Node) -> int:
    """Where its kind stands: a document's first line may be a licence's."""
    found = at(node, "kind") or at(node, "service")
    return found.line if isinstance(found, Scalar) else node.line


def _names(node: Node) -> tuple[str, ...]:
    labels = [
        at(node, "metadata", "labels"),
        at(node, "spec", "selector", "matchLabels"),
        at(node, "spec", "selector"),
    ]
    said = [word(each, key) for each in labels for key in ("app", "app.kubernetes.io/name", "k8s-app")]
    own = [
        word(node, "metadata", "name"), word(node, "spec", "targetRef", "name"),
        word(node, "spec", "workloadRef", "name"), word(node, "spec", "service"),
    ]  # fmt: skip
    return tuple(dict.fromkeys(name for name in [*own, *said] if name))


def _covers(node: Node) -> tuple[str, ...]:
    """What its traffic goes to: workloads by name, and Services without their namespace."""
    if word(node, "kind") in _OWN:
        own = [] if word(node, "kind") == "Canary" else [word(node, "metadata", "name")]
        targets = [word(node, "spec", key, "name") for key in ("targetRef", "workloadRef")]
        return tuple(name for name in [*own, *targets] if name)
    said = [word(each, key) for each in mappings(node) for key in ("host", "service", "serviceName")]
    named = [
        word(each, "name")
        for one in mappings(node)
        for key in ("backendRefs", "backends", "services", "backend")
        for each in [at(one, key, "service"), at(one, key), *items(one, key)]
    ]
    return tuple(dict.fromkeys(name.partition(".")[0] for name in [*said, *named] if name))


def _weights(*keys: str, inner: str) -> Callable[[Node], Told]:
    def read(node: Node) -> Told:
        for route in items(node, "spec", *keys):
            shares = [number(each, "weight") for each in items(route, inner)]
            told = _split(shares)
            if told[0]:
                return told
        return _NOTHING

    return read


def _split(shares: list[float | None]) -> Told:
    known = [share for share in shares if share is not None]
    if len(known) < 2:  # noqa: PLR2004  # one destination is no split
        return _NOTHING
    told = " and ".join(f"{share:g}" for share in known)
    if sum(share > 0 for share in known) < 2:  # noqa: PLR2004  # likewise
        return f"weights {told}: a split that stands still", "no"
    return f"weights {told}", "yes"


def _smi(node: Node) -> Told:
    return _split([number(each, "weight") for each in items(node, "spec", "backends")])


def _traefik(node: Node) -> Told:
    return _split([number(each, "weight") for each in items(node, "spec", "weighted", "services")])


def _ingress(node: Node) -> Told:
    notes, key = at(node, "metadata", "annotations"), "nginx.ingress.kubernetes.io/canary"
    if word(notes, key) != "true":
        return _NOTHING
    if word(notes, f"{key}-by-header") or word(notes, f"{key}-by-cookie"):
        return "canary Ingress by header or cookie", "yes"
    share, full = number(notes, f"{key}-weight"), number(notes, f"{key}-weight-total") or FULL
    if share is None:
        return "canary Ingress without a weight, a header or a cookie", "no"
    return f"canary Ingress, {share / full * FULL:g} %", "yes" if 0 < share < full else "no"


def _pipeline(node: Node) -> Told:
    """Each of its phases waits for somebody to advance it."""
    found = [
        each for each in items(node, "serialPipeline", "stages") if at(each, "strategy", "canary") is not None
    ]
    if not found:
        return _NOTHING
    phases = [
        number(each, *keys)
        for stage in found
        for kind, listed, keys in _PHASES
        for each in items(stage, "strategy", "canary", kind, listed)
    ]
    if not phases or None in phases:
        return "a Cloud Deploy canary whose percentages are not told", "unknown"
    held = [each for each in phases if each is not None and 0 < each < FULL]
    if not held:
        return "a Cloud Deploy canary, none of its phases above 0 % and below 100 %", "no"
    return f"{amount(len(found), 'stages')} with a canary", "yes"


_NOTHING: Told = ("", "no")
_OWN = frozenset({"Rollout", "Canary"})
"""Kinds that say themselves which workload they are for."""
_PHASES = (
    ("canaryDeployment", "percentages", ()),
    ("customCanaryDeployment", "phaseConfigs", ("percentage",)),
)
_READERS: Mapping[tuple[str, str], Callable[[Node], Told]] = {
    ("argoproj.io", "Rollout"): canary_waits.rollout,
    ("flagger.app", "Canary"): canary_waits.flagger,
    ("networking.istio.io", "VirtualService"): _weights("http", inner="route"),
    ("gateway.networking.k8s.io", "HTTPRoute"): _weights("rules", inner="backendRefs"),
    ("gateway.networking.k8s.io", "GRPCRoute"): _weights("rules", inner="backendRefs"),
    ("split.smi-spec.io", "TrafficSplit"): _smi,
    ("traefik.io", "TraefikService"): _traefik,
    ("traefik.containo.us", "TraefikService"): _traefik,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("extensions", "Ingress"): _ingress,
    ("deploy.cloud.google.com", "DeliveryPipeline"): _pipeline,
}
