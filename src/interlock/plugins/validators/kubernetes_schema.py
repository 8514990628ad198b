"""Kubernetes objects fit the API of the cluster's version: a misspelt field is dropped in silence otherwise.

Rules:
1. The schemas are those of the package ``kubernetes-validate`` (the extra ``interlock[kubernetes]``), strict: an
   unknown field is an error, as ``kubectl --validate=strict`` has it. Without the package nothing is checked, and
   one warning says so; no file counts as looked at.
2. ``version`` is the cluster's, such as ``1.34``; without it the newest that the package knows.
3. A patch of a kustomization is checked without what it leaves out.
4. An object of a kind that has no schema (a custom resource) is a note, not a pass: another validator has to
   look at it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from typing import Any

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.kustomize import kustomization_of, patched_files
from interlock.core.change.manifests import Manifest, manifests, may_hold_manifests
from interlock.core.change.parse import parse
from interlock.core.change.parts import Finding, Validation
from interlock.core.change.pointers import dotted, joined, one_line
from interlock.core.change.schema_words import schema_words
from interlock.core.rollout.phrases import amount
from interlock.ports.reader import Material, Reading

MAX_FINDINGS = 20
_PACKAGE = "kubernetes_validate"
_FOLDER = re.compile(r"v(\d+)\.(\d+)\.\d+-local-strict")
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesSettings:
    """``validators.kubernetes-schema``."""

    version: str | None = None


class KubernetesSchema:
    """The validator; see the rules above. ``package`` is where the schemas are found."""

    name = "kubernetes-schema"

    def __init__(self, package: str = _PACKAGE) -> None:
        self._package = package

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per changed file that holds objects."""
        wanted = parse(KubernetesSettings, dict(settings), what="validators.kubernetes-schema")
        files = dict(_files(readings))
        if not files:
            return ()
        if find_spec(self._package) is None:
            return (Validation(validator=self.name, path="", findings=(_skipped(len(files)),)),)
        folder = _folder(self._package, wanted.version)
        return tuple(
            Validation(validator=self.name, path=path, findings=tuple(_findings(path, *files[path], folder)))
            for path in sorted(files)
        )


def _files(readings: Sequence[Reading]) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    """Path, content and whether it is a patch, of every changed file that may hold objects."""
    seen: set[str] = set()
    for reading in readings:
        for path in reading.material.changed():
            content = None if path in seen else _content(reading.material, path)
            if content is not None and may_hold_manifests(path, content):
                seen.add(path)
                yield path, (content, _is_patch(path, reading.material))


def _is_patch(path: str, material: Material) -> bool:
    beside = kustomization_of(path, material.exists)
    if beside is None:
        return False
    content = _content(material, beside)
    return path in patched_files(beside, content)


def _content(material: Material, path: str) -> bytes | None:
    if not path.endswith((".yaml", ".yml", ".json")):
        return None
    try:
        return material.after(path)
    except InvalidInput:
        return None  # too large to be a manifest


def _skipped(count: int) -> Finding:
    return Finding(
        rule="kubernetes-schema/skipped",
        level="warning",
        message=one_line(
            f"not checked: {amount(count, 'files')} with Kubernetes objects, since the schemas are not installed"
        ),
        path="",
        remedy="pip install kubernetes-validate",
    )


def _folder(package: str, version: str | None) -> str:
    """The folder of the newest schemas that are not newer than ``version``."""
    found = _folders(package)
    if version is None:
        return found[max(found)]
    match = _VERSION.fullmatch(version)
    wanted = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    if wanted not in found:
        first, last = min(found), max(found)
        raise InvalidInput(
            f"expected Kubernetes {first[0]}.{first[1]} to {last[0]}.{last[1]}, got `{version[:20]}`",
            code="settings-range",
            hint="correct validators.kubernetes-schema.version, or update interlock[kubernetes]",
        )
    return found[wanted]


