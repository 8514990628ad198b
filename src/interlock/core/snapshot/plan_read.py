"""``snapshot-plans/<name>.yaml``: from the bytes of a file to a plan.

Rules:
1. All that is wrong is told at once, with its line.
2. ``take`` is ``pg_dump``, ``existing``, or a program with its arguments. What only goes with another of these is
   refused beside it.
3. One service has one plan for each environment that the rules know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from interlock.core.change.canonical import sha256
from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.settings import Settings
from interlock.core.change.yaml_nodes import refused
from interlock.core.rollout.plan_faults import Gathering, surveyed, together
from interlock.core.rollout.plan_source import Part, read_source
from interlock.core.snapshot.plan import FILE, RUN, SnapshotPlan

KEYS = (
    "service", "environment", "database", "take", "file", "taken", "age", "slack", "timeout", "schemas", "without",
    "marks", "deletes",
)  # fmt: skip
REQUIRED = ("service", "environment", "database", "take", "file")
MOST_NAMES = 500
DAY = 86_400.0
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_EMPTY = SnapshotPlan(path="", service="", environment="", database="", file="")

SnapshotPlans = Mapping[tuple[str, str], SnapshotPlan]
"""By service and environment."""


def read_snapshot_plan(path: str, content: bytes) -> SnapshotPlan:
    """The plan of one file; ``path`` names it in errors.

    Raises:
        InvalidInput: ``snapshot-plan``, ``snapshot-range``, or what is wrong with the YAML; ``PlanFaults`` where
            it is several.
    """
    plan, faults = survey_snapshot_plan(path, content)
    if faults:
        raise together(faults)
    return plan


def survey_snapshot_plan(path: str, content: bytes) -> tuple[SnapshotPlan, tuple[InvalidInput, ...]]:
    """The plan as far as it can be read, and all that is wrong with it.

    Raises:
        InvalidInput: what is wrong with the YAML.
    """
    part = read_source(path, content, kind="snapshot")
    found = Gathering()
    fields, faults = part.survey(KEYS, required=REQUIRED)
    found.note(faults)
    read = {key: found.read(partial(_READERS[key], each), None) for key, each in fields.items()}
    taken = read.pop("take", None) or {}
    known = {key: each for key, each in (read | taken).items() if each is not None}
    plan = replace(_EMPTY, **known, path=path, digest=sha256(content), lines=part.source.lines)
    if taken:
        found.note(_misfits(fields, plan))
    return plan, found.faults


def read_snapshot_plans(
    files: Mapping[str, bytes], settings: Settings, services: Collection[str]
) -> SnapshotPlans:
    """The plans of all rule files that are one.

    Raises:
        InvalidInput: as ``read_snapshot_plan``, or ``snapshot-service``, ``snapshot-environment``,
            ``snapshot-twice``; ``PlanFaults`` where several things are wrong in them.
    """
    found = surveyed(files, survey_snapshot_plan, partial(_misplaced, settings, services))
    if found.faults:
        raise together(found.faults)
    return found.plans


def _misfits(fields: Mapping[str, Part], plan: SnapshotPlan) -> Iterator[InvalidInput]:
    for key in ("taken", "marks", "deletes", "slack"):
        if key in fields and plan.how != "existing":
            hint = "the moment of one that is taken now is known; remove the key, or write take: existing"
            yield fields[key].refuse(f"`{key}` beside `take: existing` only", key, hint=hint)
    unmarked = [each for each in plan.deletes if each not in plan.marks]
    if unmarked and plan.how == "existing":
        hint = "name its column under marks too, or take it out: without a mark it is compared as it is now"
        known = f"tables of `marks`{closest(unmarked[0], sorted(plan.marks))}"
        yield fields["deletes"].refuse(f"only {known} at `deletes`", unmarked[0], hint=hint)
    if "file" in fields and RUN in plan.file and plan.how == "existing":
        hint = "write where it lies; of several by a pattern such as orders-*.dump the newest counts"
        yield fields["file"].refuse("the path of a backup that exists", hint=hint)
    if "file" in fields and RUN not in plan.file and plan.how != "existing":
        hint = "write ../backups/orders-{run}.dump: no backup may replace another before it was shown to restore"
        yield fields["file"].refuse(f"a path with `{RUN}` in it", hint=hint)


def _misplaced(
    settings: Settings, services: Collection[str], plan: SnapshotPlan, other: SnapshotPlan | None
) -> Iterator[InvalidInput]:
    service = Place(path=plan.path, line=plan.line_of(("service",)))
    if plan.service and plan.service not in services:
        yield refused(
            service,
            f"a service of the catalog{closest(plan.service, sorted(services))}",
            plan.service,
            code="snapshot-service",
            hint="correct it, or describe the service: docs/how-to/describe-your-services.md",
        )
    if plan.environment and plan.environment not in settings.environments:
        known = sorted(settings.environments)
        yield refused(
            Place(path=plan.path, line=plan.line_of(("environment",))),
            f"an environment of interlock.yaml{closest(plan.environment, known)}",
            plan.environment,
            code="snapshot-environment",
            hint=f"known: {', '.join(known)}",
        )
    if other is not None:
        yield refused(
            service,
            f"one snapshot of `{plan.service}` in `{plan.environment}`, which {other.path} is",
            "another",
            code="snapshot-twice",
            hint="remove one of the two",
        )


def _take(part: Part) -> dict[str, Any]:
    if isinstance(part.value, list):
        return {"how": "command", "run": tuple(each.word() for each in part.items())}
    return {"how": part.choice(("pg_dump", "existing"))}


def _variable(part: Part) -> str:
    if not _VARIABLE.fullmatch(part.word()):
        hint = "write ORDERS_DATABASE, and set that variable to postgresql://user:password@host/name"
        # What was written may hold a password.
        raise part.refuse("the name of an environment variable at `database`", "something else", hint=hint)
    return part.word()


def _names(part: Part) -> tuple[str, ...]:
    parts = part.items()
    if len(parts) > MOST_NAMES:
        raise part.refuse(f"at most {MOST_NAMES} names", str(len(parts)), hint="use patterns")
    return tuple(each.word() for each in parts)


def _taken(part: Part) -> str:
    """The path of the file that says when; ``{file}`` in it is the backup's own."""
    text = part.word()
    if text.replace(FILE, "").strip() != text.strip() and not text.replace(FILE, "").strip():
        raise part.refuse("another file than the backup", text, hint="write {file}.taken")
    return text


_READERS: Mapping[str, Callable[[Part], Any]] = {
    "service": Part.word,
    "environment": Part.word,
    "database": _variable,
    "take": _take,
    "file": Part.word,
    "taken": _taken,
    "age": lambda part: part.seconds(least=1.0, most=366 * DAY),
    "slack": lambda part: part.seconds(least=0.0, most=DAY),
    "timeout": lambda part: part.seconds(least=1.0, most=7 * DAY),
    "schemas": _names,
    "without": _names,
    "deletes": _names,
    "marks": lambda part: {table: each.word() for table, each in part.fields().items()},
}
