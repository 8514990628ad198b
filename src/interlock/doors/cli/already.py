"""What ``interlock init`` finds of ours in a repository: rules, a catalog, plans, and who stands for them.

Rules:
1. Files are looked into, not read: a broken one is told by the command that reads it, and ``init`` goes on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock.core.policy.starter import Starter

MOST_OF_PLAN, MOST_OF_CATALOG = 64 * 1024, 1 << 20
_FOREIGN = re.compile(rb"^apiVersion:", re.MULTILINE)
"""Objects of Kubernetes, mostly Argo's, keep folders of the same name."""

_PERSON = re.compile(rb"^kind:[ \t]*[\"']?User\b", re.MULTILINE)
_ALONE = re.compile(rb"^one_person:[ \t]*true\b", re.MULTILINE)


def existing_there(root: Path) -> frozenset[str]:
    """Paths of ours that are there already; a folder of policies counts whole."""
    found = {name for name in ("interlock.yaml", "catalog-info.yaml") if (root / name).exists()}
    for folder in ("policies", "catalog"):
        found |= {path.relative_to(root).as_posix() for path in (root / folder).rglob("*") if path.is_file()}
    return frozenset(found)


def plans_there(root: Path) -> tuple[int, str]:
    """How many rollout plans there are, and the first file among them that is somebody else's object."""
    from interlock.core.change.settings import Settings  # noqa: PLC0415  # only here

    folder = root / Settings().rollouts
    files = sorted(path for path in folder.glob("*.y*ml") if path.is_file())
    theirs = [path for path in files if _FOREIGN.search(_beginning(path, MOST_OF_PLAN))]
    return len(files), theirs[0].relative_to(root).as_posix() if theirs else ""


def people_there(root: Path, existing: frozenset[str]) -> int:
    """How many people the catalog has that is there already; what is wrong with it, ``catalog check`` says."""
    files = [path for path in existing if path == "catalog-info.yaml" or path.startswith("catalog/")]
    return sum(len(_PERSON.findall(_beginning(root / path, MOST_OF_CATALOG))) for path in files)


def stands_alone(root: Path, written: Starter) -> bool:
    """Whether one person stands for the rules: by the settings that are there, else by those that were written."""
    from interlock.core.change.settings import SETTINGS_FILE  # noqa: PLC0415  # only here

    if SETTINGS_FILE in written.files:
        return written.alone
    return bool(_ALONE.search(_beginning(root / SETTINGS_FILE, MOST_OF_PLAN)))


def _beginning(place: Path, most: int) -> bytes:
    """At most so much of a file; nothing of what is none, or may not be read."""
    try:
        return place.read_bytes()[:most] if place.is_file() else b""
    except OSError:
        return b""
