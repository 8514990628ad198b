"""Kubernetes manifests ask for no more than they need and hold no secrets (what counts is in ``pod_rules``).

Rules:
1. Judged is every object in a changed file, as it will be; what the same object asked for before is a warning.
2. ``ignore`` names rules by object: ``[{rule: manifest/host-path, object: DaemonSet node-exporter}]``; both are
   globs, and an entry that names no rule or no object is refused.
3. An image that only has a name, where a build tool fills in the rest (a kustomization beside it, a skaffold.yaml
   at the root), is a warning: the rendered manifest is what should be judged.
4. A file that cannot be read is told by the check against the API, and not a second time here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from interlock.core.change.canonical import Json
from interlock.core.change.errors import InvalidInput
from interlock.core.change.kustomize import kustomization_of
from interlock.core.change.manifests import Manifest, manifests
from interlock.core.change.parse import parse
from interlock.core.change.parts import Finding, Validation
from interlock.core.change.pointers import one_line
from interlock.core.facts.plan_rules.view import Problem
from interlock.core.facts.pod_rules import problems
from interlock.ports.reader import Material, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """One exception by glob; ``object`` is kind and name, such as ``DaemonSet node-exporter``."""

    rule: str
    object: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSettings:
    """``validators.manifest-rules``."""

    ignore: tuple[Ignored, ...] = ()


class ManifestRules:
    """The validator; see the rules above."""

    name = "manifest-rules"

    def validate(self, readings: Sequence[Reading], settings: Mapping[str, Json]) -> tuple[Validation, ...]:
        """One ``Validation`` per changed file that holds objects."""
        wanted = parse(ManifestSettings, dict(settings), what="validators.manifest-rules")
        if not all(entry.rule.strip() and entry.object.strip() for entry in wanted.ignore):
            raise InvalidInput(
                "expected a rule and an object in each entry of validators.manifest-rules.ignore",
                code="settings-range",
                hint="name both, `*` for any",
            )
        found: dict[str, Validation] = {}
        for reading in readings:
            for path in reading.material.changed():
                if path not in found and path.endswith((".yaml", ".yml", ".json")):
                    objects = _read(path, reading.material, after=True)
                    if objects:
                        findings = tuple(_findings(objects, reading.material, wanted.ignore))
                        found[path] = Validation(validator=self.name, path=path, findings=findings)
        return tuple(found[path] for path in sorted(found))


def _read(path: str, material: Material, *, after: bool) -> tuple[Manifest, ...]:
    """The objects of one side; none where there is no file or nothing that can be read."""
    try:
        return manifests(path, material.after(path) if after else material.before(path))
    except InvalidInput:
        return ()  # told by the reader of configuration, and by the check against the API


def _findings(objects: Sequence[Manifest], material: Material, ignored: Sequence[Ignored]) -> Iterator[Finding]:
    path = objects[0].path
    filled_in = kustomization_of(path, material.exists) is not None or material.exists("skaffold.yaml")
    before = {old.document.label: old for old in _read(path, material, after=False)}
    for manifest in objects:
        old = before.get(manifest.document.label)
        known = {(problem.rule, problem.words) for problem in problems(old)} if old is not None else set()
        for problem in problems(manifest):
            if any(fnmatchcase(problem.rule, i.rule) and fnmatchcase(manifest.title, i.object) for i in ignored):
                continue
            if (problem.rule, problem.words) in known:
                yield _finding(manifest, replace(problem, words=f"{problem.words}, as before", level="warning"))
            elif filled_in and problem.rule == "manifest/untagged-image":
                yield _finding(manifest, replace(problem, level="warning"))
            else:
                yield _finding(manifest, problem)


def _finding(manifest: Manifest, problem: Problem) -> Finding:
    return Finding(
        rule=problem.rule,
        level=problem.level,
        message=one_line(f"{manifest.title} {problem.words}"),
        path=manifest.path,
        line=manifest.document.line(problem.pointer),
        pointer=manifest.document.pointer + problem.pointer,
        remedy=problem.remedy,
    )
