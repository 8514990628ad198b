"""Canaries in manifests: what sends a part of the traffic to a new version before all of it.

Rules:
1. Argo ``Rollout`` with canary steps, Flagger ``Canary``, weights between two versions at Istio, the Gateway API,
   SMI, Traefik or an nginx Ingress, a Cloud Deploy pipeline with a canary strategy, interlock's own rollout plan
   with a stage below 100 %.
2. A Deployment's rolling update is none: it replaces pods and never stops by itself for what customers see. Nor is
   blue-green (all traffic at once), nor a ``Rollout`` whose canary has no steps.
3. Every workload is counted, so that a canary of one in twelve is told as that.
4. Weights that stand still at 0 and 100 only show that a split could be made: they are told, and are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from interlock.core.change.yaml_nodes import Mapping as YamlMapping
from interlock.core.change.yaml_nodes import Node, Scalar
from interlock.core.change.yaml_view import at, items, number, word
from interlock.core.rollout.phrases import amount

FULL = 100.0
WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object in a manifest. ``what`` says in a few words what it does; ``names`` is what it may be asked by.

    ``canary``: it really is one; else it is something that is easily taken for one.
    """

    kind: str
    name: str
    path: str
    line: int
    what: str = ""
    canary: bool = False
    names: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


def objects_in(path: str, node: Node) -> Iterator[Found]:
    """The workloads and canaries of one document, those inside a ``List`` too."""
    for one in _objects(node):
        kind, group = word(one, "kind"), word(one, "apiVersion").partition("/")[0]
        found = _READERS.get((group, kind)) or _READERS.get(("", kind))
        what, canary = found(one) if found else ("", False)
        if what or kind in WORKLOADS:
            yield Found(
                kind=kind,
                name=word(one, "metadata", "name"),
                path=path,
                line=_line(one),
                what=what,
                canary=canary,
                names=_names(one),
            )


def plan_in(path: str, node: Node) -> Found | None:
    """Interlock's own rollout plan, where the document is one."""
    stages, service = items(node, "stages"), word(node, "service")
    percents = [share for each in stages if (share := number(each, "percent")) is not None]
    if not service or not percents or at(node, "router") is None:
        return None
    shares = ", ".join(f"{share:g}" for share in percents)
    return Found(
        kind="rollout plan",
        name=service,
        path=path,
        line=_line(node),
        what=f"{shares} %",
        canary=percents[0] < FULL,
        names=(service,),
    )


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


def _rollout(node: Node) -> tuple[str, bool]:
    if at(node, "spec", "strategy", "blueGreen") is not None:
        return "blue-green: all traffic at once", False
    steps = items(node, "spec", "strategy", "canary", "steps")
    weights = [share for each in steps if (share := number(each, "setWeight")) is not None]
    held = [share for share in weights if share < FULL]
    if held:
        return f"canary in {amount(len(steps), 'steps')}, the first at {held[0]:g} %", True
    if any(at(each, "experiment") is not None for each in steps):
        return f"canary in {amount(len(steps), 'steps')}, with an experiment", True
    return ("canary strategy without a step: a rolling update", False) if _has_canary(node) else ("", False)


def _has_canary(node: Node) -> bool:
    return at(node, "spec", "strategy", "canary") is not None


def _flagger(node: Node) -> tuple[str, bool]:
    for key in ("analysis", "canaryAnalysis"):
        found = at(node, "spec", key)
        if found is None:
            continue
        step, most = number(found, "stepWeight"), number(found, "maxWeight")
        if step is not None and most is not None:
            return f"analysis in steps of {step:g} % up to {most:g} %", True
        if items(found, "stepWeights"):
            return f"analysis in {len(items(found, 'stepWeights'))} weights", True
        if word(found, "iterations"):
            # Without weights it is an A/B test where requests are matched, else everything is switched at once.
            matched = bool(items(found, "match"))
            return ("A/B test by its `match`", True) if matched else ("blue-green: all traffic at once", False)
    return "no analysis", False


def _weights(*keys: str, inner: str) -> Callable[[Node], tuple[str, bool]]:
    def read(node: Node) -> tuple[str, bool]:
        for route in items(node, "spec", *keys):
            shares = [number(each, "weight") for each in items(route, inner)]
            told = _split(shares)
            if told[0]:
                return told
        return "", False

    return read


def _split(shares: list[float | None]) -> tuple[str, bool]:
    known = [share for share in shares if share is not None]
    if len(known) < 2:  # noqa: PLR2004  # one destination is no split
        return "", False
    told = " and ".join(f"{share:g}" for share in known)
    if sum(share > 0 for share in known) < 2:  # noqa: PLR2004  # likewise
        return f"weights {told}: a split that stands still", False
    return f"weights {told}", True


def _smi(node: Node) -> tuple[str, bool]:
    return _split([number(each, "weight") for each in items(node, "spec", "backends")])


def _traefik(node: Node) -> tuple[str, bool]:
    return _split([number(each, "weight") for each in items(node, "spec", "weighted", "services")])


def _ingress(node: Node) -> tuple[str, bool]:
    notes = at(node, "metadata", "annotations")
    if word(notes, "nginx.ingress.kubernetes.io/canary") != "true":
        return "", False
    share = number(notes, "nginx.ingress.kubernetes.io/canary-weight")
    if share is not None:
        return f"canary Ingress, {share:g} %", 0 < share < FULL
    return "canary Ingress by header or cookie", True


def _pipeline(node: Node) -> tuple[str, bool]:
    found = [
        each for each in items(node, "serialPipeline", "stages") if at(each, "strategy", "canary") is not None
    ]
    return (f"{len(found)} stages with a canary", True) if found else ("", False)


_READERS: Mapping[tuple[str, str], Callable[[Node], tuple[str, bool]]] = {
    ("argoproj.io", "Rollout"): _rollout,
    ("flagger.app", "Canary"): _flagger,
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
