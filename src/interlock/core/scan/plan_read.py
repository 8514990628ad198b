"""``scan-plans/<name>.yaml``: from the bytes of a file to a plan, every key looked at before anything is run.

Rules:
1. All that is wrong is told at once, with its line.
2. A plan without scanners adds to what the others leave out and accept, and where it is the only one the usual
   scanners run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.core.change.canonical import sha256
from interlock.core.change.globs import MAX_PATTERN
from interlock.core.rollout.plan_faults import Gathering, together
from interlock.core.rollout.plan_source import Part, read_source
from interlock.core.scan.plan import Accepted, ScanFile, ScannerPlan, ScanPlan, Unread

KEYS = ("scanners", "without", "accept", "unread")
MOST_SCANNERS, MOST_GLOBS, MOST_ACCEPTED = 20, 200, 500


def read_scan_plan(path: str, content: bytes) -> ScanPlan:
    """The plan of one file; ``path`` names it in errors.

    Raises:
        InvalidInput: ``scan-plan``, or what is wrong with the YAML; ``PlanFaults`` where it is several.
    """
    part = read_source(path, content, kind="scan")
    found = Gathering()
    fields, faults = part.survey(KEYS)
    found.note(faults)
    if not fields and not faults:
        found.note(
            [part.refuse(f"at least one of {', '.join(KEYS)}", "none", hint="remove the file, or write one")]
        )
    read = {key: found.read(partial(_READERS[key], each), None) for key, each in fields.items()}
    found.finish()
    known: dict[str, Any] = {key: each for key, each in read.items() if each is not None}
    return replace(ScanPlan(), **known, path=path, digest=sha256(content), lines=part.source.lines)


def read_scan_files(files: Mapping[str, bytes], plans: Collection[str]) -> Mapping[str, ScanFile]:
    """All rule files about scans, of which ``plans`` are those that are one.

    Raises:
        InvalidInput: as ``read_scan_plan``; ``PlanFaults`` where several things are wrong in them.
    """
    found, read = Gathering(), {}
    for path, content in sorted(files.items()):
        plan = found.read(partial(read_scan_plan, path, content), None) if path in plans else None
        read[path] = ScanFile(path=path, digest=sha256(content), plan=plan)
    if found.faults:
        raise together(found.faults)
    return read


def _scanners(part: Part) -> tuple[ScannerPlan, ...]:
    return tuple(_scanner(each) for each in _at_most(part, MOST_SCANNERS, "scanners"))


def _scanner(part: Part) -> ScannerPlan:
    fields = part.fields(required=("kind",))
    settings = {key: each.value for key, each in fields.items() if key != "kind"}
    return ScannerPlan(kind=fields["kind"].word(), settings=settings, line=part.line)


def _globs(part: Part) -> tuple[str, ...]:
    return tuple(_glob(each) for each in _at_most(part, MOST_GLOBS, "globs"))


def _glob(part: Part) -> str:
    text = part.word()
    if len(text) > MAX_PATTERN or not text.strip("/*"):
        raise part.refuse(
            f"a glob of 1 to {MAX_PATTERN} characters that names something", hint="such as legacy/**"
        )
    return text


def _accept(part: Part) -> tuple[Accepted, ...]:
    return tuple(_accepted(each) for each in _at_most(part, MOST_ACCEPTED, "accepted findings"))


def _accepted(part: Part) -> Accepted:
    fields = part.fields(("rule", "paths", "why"), required=("rule", "paths", "why"))
    return Accepted(rule=fields["rule"].word(), paths=_globs(fields["paths"]), why=fields["why"].word())


def _unread(part: Part) -> tuple[Unread, ...]:
    return tuple(_left(each) for each in _at_most(part, MOST_ACCEPTED, "entries"))


def _left(part: Part) -> Unread:
    fields = part.fields(("paths", "why"), required=("paths", "why"))
    return Unread(paths=_globs(fields["paths"]), why=fields["why"].word())


def _at_most(part: Part, most: int, what: str) -> list[Part]:
    parts = part.items()
    if len(parts) > most:
        raise part.refuse(f"at most {most} {what}", str(len(parts)), hint="leave some out, or use globs")
    return parts


_READERS: Mapping[str, Callable[[Part], Any]] = {
    "scanners": _scanners,
    "without": _globs,
    "accept": _accept,
    "unread": _unread,
}
