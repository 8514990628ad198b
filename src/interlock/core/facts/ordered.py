"""The parts of a submission in one order, and the questions several facts ask of them.

Rules:
1. Parts are ordered by kind and identity, files and resources by name; commits keep the reader's order, which
   is parents first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from interlock.core.change.canonical import canonical
from interlock.core.change.parts import (
    Commit,
    Configuration,
    ConfigurationFile,
    FileChange,
    GitRange,
    Part,
    ResourceChange,
    TerraformPlan,
)

MAX_SOURCES = 20
"""How many sources a fact names for one statement; the statement itself says how many there were."""


def ordered_parts(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts in canonical order, each with its files or resources sorted."""
    return tuple(_sorted(part) for part in sorted(parts, key=lambda part: canonical(part.identity())))


def _sorted(part: Part) -> Part:
    if isinstance(part, GitRange):
        return replace(part, files=tuple(sorted(part.files, key=lambda file: (file.path, file.old_path or ""))))
    if isinstance(part, Configuration):
        return replace(part, files=tuple(sorted(part.files, key=lambda file: file.path)))
    if isinstance(part, TerraformPlan):
        return replace(
            part, resources=tuple(sorted(part.resources, key=lambda item: (item.address, item.deposed or "")))
        )
    return part


def ranges_of(parts: Sequence[Part]) -> Iterator[GitRange]:
    """The git ranges."""
    return (part for part in parts if isinstance(part, GitRange))


def plans_of(parts: Sequence[Part]) -> Iterator[TerraformPlan]:
    """The Terraform plans."""
    return (part for part in parts if isinstance(part, TerraformPlan))


def commits_of(parts: Sequence[Part]) -> Iterator[Commit]:
    """All commits, range after range."""
    return (commit for part in ranges_of(parts) for commit in part.commits)


def files_of(parts: Sequence[Part]) -> Iterator[FileChange]:
    """All files that differ in git."""
    return (file for part in ranges_of(parts) for file in part.files)


def configuration_of(parts: Sequence[Part]) -> Iterator[ConfigurationFile]:
    """All configuration files that were read key by key."""
    return (file for part in parts if isinstance(part, Configuration) for file in part.files)


def resources_of(parts: Sequence[Part]) -> Iterator[tuple[TerraformPlan, ResourceChange]]:
    """All resources that a plan changes; what it only reads or leaves alone is not among them."""
    for plan in plans_of(parts):
        for resource in plan.resources:
            if not set(resource.actions) <= {"no-op", "read"}:
                yield plan, resource


def changed_paths(parts: Sequence[Part]) -> tuple[str, ...]:
    """Every path that is or was at a changed file, sorted."""
    paths = {file.path for file in configuration_of(parts)}
    for file in files_of(parts):
        paths.add(file.path)
        if file.status == "renamed" and file.old_path is not None:
            paths.add(file.old_path)
    return tuple(sorted(paths))
