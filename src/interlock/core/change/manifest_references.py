"""What Kubernetes objects refer to: configuration, secrets, accounts, services and the pods a service selects.

Rules:
1. A reference is told with where it stands and which key it needs; one marked ``optional`` is none.
2. Objects are looked for in the referrer's own namespace; a namespace that nobody wrote is one of its own.
3. The account ``default`` exists in every namespace without being written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.manifests import Manifest, containers, items, pod_spec
from interlock.core.change.pointers import at, joined

_VOLUMES = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName")}
_FROM = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
_KEY_FROM = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to ``kind name`` (and a key in it), from ``pointer`` of the referring object."""

    pointer: str
    kind: str
    name: str
    key: str | None = None


def references(manifest: Manifest) -> Iterator[Reference]:
    """Everything an object needs to be there, in order."""
    found = pod_spec(manifest)
    if found is not None:
        yield from of_pod(*found)
    if manifest.kind == "Ingress":
        yield from _of_ingress(manifest.value)
    if manifest.kind == "HorizontalPodAutoscaler":
        target = at(manifest.value, "/spec/scaleTargetRef")
        if isinstance(target, dict):
            yield from _reference("/spec/scaleTargetRef", str(target.get("kind", "")), target.get("name"))
    if manifest.kind in {"RoleBinding", "ClusterRoleBinding"}:
        for index, subject in items(manifest.value, "subjects"):
            # A subject of another namespace lies where this change may not reach.
            if (
                subject.get("kind") == "ServiceAccount"
                and subject.get("namespace", manifest.namespace) == manifest.namespace
            ):
                yield from _reference(joined("/subjects", index), "ServiceAccount", subject.get("name"))


def of_pod(pointer: str, spec: dict[str, Json]) -> Iterator[Reference]:
    """Everything that a pod's specification needs to be there, which stands at ``pointer``."""
    if spec.get("serviceAccountName") != "default":
        yield from _reference(
            joined(pointer, "serviceAccountName"), "ServiceAccount", spec.get("serviceAccountName")
        )
    for index, secret in items(spec, "imagePullSecrets"):
        yield from _reference(joined(joined(pointer, "imagePullSecrets"), index), "Secret", secret.get("name"))
    for index, volume in items(spec, "volumes"):
        yield from _of_volume(joined(joined(pointer, "volumes"), index), volume)
    for place, container in containers(pointer, spec):
        for index, source in items(container, "envFrom"):
            for name, kind in _FROM.items():
                yield from _required(joined(joined(joined(place, "envFrom"), index), name), kind, source.get(name))
        for index, variable in items(container, "env"):
            source_of = variable.get("valueFrom")
            for name, kind in _KEY_FROM.items():
                if isinstance(source_of, dict):
                    whole = joined(joined(joined(joined(place, "env"), index), "valueFrom"), name)
                    yield from _required(whole, kind, source_of.get(name))


def _of_volume(pointer: str, volume: dict[str, Json]) -> Iterator[Reference]:
    for name, (kind, key) in _VOLUMES.items():
        yield from _required(joined(pointer, name), kind, volume.get(name), key)
    claim = volume.get("persistentVolumeClaim")
    if isinstance(claim, dict):
        yield from _reference(
            joined(pointer, "persistentVolumeClaim"), "PersistentVolumeClaim", claim.get("claimName")
        )
    projected = volume.get("projected")
    for index, source in items(projected, "sources") if isinstance(projected, dict) else ():
        for name, (kind, _) in _VOLUMES.items():
            place = joined(joined(joined(joined(pointer, "projected"), "sources"), index), name)
            yield from _required(place, kind, source.get(name))


def _of_ingress(value: dict[str, Json]) -> Iterator[Reference]:
    spec = value.get("spec")
    if not isinstance(spec, dict):
        return
    for index, rule in items(spec, "rules"):
        http = rule.get("http")
        for place, path in items(http, "paths") if isinstance(http, dict) else ():
            pointer = f"/spec/rules/{index}/http/paths/{place}/backend/service/name"
            yield from _reference(pointer, "Service", at(path, "/backend/service/name"))
    yield from _reference("/spec/defaultBackend/service/name", "Service", at(spec, "/defaultBackend/service/name"))


def _required(pointer: str, kind: str, value: Json, name: str = "name") -> Iterator[Reference]:
    if isinstance(value, dict) and value.get("optional") is not True:
        yield from _reference(pointer, kind, value.get(name), value.get("key"))


def _reference(pointer: str, kind: str, name: Json, key: Json = None) -> Iterator[Reference]:
    if isinstance(name, str) and name and kind:
        yield Reference(pointer, kind, name, key if isinstance(key, str) else None)


def keys_of(manifest: Manifest) -> frozenset[str]:
    """The keys a ConfigMap or Secret holds."""
    held = [manifest.value.get(name) for name in ("data", "stringData", "binaryData")]
    return frozenset(key for part in held if isinstance(part, dict) for key in part)


def selects_something(service: Manifest, others: Sequence[Manifest]) -> bool | None:
    """Whether a Service's selector matches the pods of any object; None without a selector or without pods."""
    selector = at(service.value, "/spec/selector")
    labels = [
        found
        for other in others
        if other.namespace == service.namespace and (spec := pod_spec(other)) is not None
        for found in [at(other.value, spec[0].removesuffix("/spec") + "/metadata/labels")]
    ]
    if service.kind != "Service" or not isinstance(selector, dict) or not selector or not labels:
        return None
    return any(isinstance(found, dict) and selector.items() <= found.items() for found in labels)
