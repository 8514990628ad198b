"""What a change refers to is there: files, names in other files, and Kubernetes objects in the same change.

Rules:
1. ``files``: values under ``pointer`` are paths, from the referring file's folder, or from the root after a
   slash. The lists of a ``kustomization.yaml`` are such values without being named.
2. ``names``: values under ``pointer`` are names that ``to`` must have: values or map keys under ``to.pointer`` in
   ``to.file``. A rule whose ``match`` is one plain path is checked when only the target changed, too.
3. A Kubernetes object that the change removes, and something in the change still needs, is an error; so is a key
   that its ConfigMap or Secret does not have, and a Service that selects pods no more. A new reference to what
   the change does not hold may be in the cluster already: a warning, or with ``closed: true`` an error.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.change.documents import Document, documents
from interlock.core.change.errors import InvalidInput
from interlock.core.change.globs import matches
from interlock.core.change.manifest_references import Reference, keys_of, references, selects_something
from interlock.core.change.manifests import Manifest, manifests
from interlock.core.change.parse import parse
from interlock.core.change.parts import Finding, Validation
from interlock.core.change.pointers import covers, dotted, every, one_line, steps
from interlock.ports.reader import Material, Reading

_WILD = frozenset("*?\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """Values that are paths: in files by glob, under a pointer glob."""

    match: str
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where names are defined: one file, and a pointer glob in it."""

    file: str
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """Values that are names defined elsewhere."""

    match: str
    pointer: str
    to: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSettings:
    """``validators.references``."""

    files: tuple[FileRule, ...] = ()
    names: tuple[NameRule, ...] = ()
    closed: bool = False


_KUSTOMIZE = tuple(
    FileRule(match=f"kustomization.{ending}", pointer=pointer)
    for ending in ("yaml", "yml")
    for pointer in (
        "/resources/*",
        "/components/*",
        "/bases/*",
        "/patches/*",
        "/patches/*/path",
        "/patchesStrategicMerge/*",
    )
)


