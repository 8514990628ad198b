"""Kubernetes objects in files, and the pods they make; what the Kubernetes checks have in common.

Rules:
1. An object has ``apiVersion``, ``kind`` and ``metadata.name``; the items of a List count one by one.
2. A file that holds no object has none, whatever else is in it; one that names ``apiVersion`` and cannot be read
   raises. A template that a renderer has yet to fill in (``{{ … }}``) is not read: its rendered output is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.configuration import format_of
from interlock.core.change.documents import Document, documents
from interlock.core.change.pointers import at, joined

_TEMPLATE = re.compile(rb"\{\{[-\s]*[^}]*\}\}")
_POD_SPECS = {
    "Pod": "/spec",
    "CronJob": "/spec/jobTemplate/spec/template/spec",
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "Rollout"),
        "/spec/template/spec",
    ),
}
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object; ``namespace`` is ``""`` where the file leaves it to whoever applies it."""

    path: str
    kind: str
    api_version: str
    namespace: str
    name: str
    document: Document

    @property
    def value(self) -> dict[str, Json]:
        """The whole object."""
        value = self.document.value
        return value if isinstance(value, dict) else {}

    @property
    def title(self) -> str:
        """``Deployment frontend``."""
        return f"{self.kind} {self.name}"


def may_hold_manifests(path: str, content: bytes) -> bool:
    """Whether a file is worth reading, by rule 2."""
    if format_of(path) not in {"yaml", "json"} or b"apiVersion" not in content:
        return False
    return _TEMPLATE.search(content) is None


def manifests(path: str, content: bytes | None) -> tuple[Manifest, ...]:
    """The objects in one file.

    Raises:
        InvalidInput: as ``documents``.
    """
    if content is None or not may_hold_manifests(path, content):
        return ()
    found = []
    for document in documents(path, content):
        if document.kubernetes:
            # apiVersion holds a slash of its own or none.
            api_version, kind, namespace, name = document.label.rsplit("/", 3)
            found.append(Manifest(path, kind, api_version, namespace, name, document))
    return tuple(found)


def pod_spec(manifest: Manifest) -> tuple[str, dict[str, Json]] | None:
    """Pointer and value of the pod an object makes, None for one that makes none."""
    pointer = _POD_SPECS.get(manifest.kind)
    spec = at(manifest.value, pointer) if pointer else None
    return (pointer, spec) if pointer and isinstance(spec, dict) else None


def containers(pointer: str, spec: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Pointer and value of each container of a pod, of whatever sort."""
    for group in _CONTAINERS:
        members = spec.get(group)
        for index, member in enumerate(members if isinstance(members, list) else ()):
            if isinstance(member, dict):
                yield joined(joined(pointer, group), index), member


def items(value: dict[str, Json], key: str) -> Iterator[tuple[int, dict[str, Json]]]:
    """The maps in a list under ``key``, with their places; nothing where it is no list."""
    members = value.get(key)
    for index, member in enumerate(members if isinstance(members, list) else ()):
        if isinstance(member, dict):
            yield index, member
