"""The plans of producers in this working tree, and what is wrong with them, before anybody runs one.

Rules:
1. Every plan is read as it will be, and its driver and probes are made from its settings; making them touches
   nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.core.alerts.plan import AlertPlan
from interlock.core.bite.plan import TestPlan
from interlock.core.change.errors import InvalidInput
from interlock.core.policy.rules import (
    load_alert_plans,
    load_foundation,
    load_scan_files,
    load_snapshots,
    load_test_plans,
    settings_of,
)
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan_faults import faults_of
from interlock.core.snapshot.plan import SnapshotPlan
from interlock.doors.cli.text import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerLine:
    """One plan, in a line. ``environment`` is empty where a plan has none; ``says`` is for people."""

    producer: str
    service: str
    environment: str
    path: str
    digest: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerPlans:
    """``faults`` are of files that are no plan, ``unfit`` is what the plug-ins of the others do not take."""

    lines: tuple[ProducerLine, ...] = ()
    faults: tuple[InvalidInput, ...] = ()
    unfit: tuple[InvalidInput, ...] = ()


def producer_plans(files: Mapping[str, bytes], root: Path) -> ProducerPlans:
    """Of all rule files below ``root``.

    Raises:
        InvalidInput: settings or a catalog that cannot be used.
    """
    found = [_rehearsals(files, root), _read(files, _alerts), _read(files, _tests), _read(files, _snapshots)]
    found.append(_scans(files))
    return ProducerPlans(
        lines=tuple(line for each in found for line in each.lines),
        faults=tuple(fault for each in found for fault in each.faults),
        unfit=tuple(fault for each in found for fault in each.unfit),
    )


def _rehearsals(files: Mapping[str, bytes], root: Path) -> ProducerPlans:
    from interlock.core.change.settings import is_rehearsal_file  # noqa: PLC0415  # only where there are plans
    from interlock.core.rehearsal.plan_read import survey_rehearsal_plans  # noqa: PLC0415  # likewise

    settings = settings_of(files)
    plans = {path: content for path, content in files.items() if is_rehearsal_file(path, settings)}
    if not plans:
        return ProducerPlans()
    found = survey_rehearsal_plans(plans, settings, load_foundation(files).catalog.services)
    every = [*found.plans.values(), *found.unread]
    return ProducerPlans(
        lines=tuple(_rehearsal_line(plan) for plan in found.plans.values()),
        faults=found.faults,
        unfit=tuple(error for plan in every for error in (*_unfit(plan, root), *_moving(plan))),
    )


def _unfit(plan: RehearsalPlan, root: Path) -> Iterator[InvalidInput]:
    from interlock import registry  # noqa: PLC0415  # plug-ins are loaded only where there are plans
    from interlock.plugins.world.programs import SystemPrograms  # noqa: PLC0415  # likewise
    from interlock.ports.rehearsal import RehearsalScene  # noqa: PLC0415  # likewise
    from interlock.road.rehearsal_stage import unfit  # noqa: PLC0415  # likewise

    scene = RehearsalScene(
        root=str(root),
        run="",
        change="",
        digest="",
        service=plan.service,
        environment=plan.environment,
        programs=SystemPrograms(str(root)),
    )
    yield from unfit(plan, scene, drivers=registry.rehearsals(), probes=registry.probes())


def _moving(plan: RehearsalPlan) -> Iterator[InvalidInput]:
    """What makes its way back come to something else once the change is merged."""
    from interlock.core.rollout.step_doubts import step_doubts  # noqa: PLC0415  # only where there are plans

    sets = [
        (plan.rollback, ("rollback",)),
        *((m.rollback, ("members", n, "rollback")) for n, m in enumerate(plan.members)),
    ]
    for steps, keys in sets:
        yield from step_doubts(steps, keys, plan.path, plan.line_of)


def _rehearsal_line(plan: RehearsalPlan) -> ProducerLine:
    how = plural(len(plan.members), "member") if plan.members else plan.driver.kind
    probes = [plural(len(plan.probes), "probe")] if plan.probes else []
    return _line("rehearsal", plan, ", ".join([how, *probes]))


def _read(
    files: Mapping[str, bytes], lines: Callable[[Mapping[str, bytes]], Iterator[ProducerLine]]
) -> ProducerPlans:
    """Plans without plug-ins of their own."""
    try:
        return ProducerPlans(lines=tuple(lines(files)))
    except InvalidInput as error:
        return ProducerPlans(faults=tuple(faults_of(error)))


def _alerts(files: Mapping[str, bytes]) -> Iterator[ProducerLine]:
    for plan in load_alert_plans(files).values():
        yield _line("alerts", plan, plural(len(plan.modes), "failure mode"))


def _tests(files: Mapping[str, bytes]) -> Iterator[ProducerLine]:
    for plan in load_test_plans(files).values():
        yield _line("tests", plan, "by a command" if plan.command else "pytest")


def _snapshots(files: Mapping[str, bytes]) -> Iterator[ProducerLine]:
    for plan in load_snapshots(files).values():
        yield _line("snapshot", plan, plan.how)


def _scans(files: Mapping[str, bytes]) -> ProducerPlans:
    try:
        plans = [one.plan for one in load_scan_files(files).values() if one.plan is not None]
    except InvalidInput as error:
        return ProducerPlans(faults=tuple(faults_of(error)))
    if not plans:
        return ProducerPlans()
    from interlock import registry  # noqa: PLC0415  # plug-ins are loaded only where there are plans
    from interlock.road.scan import ready  # noqa: PLC0415  # likewise

    unfit: tuple[InvalidInput, ...] = ()
    try:
        ready(plans, registry.scanners())
    except InvalidInput as error:
        unfit = tuple(faults_of(error))
    lines = tuple(
        ProducerLine(
            producer="scan",
            service="every change",
            environment="",
            path=plan.path,
            digest=plan.digest,
            says=", ".join(one.kind for one in plan.scanners) or "the usual scanners",
        )
        for plan in plans
    )
    return ProducerPlans(lines=lines, unfit=unfit)


def _line(producer: str, plan: RehearsalPlan | AlertPlan | TestPlan | SnapshotPlan, says: str) -> ProducerLine:
    placed = isinstance(plan, RehearsalPlan | SnapshotPlan)
    return ProducerLine(
        producer=producer,
        service=plan.service,
        environment=plan.environment if placed else "",
        path=plan.path,
        digest=plan.digest,
        says=says,
    )