class References:
    """The validator; see the rules above."""

    name = "references"

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per file with references that were followed."""
        wanted = parse(ReferenceSettings, dict(settings), what="validators.references")
        found: dict[str, list[Finding]] = {}
        seen: set[str] = set()
        for reading in readings:
            fresh = [path for path in reading.material.changed() if path not in seen]
            seen.update(fresh)
            for path, findings in _followed(reading.material, fresh, wanted):
                found.setdefault(path, []).extend(findings)
        return tuple(
            Validation(validator=self.name, path=path, findings=tuple(found[path])) for path in sorted(found)
        )


def _followed(
    material: Material, changed: Sequence[str], settings: ReferenceSettings
) -> Iterator[tuple[str, list[Finding]]]:
    for file_rule in (*_KUSTOMIZE, *settings.files):
        for path in changed:
            if matches(file_rule.match, path) and (read := _read(path, material)):
                yield path, list(_missing_files(path, read, file_rule, material))
    for name_rule in settings.names:
        plain = not _WILD.intersection(name_rule.match)
        beside = plain and name_rule.to.file in changed and material.exists(name_rule.match)
        targets = [path for path in changed if matches(name_rule.match, path)] or [name_rule.match] * beside
        for path in targets:
            if read := _read(path, material):
                yield path, list(_missing_names(path, read, name_rule, material))
    yield from _kubernetes(material, changed, closed=settings.closed)


def _read(path: str, material: Material, *, after: bool = True) -> tuple[Document, ...]:
    try:
        return documents(path, material.after(path) if after else material.before(path))
    except InvalidInput:
        return ()  # told by whoever reads the file as a whole


def _missing_files(path: str, read: Sequence[Document], rule: FileRule, material: Material) -> Iterator[Finding]:
    for document, pointer, value in _values(read, rule.pointer):
        if "\n" in value or "://" in value or "${" in value or value.startswith(("git@", "github.com/")):
            continue
        base = "" if value.startswith("/") else posixpath.dirname(path)
        target = posixpath.normpath(posixpath.join(base, value.lstrip("/")))
        if target.startswith(".."):
            yield _finding(
                path, document, pointer, "references/outside", f"is {value}, which leads out of the repository"
            )
        elif target != "." and not material.exists(target):
            yield _finding(path, document, pointer, "references/file", f"is {value}, and there is no {target}")


def _missing_names(path: str, read: Sequence[Document], rule: NameRule, material: Material) -> Iterator[Finding]:
    there = material.exists(rule.to.file)
    known: set[str] = set()
    for document in _read(rule.to.file, material) if there else ():
        for pointer, value in every(document.value):
            if covers(rule.to.pointer, pointer):
                known.add(steps(pointer)[-1] if isinstance(value, dict | list) and pointer else str(value))
    for document, pointer, value in _values(read, rule.pointer):
        if value not in known:
            where = f"{rule.to.file} does not have it" if there else f"{rule.to.file} does not exist"
            yield _finding(path, document, pointer, "references/name", f"is {value}, and {where}")


def _values(read: Sequence[Document], pattern: str) -> Iterator[tuple[Document, str, str]]:
    for document in read:
        for pointer, value in every(document.value):
            if isinstance(value, str) and value and covers(pattern, pointer):
                yield document, pointer, value


def _kubernetes(
    material: Material, changed: Sequence[str], *, closed: bool
) -> Iterator[tuple[str, list[Finding]]]:
    new = {path: _objects(path, material, after=True) for path in changed}
    old = [item for path in changed for item in _objects(path, material, after=False)]
    all_new = [item for objects in new.values() for item in objects]
    before = {_key(item): item for item in old}
    after = {_key(item): item for item in all_new}
    for path, objects in new.items():
        if objects:
            yield path, [f for item in objects for f in _unresolved(item, before, after, closed=closed)]
            yield path, [f for item in objects for f in _deserted(item, before, old, all_new)]


def _objects(path: str, material: Material, *, after: bool) -> tuple[Manifest, ...]:
    if not path.endswith((".yaml", ".yml", ".json")):
        return ()
    try:
        return manifests(path, material.after(path) if after else material.before(path))
    except InvalidInput:
        return ()  # told by whoever reads the file as a whole


def _key(manifest: Manifest) -> tuple[str, str, str]:
    return manifest.kind, manifest.namespace, manifest.name


def _unresolved(
    item: Manifest,
    before: Mapping[tuple[str, str, str], Manifest],
    after: Mapping[tuple[str, str, str], Manifest],
    *,
    closed: bool,
) -> Iterator[Finding]:
    earlier = before.get(_key(item))
    needed_before = {(r.kind, r.name, r.key) for r in references(earlier)} if earlier is not None else set()
    for needed in references(item):
        key = (needed.kind, item.namespace, needed.name)
        target = after.get(key)
        if target is not None:
            if needed.key is not None and needed.key not in keys_of(target):
                words = f"needs the key {needed.key}, and {target.title} does not have it"
                yield _kubernetes_finding(item, needed, words, "error")
        elif key in before:
            words = f"needs {needed.kind} {needed.name}, which this change removes"
            yield _kubernetes_finding(item, needed, words, "error")
        elif closed or (needed.kind, needed.name, needed.key) not in needed_before:
            words = f"needs {needed.kind} {needed.name}, which is not part of this change"
            yield _kubernetes_finding(item, needed, words, "error" if closed else "warning")


def _deserted(
    item: Manifest,
    before: Mapping[tuple[str, str, str], Manifest],
    old: Sequence[Manifest],
    new: Sequence[Manifest],
) -> Iterator[Finding]:
    earlier = before.get(_key(item))
    if earlier is not None and selects_something(earlier, old) and selects_something(item, new) is False:
        where = Reference("/spec/selector", "Pod", "")
        yield _kubernetes_finding(item, where, "selects none of the pods it selected before", "error")


def _kubernetes_finding(item: Manifest, needed: Reference, words: str, level: str) -> Finding:
    return Finding(
        rule="references/kubernetes",
        level="error" if level == "error" else "warning",
        message=one_line(f"{item.title} {words}"),
        path=item.path,
        line=item.document.line(needed.pointer),
        pointer=item.document.pointer + needed.pointer,
        remedy="add it to the change, correct the name, or mark the reference optional",
    )


def _finding(path: str, document: Document, pointer: str, rule: str, words: str) -> Finding:
    whole = document.pointer + pointer
    return Finding(
        rule=rule,
        level="error",
        message=one_line(f"{dotted(whole)} {words}"),
        path=path,
        line=document.line(pointer),
        pointer=whole,
        remedy="correct the reference, or add what it refers to",
    )
