"""How much there is to read.

Rules:
1. Lines of binaries and submodules count as none; the files count.
2. Keys are configuration keys that differ, resources are those a plan changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.core.change.parts import Part
from interlock.core.facts.model import Size
from interlock.core.facts.ordered import changed_paths, commits_of, configuration_of, files_of, resources_of


def size_of(parts: Sequence[Part]) -> Size:
    """Counts over all parts; a configuration file inside a git range is one file."""
    files = list(files_of(parts))
    renamed_away = {file.old_path for file in files if file.status == "renamed"} - {file.path for file in files}
    return Size(
        files=len(set(changed_paths(parts)) - renamed_away),
        added=sum(file.added or 0 for file in files),
        removed=sum(file.removed or 0 for file in files),
        binaries=sum(file.binary for file in files),
        commits=sum(1 for _ in commits_of(parts)),
        keys=sum(len(file.changes) for file in configuration_of(parts)),
        resources=sum(1 for _ in resources_of(parts)),
    )
