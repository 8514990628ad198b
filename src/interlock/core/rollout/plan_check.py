"""What a plan must fit besides itself: the rules it is among, the plug-ins that are installed, policy's limits.

Rules:
1. One service has one plan for each environment, and both must be known to the rules.
2. Which routers, meters and notifiers exist is known where they are loaded, so whoever has them asks.
3. A plan wider or hastier than the thresholds is a plan all the same. Where policy demands a canary, a rollout by
   it is refused when it starts, with every shortfall.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.settings import Settings, Thresholds
from interlock.core.change.yaml_nodes import refused
from interlock.core.rollout.plan import Keys, Plan, PluginPlan
from interlock.core.rollout.plan_faults import Surveyed, surveyed, together
from interlock.core.rollout.plan_read import survey_plan

Plans = Mapping[tuple[str, str], Plan]
"""By service and environment."""


def read_plans(files: Mapping[str, bytes], settings: Settings, services: Collection[str]) -> Plans:
    """The plans of all rule files that are one.

    Raises:
        InvalidInput: as ``read_plan``, or ``rollout-service``, ``rollout-environment``, ``rollout-twice``;
            ``PlanFaults`` where several things are wrong in them.
    """
    found = survey_plans(files, settings, services)
    if found.faults:
        raise together(found.faults)
    return found.plans


def survey_plans(files: Mapping[str, bytes], settings: Settings, services: Collection[str]) -> Surveyed[Plan]:
    """The plans that can be used, and all that is wrong with the others."""
    return surveyed(files, survey_plan, partial(_misplaced, settings, services))


def _misplaced(
    settings: Settings, services: Collection[str], plan: Plan, other: Plan | None
) -> Iterator[InvalidInput]:
    if plan.service and plan.service not in services:
        yield _refuse(
            plan,
            ("service",),
            f"a service of the catalog{closest(plan.service, sorted(services))}",
            plan.service,
            code="rollout-service",
            hint="correct it, or describe the service: docs/how-to/describe-your-services.md",
        )
    if plan.environment and plan.environment not in settings.environments:
        known = sorted(settings.environments)
        yield _refuse(
            plan,
            ("environment",),
            f"an environment of interlock.yaml{closest(plan.environment, known)}",
            plan.environment,
            code="rollout-environment",
            hint=f"known: {', '.join(known)}",
        )
    if other is not None:
        yield _refuse(
            plan,
            ("service",),
            f"one plan for `{plan.service}` in `{plan.environment}`, which {other.path} is",
            "another",
            code="rollout-twice",
            hint="remove one of the two",
        )


def check_kinds(
    plan: Plan, *, routers: Collection[str], meters: Collection[str], notifiers: Collection[str]
) -> tuple[InvalidInput, ...]:
    """Every plug-in of the plan that is not installed (``plugin-unknown``), with the nearest that is.

    Of a plan that could not be read whole those that are named.
    """
    named: list[tuple[Keys, PluginPlan, str, Collection[str]]] = [(("router",), plan.router, "router", routers)]
    named += [(("meters", at), meter.plugin, "meter", meters) for at, meter in enumerate(plan.meters)]
    named += [(("notify", at), each, "notifier", notifiers) for at, each in enumerate(plan.notify)]
    return tuple(
        _refuse(
            plan,
            (*keys, "kind"),
            f"a known {what}{closest(plugin.kind, sorted(known))}",
            plugin.kind,
            code="plugin-unknown",
            hint=f"installed: {', '.join(sorted(known)) or 'none'}",
        )
        for keys, plugin, what, known in named
        if plugin.kind and plugin.kind not in known
    )


def shortfalls(plan: Plan, thresholds: Thresholds) -> tuple[str, ...]:
    """What the plan lacks of the canary that policy may demand, each in one line with its place; none is good."""
    return tuple(_lacking(plan, thresholds))


def _lacking(plan: Plan, thresholds: Thresholds) -> Iterator[str]:
    first = plan.stages[0].percent
    if first > thresholds.first_stage_percent:
        place = _place(plan, ("stages", 0, "percent"))
        yield f"first stage is {first:g} %, wanted {thresholds.first_stage_percent:g} % or less at `{place}`"
    for number, stage in enumerate(plan.stages):
        if stage.bake < thresholds.bake_minutes * 60:
            place = _place(plan, ("stages", number, "bake"))
            yield (
                f"bake at {stage.percent:g} % is {stage.bake / 60:g} min, "
                f"wanted {thresholds.bake_minutes:g} min or more at `{place}`"
            )
    if not _looks_at_business(plan):
        yield f"no business metric at `{_place(plan, ('judge', 'metrics'))}`"


def _looks_at_business(plan: Plan) -> bool:
    metrics = plan.judge.get("metrics")
    written = metrics.values() if isinstance(metrics, Mapping) else ()
    return any(each.get("business", each.get("kind") == "good") for each in written if isinstance(each, Mapping))


def _place(plan: Plan, keys: Keys) -> str:
    return f"{plan.path}:{plan.line_of(keys)}"


def _refuse(plan: Plan, keys: Keys, expected: str, got: str, *, code: str, hint: str) -> InvalidInput:
    return refused(Place(path=plan.path, line=plan.line_of(keys)), expected, got, code=code, hint=hint)
