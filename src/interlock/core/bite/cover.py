"""Which of the lines that the change brought were run by its tests. It is shown, and proves nothing.

Rules:
1. Lines are those of a diff without context; of them count those that coverage.py calls executable.
2. A test without a single assertion reaches all of them: nothing is decided by this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from interlock.core.change.canonical import Json
from interlock.core.evidence.strict_json import read_json

MOST_BYTES = 32 * 1024 * 1024
_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """``lines`` that were brought and can be run, ``run`` of them that were; ``why`` where nobody counted."""

    lines: int = 0
    run: int = 0
    why: str = ""


def changed_lines(patch: bytes) -> Mapping[str, frozenset[int]]:
    """The lines that a patch without context brings, by path; of paths that git quotes none."""
    found: dict[str, set[int]] = {}
    path = ""
    for line in patch.split(b"\n"):
        if line.startswith(b"+++ "):
            path = line[4:].decode(errors="replace").removeprefix("b/").rstrip("\t") if line[4:5] == b"b" else ""
        elif path and (hunk := _HUNK.match(line)):
            first, count = int(hunk[1]), int(hunk[2] or b"1")
            found.setdefault(path, set()).update(range(first, first + count))
    return {name: frozenset(lines) for name, lines in found.items()}


def covered(report: bytes, changed: Mapping[str, frozenset[int]]) -> Covered:
    """What the JSON report of coverage.py says of these lines.

    Raises:
        InvalidInput: it is none.
    """
    told = read_json(report, what="a coverage report", limit=MOST_BYTES)
    files = told.get("files") if isinstance(told, dict) else None
    known = files if isinstance(files, dict) else {}
    total = ran = 0
    for path, lines in changed.items():
        entry = known.get(path)
        executed, missing = (_lines(entry, key) for key in ("executed_lines", "missing_lines"))
        total += len(lines & (executed | missing))
        ran += len(lines & executed)
    return Covered(lines=total, run=ran)


def _lines(entry: Json, key: str) -> set[int]:
    found = entry.get(key) if isinstance(entry, dict) else None
    return {each for each in found if isinstance(each, int)} if isinstance(found, list) else set()