@lru_cache(maxsize=4)
def _folders(package: str) -> dict[tuple[int, int], str]:
    names = [entry.name for entry in _root(package).iterdir()]
    matches = [match for match in map(_FOLDER.fullmatch, names) if match]
    return {(int(match.group(1)), int(match.group(2))): f"{package}:{match.group(0)}" for match in matches}


def _root(package: str) -> Traversable:
    return resources.files(package) / "kubernetes-json-schema"


def _findings(path: str, content: bytes, patch: bool, folder: str) -> Iterator[Finding]:  # noqa: FBT001  # one of a pair
    try:
        found = manifests(path, content)
    except InvalidInput as error:
        yield Finding(
            rule="kubernetes-schema/unreadable",
            level="error",
            message=one_line(error.message),
            path=path,
            remedy=error.hint,
        )
        return
    for manifest in found:
        checker = _checker(folder, manifest.kind, manifest.api_version)
        if checker is None:
            yield _unknown(manifest)
            continue
        errors = sorted(checker.iter_errors(manifest.value), key=lambda error: [str(s) for s in error.path])
        if patch:
            errors = [error for error in errors if not _left_out(error)]
        # One error per missing field, told once with all of them.
        yield from list(dict.fromkeys(_finding(manifest, error) for error in errors))[:MAX_FINDINGS]


def _left_out(error: Any) -> bool:  # noqa: ANN401  # jsonschema's error
    """Whether an error is one that only a whole object could have, or kustomize's own mark for a patch."""
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        extra = set(error.instance) - set(error.schema.get("properties", {}))
        return all(str(key).startswith("$") for key in extra)
    return bool(error.validator == "required")


def _unknown(manifest: Manifest) -> Finding:
    return Finding(
        rule="kubernetes-schema/unknown-kind",
        level="note",
        message=one_line(f"{manifest.title} ({manifest.api_version}) has no schema here and was not checked"),
        path=manifest.path,
        line=manifest.document.line(""),
        pointer=manifest.document.pointer,
        remedy="check custom resources with validators.json-schema",
    )


@lru_cache(maxsize=512)
def _checker(folder: str, kind: str, api_version: str) -> Any:  # noqa: ANN401  # jsonschema's own protocol
    """A checker for one kind, None when there is no schema of it."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  # costs 60 ms and is needed only for manifests
    from referencing import Registry, Resource  # noqa: PLC0415  # as above
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415  # as above

    # ``rbac.authorization.k8s.io/v1`` is filed under ``rbac-v1``.
    group, slash, version = api_version.rpartition("/")
    name = f"{kind}-{group.partition('.')[0]}-{version}" if slash else f"{kind}-{version}"
    schema = _read(folder, f"{name.lower()}.json") if re.fullmatch(r"[A-Za-z0-9-]+", name) else None
    if schema is None:
        return None
    registry: Registry[Any] = Registry()
    for resource in (schema, _read(folder, "_definitions.json")):
        registry = Resource.from_contents(resource, default_specification=DRAFT202012) @ registry
    return Draft202012Validator(schema, registry=registry)


@lru_cache(maxsize=64)
def _read(folder: str, name: str) -> Any:  # noqa: ANN401  # a schema
    package, _, place = folder.partition(":")
    try:
        return json.loads((_root(package) / place / name).read_bytes())
    except FileNotFoundError:
        return None


def _finding(manifest: Manifest, error: Any) -> Finding:  # noqa: ANN401  # jsonschema's error
    pointer = "".join(joined("", step) for step in error.absolute_path)
    whole = manifest.document.pointer + pointer
    return Finding(
        rule="kubernetes-schema/invalid",
        level="error",
        message=one_line(f"{dotted(whole)} {schema_words(error)}"),
        path=manifest.path,
        line=manifest.document.line(pointer),
        pointer=whole,
        remedy=one_line(f"kubectl explain {manifest.kind.lower()} tells what {manifest.api_version} knows"),
    )
