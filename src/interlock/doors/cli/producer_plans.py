"""The plans of producers in this working tree, and what is wrong with them, before anybody runs one.

Rules:
1. Every plan is read as it will be, and its driver and probes are made from its settings; making them touches
   nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.core.change.errors import InvalidInput
from interlock.core.policy.rules import load_foundation, settings_of
from interlock.core.rehearsal.plan import RehearsalPlan
from interlock.core.rollout.plan_faults import faults_of


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
    rehearsals, alerts = _rehearsals(files, root), _alerts(files)
    return ProducerPlans(
        lines=(*rehearsals.lines, *alerts.lines),
        faults=(*rehearsals.faults, *alerts.faults),
        unfit=rehearsals.unfit,
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
        unfit=tuple(error for plan in every for error in _unfit(plan, root)),
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


def _rehearsal_line(plan: RehearsalPlan) -> ProducerLine:
    probes = "1 probe" if len(plan.probes) == 1 else f"{len(plan.probes)} probes"
    return ProducerLine(
        producer="rehearsal",
        service=plan.service,
        environment=plan.environment,
        path=plan.path,
        digest=plan.digest,
        says=f"{plan.driver.kind}, {probes}",
    )


def _alerts(files: Mapping[str, bytes]) -> ProducerPlans:
    from interlock.core.policy.rules import load_alert_plans  # noqa: PLC0415  # PromQL only where it is written

    try:
        plans = load_alert_plans(files)
    except InvalidInput as error:
        return ProducerPlans(faults=tuple(faults_of(error)))
    return ProducerPlans(
        lines=tuple(
            ProducerLine(
                producer="alerts",
                service=plan.service,
                environment="",
                path=plan.path,
                digest=plan.digest,
                says="1 failure mode" if len(plan.modes) == 1 else f"{len(plan.modes)} failure modes",
            )
            for plan in plans.values()
        )
    )
