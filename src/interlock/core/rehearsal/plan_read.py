"""``rehearsals/<name>.yaml``: from the bytes of a file to a plan, every key looked at before anything is applied.

Rules:
1. Settings of drivers and probes are theirs to judge: here they are read and their lines kept.
2. All that is wrong is told at once, as far as it can be read without the rest.
3. One service has one plan for each environment, which the rules know and do not call production.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from typing import Any

from interlock.core.change.canonical import Json, sha256
from interlock.core.change.catalog import Place
from interlock.core.change.errors import InvalidInput
from interlock.core.change.parse import closest
from interlock.core.change.settings import Settings
from interlock.core.change.yaml_nodes import refused
from interlock.core.rehearsal.members import default_back, read_back, read_driver, read_members
from interlock.core.rehearsal.plan import ProbePlan, RehearsalPlan
from interlock.core.rollout.passed_on import read_variables
from interlock.core.rollout.plan import Keys, PluginPlan
from interlock.core.rollout.plan_faults import Gathering, Surveyed, surveyed, together
from interlock.core.rollout.plan_source import Part, read_source
from interlock.core.rollout.plan_stages import named_once, read_steps

KEYS = (
    "service", "environment", "objective", "driver", "apply", "rollback", "members", "back", "probes", "passed_on",
)  # fmt: skip
REQUIRED = ("service", "environment")
MOST_PROBES = 50
LONGEST_OBJECTIVE = 7 * 86_400.0

_EMPTY = RehearsalPlan(path="", service="", environment="", driver=PluginPlan(kind="", settings={}), probes=())
"""What is left of a plan of which nothing can be read."""
SET = PluginPlan(kind="set", settings={})
"""The driver of a plan with members."""

RehearsalPlans = Mapping[tuple[str, str], RehearsalPlan]
"""By service and environment."""


def read_rehearsal_plan(path: str, content: bytes) -> RehearsalPlan:
    """The plan of one file; ``path`` names it in errors.

    Raises:
        InvalidInput: ``rehearsal-plan``, ``rehearsal-range``, or what is wrong with the YAML; ``PlanFaults`` where
            it is several.
    """
    plan, faults = survey_rehearsal_plan(path, content)
    if faults:
        raise together(faults)
    return plan


def survey_rehearsal_plan(path: str, content: bytes) -> tuple[RehearsalPlan, tuple[InvalidInput, ...]]:
    """The plan as far as it can be read, and all that is wrong with it; a section that cannot be read is empty.

    Raises:
        InvalidInput: what is wrong with the YAML.
    """
    part = read_source(path, content, kind="rehearsal")
    found = Gathering()
    fields, faults = part.survey(KEYS, required=REQUIRED)
    found.note(faults)
    read = {key: found.read(partial(_READERS[key], each), None) for key, each in fields.items()}
    known = {key: each for key, each in read.items() if each is not None}
    plan = replace(_EMPTY, **known, path=path, digest=sha256(content), lines=part.source.lines)
    if plan.members:
        plan = replace(plan, driver=SET, back=default_back(plan.members))
    if "back" in fields and plan.members:
        plan = replace(plan, back=found.read(partial(read_back, fields["back"], plan.members), plan.back))
    found.note(_misfits(part, fields))
    return plan, found.faults


def read_rehearsal_plans(
    files: Mapping[str, bytes], settings: Settings, services: Collection[str]
) -> RehearsalPlans:
    """The plans of all rule files that are one.

    Raises:
        InvalidInput: as ``read_rehearsal_plan``, or ``rehearsal-service``, ``rehearsal-environment``,
            ``rehearsal-production``, ``rehearsal-twice``; ``PlanFaults`` where several things are wrong in them.
    """
    found = survey_rehearsal_plans(files, settings, services)
    if found.faults:
        raise together(found.faults)
    return found.plans


def survey_rehearsal_plans(
    files: Mapping[str, bytes], settings: Settings, services: Collection[str]
) -> Surveyed[RehearsalPlan]:
    """The plans that can be used, and all that is wrong with the others."""
    return surveyed(files, survey_rehearsal_plan, partial(_misplaced, settings, services))


def _misplaced(
    settings: Settings, services: Collection[str], plan: RehearsalPlan, other: RehearsalPlan | None
) -> Iterator[InvalidInput]:
    service = Place(path=plan.path, line=plan.line_of(("service",)))
    environment = Place(path=plan.path, line=plan.line_of(("environment",)))
    if plan.service and plan.service not in services:
        yield refused(
            service,
            f"a service of the catalog{closest(plan.service, sorted(services))}",
            plan.service,
            code="rehearsal-service",
            hint="correct it, or describe the service: docs/how-to/describe-your-services.md",
        )
    place = settings.environments.get(plan.environment)
    if place is None and plan.environment:
        known = sorted(name for name, each in settings.environments.items() if not each.production)
        yield refused(
            environment,
            f"an environment of interlock.yaml{closest(plan.environment, known)}",
            plan.environment,
            code="rehearsal-environment",
            hint=f"known and not production: {', '.join(known) or 'none; add one under environments'}",
        )
    elif place is not None and place.production:
        yield refused(
            environment,
            "an environment that is not production",
            plan.environment,
            code="rehearsal-production",
            hint="rehearse in staging, or in a throw-away place: what is tried there may fail",
        )
    yield from _clusters(settings, plan)
    if other is not None:
        yield refused(
            service,
            f"one rehearsal of `{plan.service}` in `{plan.environment}`, which {other.path} is",
            "another",
            code="rehearsal-twice",
            hint="remove one of the two",
        )


def _clusters(settings: Settings, plan: RehearsalPlan) -> Iterator[InvalidInput]:
    """Contexts and namespaces of Kubernetes that belong to production by its name or by its markers."""
    named: list[tuple[Keys, Mapping[str, Json]]] = [(("driver",), plan.driver.settings)]
    named += [(("probes", n), each.settings) for n, each in enumerate(plan.probes)]
    named += [(("members", n, "driver"), m.driver.settings) for n, m in enumerate(plan.members) if m.driver]
    for keys, given in named:
        for key, (name, place) in product(("context", "namespace"), settings.environments.items()):
            value, marks = given.get(key), (name, *place.markers) if place.production else ()
            if isinstance(value, str) and any(fnmatchcase(value, each) for each in marks):
                yield refused(
                    Place(path=plan.path, line=plan.line_of((*keys, key))),
                    f"a {key} that is not of `{name}`, which is production",
                    value,
                    code="rehearsal-production",
                    hint="rehearse in another cluster or namespace: what is tried there may fail",
                )


def _misfits(part: Part, fields: Mapping[str, Part]) -> Iterator[InvalidInput]:
    if "members" not in fields:
        if "driver" not in fields:
            yield part.refuse("`driver` or `members` in the file", "neither", hint="add `driver:`")
        if "back" in fields:
            yield fields["back"].refuse("`back` beside `members` only", hint="list the members, or remove it")
        return
    for key in ("driver", "apply", "rollback"):
        if key in fields:
            hint = "each member has its own: move it below one of them"
            yield fields[key].refuse(f"no `{key}` beside `members`", "one", hint=hint)


def _probes(part: Part) -> tuple[ProbePlan, ...]:
    parts = part.items()
    if len(parts) > MOST_PROBES:
        raise part.refuse(f"at most {MOST_PROBES} probes", str(len(parts)), hint="let one look at several things")
    return named_once(parts, _probe, "each probe's name once")


def _probe(part: Part) -> ProbePlan:
    fields = part.fields(required=("name", "kind"))
    settings = {key: each.value for key, each in fields.items() if key not in {"name", "kind"}}
    return ProbePlan(
        name=fields["name"].word(), kind=fields["kind"].word(), settings=settings, line=fields["name"].line
    )


_READERS: Mapping[str, Callable[[Part], Any]] = {
    "service": Part.word,
    "environment": Part.word,
    "objective": lambda part: part.seconds(least=0.1, most=LONGEST_OBJECTIVE),
    "driver": read_driver,
    "apply": read_steps,
    "rollback": read_steps,
    "members": read_members,
    "back": lambda _: None,
    "probes": _probes,
    "passed_on": read_variables,
}
